// LayerServer: the state machine of one server. It holds layers [a, b) of one model, of which there
// may be newer ones with time (a chain's). It opens sessions with a KV cache each, on the newest or
// one of the few before it, so that a text that was begun on one can go on after a failover, and
// answers every push with what its layers make of it. Pushes of different sessions that wait
// together are computed as one batch, which changes nobody's bits (N1). What it does with each
// message: S25, S28, S30.
//
// Clients are strangers. A session belongs to the link that opened it; the server dials nobody, and
// sends nothing but answers. Who gets its memory is session_places.h, whose push is next turns.h.
//
// Everything happens on the Loop, except that pushes are computed and signed for on Lane::kLayers.
// Every queue is bounded; what does not fit is refused with Refusal::kBusy.
//
// It is a NetworkHandler and ignores messages of kinds that it does not know, so it can be given to
// the Network as it is.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "net/network.h"
#include "serve/announce.h"
#include "serve/divided_layers.h"
#include "serve/lateness.h"
#include "serve/model_snapshot.h"
#include "serve/session_places.h"
#include "serve/till.h"
#include "serve/turns.h"
#include "tensor/compute.h"

namespace cairn::serve {

struct LayerServerOptions {
    /// Memory for all sessions together: their KV caches and the pushes that may wait.
    std::uint64_t max_session_bytes = std::uint64_t{1280} << 20;
    /// Each session counts as this part of it at least.
    std::size_t max_sessions = 64;
    /// Pushes of one session that may wait for computation.
    std::size_t max_waiting_per_session = 8;
    /// Tokens computed in one batch.
    std::size_t max_batch_tokens = kMaxPushTokens;
    std::uint64_t idle_ms = 120'000;  ///< a session without a push ends after this
    std::uint64_t announce_life_ms = 60'000;
    std::size_t max_models = 3;  ///< the newest and those before it on which sessions are opened
    std::size_t threads = 1;     ///< computing threads on Lane::kLayers
    /// A paid session whose next push is not paid for ends after this.
    std::uint64_t unpaid_ms = 10'000;
    std::uint32_t rows_per_s = 0;  ///< as it was measured, for its announcements; 0: not known
    /// Where others reach it ("host:port", or through a relay), for its announcements; empty: where
    /// it listens.
    std::string address{};
    /// Where it is paid; null: it asks for nothing. Must outlive the server.
    Till* till = nullptr;
    /// For showing how a liar is found: a bit of every answer is wrong, and signed as if it were
    /// right.
    bool lies = false;
    /// The part of the network that a client is in (net::TlsNetwork::group_of).
    std::function<std::string(net::PeerId)> group_of{};
};

class LayerServer final : public net::NetworkHandler {
  public:
    /// All references must outlive it. It may die while a batch is being computed.
    LayerServer(Loop& loop, net::Network& network, const Clock& clock, Random& random,
                const crypto::SecretKey& secret, const tensor::Kernels& kernels,
                const LayerServerOptions& options);
    ~LayerServer() override;
    LayerServer(const LayerServer&) = delete;
    LayerServer& operator=(const LayerServer&) = delete;

    /// From now on sessions are opened on this snapshot's `layers`, too, and it is announced;
    /// CHECKs that it has them. Sessions that are open go on with theirs.
    void set_model(ModelSnapshot snapshot, model::LayerRange layers);
    /// The same of layers that this machine and its parts compute together. `snapshot` needs no
    /// weights. While a part is away its sessions are ended and refused as busy, it is not
    /// announced, and the parts are asked to join again until they do.
    void set_divided(ModelSnapshot snapshot, model::LayerRange layers,
                     std::shared_ptr<DividedLayers> divided);

    /// The signed record that AskAnnounce is answered with: of `model` if sessions are opened on
    /// it, else of the newest; nothing while there is none. Made anew at most once a second, for
    /// signing takes longer than asking.
    std::optional<Announce> announce(const Hash256& model = {});

    std::size_t open_sessions() const { return sessions_.size(); }
    /// Memory that open sessions may use.
    std::uint64_t session_bytes() const { return session_bytes_; }
    std::uint64_t tokens_computed() const { return tokens_computed_; }
    /// What it announces as its address.
    std::string address() const;
    /// As in its options, for announcements from now on.
    void set_address(const std::string& address);
    /// Layer-rows a second, for announcements from now on.
    void set_speed(std::uint32_t rows_per_s) { options_.rows_per_s = rows_per_s; }
    /// Ends the sessions that are paid by this channel.
    void end_unpaid(const chain::OutPoint& channel, const std::string& reason);
    /// Layer-rows a second, as it is announced: fewer than it was told if its own results came late
    /// by that (lateness.h).
    std::uint32_t speed() const;

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

