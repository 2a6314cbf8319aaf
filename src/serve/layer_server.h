// LayerServer: the state machine of one server. It holds layers [a, b) of one model (the newest
// snapshot; sessions opened on an older one keep it), opens sessions with a KV cache each, and for
// every push that arrives computes its layers and pushes on to the next hop, or answers the client.
// Pushes of different sessions that wait together are computed as one batch, which changes nobody's
// bits (N1). What it does with each message: S25, S28, S30.
//
// Everything happens on the Loop, except that pushes are computed, checked against their receipts
// and signed for on Lane::kServe. Every queue is bounded; what does not fit is refused with
// Refusal::kBusy.
//
// It is a NetworkHandler and ignores messages of kinds that it does not know, so it can be given to
// the Network as it is.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "net/network.h"
#include "serve/announce.h"
#include "serve/model_snapshot.h"
#include "tensor/compute.h"

namespace cairn::serve {

struct LayerServerOptions {
    std::size_t max_sessions = 64;
    /// Sessions that one client key may hold at once.
    std::size_t max_sessions_per_client = 16;
    /// Memory for all KV caches together.
    std::uint64_t max_kv_bytes = std::uint64_t{1} << 30;
    /// Pushes of one session, and of all together, that may wait for computation.
    std::size_t max_waiting_per_session = 8;
    std::size_t max_waiting = 256;
    /// Tokens computed in one batch.
    std::size_t max_batch_tokens = kMaxPushTokens;
    std::uint64_t idle_ms = 120'000;    ///< a session without a push ends after this
    std::uint64_t next_hop_ms = 5'000;  ///< time to reach the next hop
    std::uint64_t announce_life_ms = 60'000;
    std::size_t threads = 1;  ///< computing threads on Lane::kServe
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

    /// From now on sessions are opened on this snapshot's `layers`; CHECKs that it has them.
    /// Sessions that are open go on with theirs.
    void set_model(ModelSnapshot snapshot, model::LayerRange layers);

    /// The signed record that AskAnnounce is answered with; nothing while there is no model.
    std::optional<Announce> announce() const;

    std::size_t open_sessions() const { return sessions_.size(); }
    std::uint64_t kv_bytes() const { return kv_bytes_; }
    std::uint64_t tokens_computed() const { return tokens_computed_; }

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

  private:
    struct Loaded;
    struct Session;
    struct BatchItem;
    struct Batch;
    using SessionMap = std::map<Hash256, std::unique_ptr<Session>>;

    void open(net::PeerId peer, const OpenSession& request);
    std::optional<SessionProblem> reason_to_refuse(const OpenSession& request,
                                                   const crypto::PublicKey& client) const;
    std::shared_ptr<Loaded> load(model::LayerRange layers);
    void find_next_hop(Session& session);
    void mark_open(Session& session, net::PeerId next_peer);
    void push(net::PeerId peer, Push message);
    std::optional<SessionProblem> wrong_with(const Session& session, const Push& message) const;
    void report_progress(net::PeerId peer, const Hash256& id);
    void next_hop_failed(net::PeerId peer, const SessionProblem& problem);

    void start_batch();
    void finish_batch(Batch& batch);
    void finish_item(BatchItem& item);
    static void compute(Batch& batch);

    void tell(net::PeerId peer, MessageKind kind, const SessionProblem& problem);
    /// Tells the client why and frees everything; later pushes get kUnknownSession.
    void fail(Session& session, Refusal refusal, const std::string& reason);
    void erase(const Hash256& id);
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
    std::optional<ModelSnapshot> snapshot_;
    model::LayerRange layers_;
    /// Layers set up for computing, by span; sessions of the same span share one.
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::weak_ptr<Loaded>> loaded_;
    std::map<net::PeerId, net::PeerInfo> peers_;
    SessionMap sessions_;
    std::deque<Hash256> ready_;  // sessions with waiting pushes, in turn; each at most once
    std::size_t waiting_ = 0;    // pushes of all sessions
    std::uint64_t kv_bytes_ = 0;
    std::uint64_t tokens_computed_ = 0;
    std::uint64_t next_serial_ = 1;
    bool computing_ = false;
    TimerId idle_timer_ = 0;
    Alive alive_;
};

}  // namespace cairn::serve
