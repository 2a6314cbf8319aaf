// RemoteLayers: all layers of a model, computed by other machines, as one function from hidden
// states to hidden states that survives the loss of servers (S31). It finds servers, makes a Stage
// for each hop of a route over them, carries the states from stage to stage, and gives a stage
// whose leader is lost or suspect another server. The text continues token for token as if nothing
// had happened.
//
// Works on the loop, by callbacks. A caller that wants to wait instead uses NetworkLayers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serve/client.h"
#include "serve/stage.h"

namespace cairn::serve {

struct RemoteOptions {
    std::vector<std::string> servers;  ///< "host:port" of those that may be asked
    std::uint32_t max_positions = 0;
    /// What a decoder with cross attention attends to, [n, dim]: an encoder's states. Each stage
    /// is given them first, and so is a server that comes later (S54).
    std::vector<float> source{};
    tensor::KvType kv = tensor::KvType::kF32;          ///< of the caches on the servers
    tensor::StateType wire = tensor::StateType::kF32;  ///< of hidden states, layer by layer
    /// Servers for each stage that are fed the same inputs and take over at once.
    std::size_t standbys = 0;
    /// How long a sentence waits for a server where nobody holds its layers any more.
    std::uint64_t wait_ms = 30'000;
    std::size_t max_failovers = 8;  ///< in one call of forward()
    /// For inputs that rebuild the cache of a server that comes later. Where it does not suffice,
    /// later stages keep none, and are rebuilt together with those before them.
    std::uint64_t max_kept_bytes = std::uint64_t{1} << 30;
    Patience patience{};
    /// Whom to prefer, and whom not to use. Trips are measured and entered here.
    RouteChoice choice{};
    /// Called with a sentence when a route is chosen or a server replaced; may be empty.
    std::function<void(const std::string&)> note;
    /// Called with a sentence for each server that was left out; may be empty.
    std::function<void(const std::string&)> left_out{};
};

class RemoteLayers {
  public:
    using ForwardCallback = std::function<void(Result<States>)>;

    /// `client` must outlive it. `model` and `config` name the model whose layers are wanted.
    /// CHECKs that it can attend to the source (model::check_source()).
    RemoteLayers(Client& client, const Hash256& model, const model::ModelConfig& config,
                 RemoteOptions options);
    ~RemoteLayers();
    RemoteLayers(const RemoteLayers&) = delete;
    RemoteLayers& operator=(const RemoteLayers&) = delete;

    /// Finds servers, chooses a route, opens sessions.
    void start(std::function<void(Status)> done);
    /// hidden[n, dim], any n >= 1, through all layers; one call at a time. Of an encoder one call
    /// in all, with the whole text: max_positions rows (S55).
    /// kCancelled after close(), and after a call that failed until truncate(0); kInvalid, with the
    /// sequence as it was, for more positions than it was opened for and for what is not finite.
    void forward(States hidden, ForwardCallback done);
    /// Forgets the positions from `length` on. Between calls of forward() only; not of an encoder.
    void truncate(std::size_t length);
    /// Frees the caches on all hops.
    void close();
    /// The same in the middle of a call, which ends with kCancelled.
    void cancel();
    /// RemoteOptions::wait_ms from here on.
    void set_wait_ms(std::uint64_t wait_ms) { options_.wait_ms = wait_ms; }

    /// The hop that leads each stage.
    std::vector<Hop> route() const;
    std::size_t positions() const { return positions_; }
    /// Stages that keep their inputs: no more than max_kept_bytes has room for, but the first.
    std::size_t keeping_stages() const;
    /// How often another server had to lead.
    std::size_t failovers() const { return failovers_; }
    /// failovers() and longest_stall_ms() count from here.
    void begin_text() {
        failovers_ = 0;
        longest_stall_us_ = 0;
    }
    /// The longest wait between two answers, each of some rows, while a server was replaced.
    std::uint64_t longest_stall_ms() const { return longest_stall_us_ / 1000; }

  private:
    /// With what its layers attend to. `done` counts the source's positions.
    std::unique_ptr<Stage> make_stage(model::LayerRange layers, std::size_t done, bool keeps);
    /// Its place on the route; as many as there are stages for one that has ended.
    std::size_t index_of(const Stage* stage) const;
    /// Whether so many stages may keep all inputs that a sequence can have.
    bool may_keep(std::size_t stages) const;
    void open_route(const std::vector<Hop>& hops);
    /// Notes why the route is as it is.
    void explain() const;
    /// Stages over the hops in place of stages first to last, which end.
    void rebuild(std::size_t first, std::size_t last, const std::vector<Hop>& hops);
    /// The next inputs of a stage.
    void put(Stage& stage, std::span<const float> rows) const;
    void on_rows(const Stage* stage, States states);
    void on_led(const Stage* stage, const Hop& hop);
    void on_lost(const Stage* stage, const Hop& hop, const Failure& failure, bool led);
    /// It was paid for rows of a source that it may not have read. The second time it is left out.
    void note_unread(const Hop& hop);

    /// Hops over these layers at servers that nothing speaks against, without those of `but`.
    Result<std::vector<Hop>> plan(model::LayerRange layers, const Stage* but, bool spare) const;
    /// Gives every stage without a server one, as far as there are any.
    void mend();
    void mend_soon();
    /// False: there is no other server.
    bool replace(std::size_t index);
    void wait_or_give_up(std::size_t index);
    void add_standbys();
    /// Asks all addresses again what they hold.
    void look_around();
    void learn(Discovery found);
    /// Looks after the call under way until it is done.
    void watch();
    void watch_stage(std::size_t index);
    Patience patience_with(const Hop& hop) const;
    void finish(Result<States> result);
    void note(const std::string& sentence) const;

    Client& client_;
    model::ModelConfig config_;
    RemoteOptions options_;
    SequenceTerms terms_;
    std::vector<Announce> offers_;
    std::vector<crypto::PublicKey> dropped_;  // wrong, or not able to
    std::vector<crypto::PublicKey> unread_;   // paid for a source and gone
    std::string silent_;                      // who did not say what it holds, and why
    std::map<crypto::PublicKey, std::uint64_t> patience_ms_;  // with who was suspected without need

    std::vector<std::unique_ptr<Stage>> stages_;
    std::vector<std::unique_ptr<Stage>> ended_;  // until nothing of theirs is on the stack
    std::map<const Stage*, Hop> leads_;
    std::map<const Stage*, Hop> suspects_;
    std::size_t positions_ = 0;
    bool broken_ = false;  // a call failed: positions are unknown until truncate(0)
    std::size_t failovers_ = 0;
    std::uint64_t longest_stall_us_ = 0;

    // The call under way.
    std::function<void(Status)> started_;
    ForwardCallback done_;
    States outputs_;
    std::size_t wanted_ = 0;           // values of outputs_
    std::uint64_t answered_us_ = 0;    // when the last rows of it came
    std::uint64_t call_stall_us_ = 0;  // the longest wait for rows in it
    std::size_t replaced_ = 0;         // stages that another server leads
    std::size_t lost_leaders_ = 0;
    Error lost_{ErrorCode::kIo, ""};               // why the latest server was lost
    std::optional<std::uint64_t> alone_since_us_;  // since when a stage has no server

    bool looking_ = false;
    std::optional<std::uint64_t> looked_us_;  // when addresses were asked again
    bool watching_ = false;
    bool mending_ = false;
    Alive alive_;
};

}  // namespace cairn::serve