  private:
    struct Loaded;
    struct Session;
    struct BatchItem;
    struct Batch;
    /// Whose it is, and how he calls it: nobody can name another's session.
    using SessionId = std::pair<net::PeerId, Hash256>;

    void open(net::PeerId peer, const OpenSession& request);
    /// The same, once it is known that the session is free or can be paid; false: it is not opened.
    bool open_paid(net::PeerId peer, const OpenSession& request);
    /// What speaks against the price and the channel that the request names, before the chain is
    /// asked.
    std::optional<SessionProblem> wrong_with_payment(net::PeerId peer,
                                                     const OpenSession& request) const;
    /// Whether the till may be asked about another session of this client's.
    bool may_ask_till(net::PeerId peer) const;
    void ask_till(net::PeerId peer, const OpenSession& request);
    std::string group_of(net::PeerId peer) const {
        return options_.group_of ? options_.group_of(peer) : "";
    }
    void take_voucher(net::PeerId peer, const VoucherGiven& given);
    void accept_voucher(const SessionId& id, const VoucherGiven& given);
    /// Whether the session's next push may be computed.
    bool is_covered(const Session& session) const;
    /// Has the till make room for the session's next push, if only its disk is in the way.
    void ask_for_credit(const Session& session);
    /// Whether the session has waited for a voucher for too long.
    bool is_overdue(const Session& session) const;
    /// Null if no sessions are opened on it.
    const std::shared_ptr<Loaded>& find_model(const Hash256& model) const;
    std::optional<SessionProblem> reason_to_refuse(net::PeerId peer,
                                                   const OpenSession& request) const;
    std::uint64_t bytes_for(const OpenSession& request) const;
    /// Ends sessions that yield to a newcomer; false: it gets no place.
    bool make_room(const MemoryShare& asks);
    void push(net::PeerId peer, Push message);
    std::optional<SessionProblem> wrong_with(const Session& session, const Push& message) const;
    void report_progress(net::PeerId peer, const Hash256& id);

    /// The work of the session's next push (work_for). Rows that go through no layer are taken for
    /// 2 dim^2, what a decoder's source takes; it is more than hashing and signing take.
    static std::uint64_t cost(const Session& session);
    /// The sessions with waiting pushes, whose turn is next first.
    std::vector<Session*> ready();
    void start_batch();
    void finish_batch(Batch& batch);
    void note_speed(const Batch& batch);
    bool is_slow() const;
    void finish_item(BatchItem& item);
    static void compute(Batch& batch);
    static Status forward(Batch& batch, std::span<float> hidden);
    static void encode_texts(Batch& batch, std::span<float> hidden);
    void add_model(std::shared_ptr<Loaded> loaded);
    /// Looks once a second whether all parts are there.
    void watch_parts(const std::shared_ptr<Loaded>& loaded);
    void lose_parts(Loaded& loaded, const std::string& reason);
    void join_parts(const std::shared_ptr<Loaded>& loaded);

    void tell(net::PeerId peer, MessageKind kind, const SessionProblem& problem);
    /// Tells the client why and frees everything; later pushes get kUnknownSession.
    void fail(Session& session, Refusal refusal, const std::string& reason);
    void fail_unpaid(Session& session);
    void erase(const SessionId& id);
    void watch_idle();

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    Random& random_;
    const crypto::SecretKey& secret_;
    crypto::PublicKey key_;
    LayerServerOptions options_;

    const tensor::Kernels& kernels_;
    std::shared_ptr<ThreadPool> pool_;
    std::deque<std::shared_ptr<Loaded>> models_;  // the newest first
    std::map<net::PeerId, net::PeerInfo> peers_;
    std::map<SessionId, std::unique_ptr<Session>> sessions_;
    Turns turns_;  // of those with waiting pushes
    std::uint64_t session_bytes_ = 0;
    std::uint64_t tokens_computed_ = 0;
    std::uint64_t next_serial_ = 1;
    bool computing_ = false;
    Lateness lateness_;        // of batches, by the speed that it was told
    std::uint32_t slows_ = 0;  // to how many layer-rows a second; 0: it does not
    std::uint64_t slow_until_us_ = 0;
    TimerId idle_timer_ = 0;
    /// Sessions that the till is asked about. They stay until it answers, whatever becomes of the
    /// link: new links get nobody more of them.
    struct Opening {
        std::string group;
        std::size_t sessions = 0;
    };
    std::map<net::PeerId, Opening> opening_;
    Alive alive_;
};

}  // namespace cairn::serve
