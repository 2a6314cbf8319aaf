// For this room's tests alone: a loop in virtual time, a network in memory, and a world of layer
// servers and one client over them. (sim/ cannot be used here: it stands above this room.)
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "infer/generate.h"
#include "serve/layer_server.h"
#include "serve/remote_layers.h"

namespace cairn::serve {

/// Everything in one thread. Offloaded work runs when no message is left, so messages overtake it.
class FakeLoop final : public Loop {
  public:
    explicit FakeLoop(ManualClock& clock) : clock_(clock) {}
    void post(std::function<void()> task) override { queue_.push_back(std::move(task)); }
    TimerId call_after(std::uint64_t delay_ms, std::function<void()> task) override;
    void cancel(TimerId id) override;
    void offload(Lane lane, std::function<void()> work, std::function<void()> done) override;
    /// Holds offloaded work back, or lets it go on: a machine that hangs.
    void hold_work(bool hold) { held_ = hold; }
    /// The same for one lane.
    void hold_lane(Lane lane) { held_lanes_.insert(lane); }
    void release_lane(Lane lane) { held_lanes_.erase(lane); }
    /// Offloaded pieces that wait.
    std::size_t waiting_work() const { return work_.size(); }

    /// Runs until `done` or nothing is left to do; jumps over empty time. False: nothing left.
    bool run_until(const std::function<bool()>& done);
    /// Runs what is due within `ms` of virtual time.
    void run_for(std::uint64_t ms);

  private:
    bool step(std::uint64_t until_us);

    ManualClock& clock_;
    std::deque<std::function<void()>> queue_;
    std::deque<std::pair<Lane, std::function<void()>>> work_;
    std::set<Lane> held_lanes_;
    std::map<std::pair<std::uint64_t, TimerId>, std::function<void()>> timers_;
    TimerId next_timer_ = 1;
    bool held_ = false;
};

class FakeNetwork;

/// All nodes by address.
struct FakeWire {
    std::map<std::string, FakeNetwork*> nodes;
    std::set<std::string> frozen;  ///< messages to these addresses vanish: they stall
    std::map<std::string, std::uint64_t> late_ms;  ///< messages to and from these take so long
    std::uint64_t messages = 0;
};

class FakeNetwork final : public net::Network {
  public:
    FakeNetwork(Loop& loop, FakeWire& wire, std::string address, crypto::PublicKey key)
        : loop_(loop), wire_(wire), address_(std::move(address)), key_(key) {
        wire_.nodes[address_] = this;
    }
    ~FakeNetwork() override { die(); }
    void set_handler(net::NetworkHandler* handler) override { handler_ = handler; }
    void connect(const std::string& address) override;
    bool send(net::PeerId peer, std::uint16_t kind, ByteView body) override;
    bool has_room(net::PeerId, std::size_t) const override { return !full; }
    void disconnect(net::PeerId peer) override;
    void mark_useful(net::PeerId peer) override { useful.insert(peer); }
    std::string listen_address() const override { return address_; }
    /// Part of the network that others see it in.
    std::string group = "one";
    std::string group_of(net::PeerId peer) const;
    std::set<net::PeerId> useful;  ///< what mark_useful was told
    std::size_t dialled = 0;       ///< calls of connect()
    /// May change what this node sends: a machine that lies.
    std::function<void(MessageKind, Bytes&)> tamper;
    bool full = false;                   ///< nobody reads what this node sends
    std::optional<MessageKind> swallow;  ///< it never sends these
    /// By how much later it sends what it sends: a machine that computes slowly.
    std::function<std::uint64_t(MessageKind)> delay_ms;
    /// Ends it without a word, as kill -9 does: all peers lose it.
    void die();

  private:
    struct End {
        FakeNetwork* other = nullptr;
        net::PeerId there = 0;
    };
    net::PeerId add(FakeNetwork* other, bool outbound);
    void lose(net::PeerId peer);

    Loop& loop_;
    FakeWire& wire_;
    std::string address_;
    crypto::PublicKey key_;
    net::NetworkHandler* handler_ = nullptr;
    std::map<net::PeerId, End> ends_;
    net::PeerId next_ = 1;
};

/// A server of the world and what it stands on.
struct FakeServer {
    crypto::SecretKey secret;
    std::unique_ptr<FakeNetwork> network;
    std::unique_ptr<LayerServer> server;

    void kill() {
        network.reset();
        server.reset();
    }
};

struct TestWorld {
    struct Route {
        std::vector<Hop> hops;
        std::vector<Hash256> sessions;
        std::vector<std::uint32_t> sent;  ///< positions, to each hop
        std::optional<Failure> ended;
        std::function<void(const Failure&)> waiting;  ///< for a push that is under way
    };
    ManualClock clock;
    FakeLoop loop{clock};
    FakeWire wire;
    SeededRandom random{7};
    const tensor::Kernels& kernels = *tensor::kernels_from_environment().value();
    ThreadPool pool{1};
    tensor::Compute compute{&kernels, &pool};
    std::shared_ptr<const model::Model> model;
    ModelSnapshot snapshot;
    std::map<std::string, FakeServer> servers;

    crypto::SecretKey client_secret = crypto::SecretKey::generate(random);
    FakeNetwork client_network{loop, wire, "client", crypto::public_key(client_secret)};
    std::unique_ptr<Client> client;
    std::map<Hash256, Route> routes;

    explicit TestWorld(std::shared_ptr<const model::Model> the_model,
                       const ClientOptions& options = {});
    ~TestWorld();

    FakeServer& add_server(const std::string& address, model::LayerRange layers,
                           const LayerServerOptions& options = {});
    /// Addresses of all servers.
    std::vector<std::string> addresses() const;

    Discovery discover(std::vector<std::string> from);
    /// Sessions at all hops, known by the id of the first.
    std::variant<Hash256, Failure> open(const std::vector<Hop>& route, std::uint32_t positions);
    /// Through all hops; the positions follow each other.
    std::variant<States, Failure> push(const Hash256& session, States states);
    /// The same; `done` is called later. Pushes of one session are answered in order.
    void push(const Hash256& session, States states,
              std::function<void(std::variant<States, Failure>)> done);
    void close(const Hash256& session);
    /// Deterministic states [tokens, dim] that look like embeddings.
    States some_states(std::size_t tokens, std::uint64_t seed);
    /// The same through a Transformer in this process, from an empty cache.
    States local_forward(const States& states);
};

/// Talks to a server in raw messages, as no honest client would.
struct RawPeer : net::NetworkHandler {
    TestWorld& world;
    crypto::SecretKey secret;
    FakeNetwork network;
    net::PeerId peer = 0;
    std::vector<std::pair<MessageKind, Bytes>> got;
    std::vector<std::string> errors;
    SessionTerms terms;

    RawPeer(TestWorld& w, const std::string& name, const std::string& group = "one")
        : world(w),
          secret(crypto::SecretKey::generate(w.random)),
          network(w.loop, w.wire, name, crypto::public_key(secret)) {
        network.group = group;
        network.set_handler(this);
    }
    void on_peer_up(net::PeerId id, const net::PeerInfo&) override { peer = id; }
    void on_peer_down(net::PeerId, const std::string&) override { peer = 0; }
    void on_message(net::PeerId, std::uint16_t kind, Bytes body) override {
        got.emplace_back(static_cast<MessageKind>(kind), body);
        if (const auto problem = decode_session_problem(body); problem.ok())
            errors.push_back(std::string(refusal_name(problem->refusal)) + ": " + problem->reason);
    }
    void send(MessageKind kind, const Bytes& body) {
        network.send(peer, static_cast<std::uint16_t>(kind), body);
        world.loop.run_for(10);
    }
    /// Whether the server opens a session.
    bool open_at(const std::string& address, std::uint32_t positions = 64) {
        if (peer == 0) network.connect(address);
        world.loop.run_for(10);
        terms = {.session = world.random.hash256(),
                 .model = world.snapshot.hash,
                 .max_positions = positions};
        send(MessageKind::kOpenSession, encode(OpenSession{terms, {0, 5}}));
        return !got.empty() && got.back().first == MessageKind::kOpened;
    }
    /// Whether a push of so many rows is answered by a result.
    bool computes(std::uint32_t position, std::size_t tokens) {
        send(MessageKind::kPush, encode(push(position, world.some_states(tokens, 1))));
        return got.back().first == MessageKind::kResult;
    }
    Push push(std::uint32_t position, States states) {
        const auto tokens = static_cast<std::uint32_t>(states.size() / world.snapshot.config.dim);
        return {.session = terms.session,
                .position = position,
                .tokens = tokens,
                .type = terms.wire,
                .states = std::move(states)};
    }
};

/// A LayerStack over RemoteLayers on the fake loop.
class FakeRemote final : public infer::LayerStack {
  public:
    FakeRemote(TestWorld& world, RemoteOptions options)
        : world_(world),
          layers_(*world.client, world.snapshot.hash, world.snapshot.config, std::move(options)) {}
    Status start();
    Status forward(std::span<float> hidden) override;
    Status truncate(std::size_t length) override {
        layers_.truncate(length);
        return ok_status();
    }
    RemoteLayers& layers() { return layers_; }
    /// Called before every forward with the number of calls so far.
    std::function<void(std::size_t)> before;

  private:
    TestWorld& world_;
    RemoteLayers layers_;
    std::size_t calls_ = 0;
};

/// A small random model: 5 layers, grouped queries.
std::shared_ptr<const model::Model> small_model();

}  // namespace cairn::serve
