// ClientSessions: the client's side of sessions over a route of servers (S25 to S30). It opens a
// session on every hop and carries hidden states from one to the next, having checked what each
// made of them: that it is finite, and signed by that hop for the inputs that it was given. A hop
// that is gone, refuses, or does not answer in time fails the session with an error that names it.
// serve/remote_layers.h goes on over another route.
//
// Everything happens on the Loop. Client tells it what happens on the links.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"
#include "net/network.h"
#include "serve/route.h"

namespace cairn::serve {

struct SessionTimeouts {
    std::uint64_t open_ms = 15'000;     ///< to open a session on all hops
    std::uint64_t push_ms = 30'000;     ///< for a hop that is alive to answer a push
    std::uint64_t ask_ms = 3'000;       ///< of silence, before the hop is asked how far it is
    std::uint64_t progress_ms = 5'000;  ///< for it to answer; one that does not is gone
};

/// Hidden states [n, dim], row by row.
using States = std::vector<float>;

/// What went wrong, and at which server (zero key: at none in particular).
struct Failure {
    Error error;
    crypto::PublicKey server;
};

/// Called once, with what was asked for or with what went wrong.
template <typename T>
using SessionCallback = std::function<void(std::variant<T, Failure>)>;

struct OpenRequest {
    Hash256 model;
    std::uint32_t dim = 0;
    std::uint32_t max_positions = 0;
    tensor::KvType kv = tensor::KvType::kF32;
    std::vector<Hop> route;
};

class ClientSessions {
  public:
    /// All references must outlive it. `peers` are the links that are up.
    ClientSessions(Loop& loop, net::Network& network, const Clock& clock, Random& random,
                   const crypto::SecretKey& secret,
                   const std::map<net::PeerId, net::PeerInfo>& peers,
                   const SessionTimeouts& timeouts);

    /// Opens a session on every hop. The id that comes back is for push() and close().
    void open(const OpenRequest& request, SessionCallback<Hash256> done);

    /// Sends hidden states [n, dim], n at most max_push_tokens(dim), through all layers. Several
    /// pushes may be under way; answers come in order. After a Failure the session is closed,
    /// unless the states were refused here (not finite, or beyond the session's positions).
    void push(const Hash256& session, States states, SessionCallback<States> done);

    /// Tells all hops, which free their caches. Pushes under way are answered kCancelled.
    void close(const Hash256& session);

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info);
    void on_peer_down(net::PeerId peer, const std::string& reason);
    void on_connect_failed(const std::string& address, const std::string& reason);
    void on_message(net::PeerId peer, MessageKind kind, ByteView body);

  private:
    static constexpr std::size_t kNoHop = SIZE_MAX;

    struct HopState {
        Hop hop;
        net::PeerId peer = 0;  // 0: not connected yet
        bool opened = false;
        Hash256 inputs;  // rolling hash that its next receipt must continue
        std::optional<Progress> progress;
    };
    /// A push under way. The oldest is farthest along the route.
    struct Pending {
        std::uint32_t position = 0;
        std::uint32_t tokens = 0;
        std::size_t hop = 0;  // that has it now
        Hash256 states;       // what that hop was sent, hashed
        SessionCallback<States> done;
    };
    struct Session {
        SessionTerms terms;
        std::uint32_t dim = 0;
        std::vector<HopState> hops;
        SessionCallback<Hash256> open_done;  // empty once answered
        bool is_open = false;
        std::uint32_t sent = 0;  // positions
        std::deque<Pending> pending;
        std::uint64_t waiting_since_us = 0;  // for the first of them
        TimerId timer = 0;

        const Hash256& id() const { return terms.session; }
        std::size_t hop_of(net::PeerId peer) const;
    };
    void on_opened(net::PeerId peer, ByteView body);
    void on_problem(net::PeerId peer, ByteView body);
    void on_result(net::PeerId peer, ByteView body);
    void on_progress(net::PeerId peer, ByteView body);

    net::PeerId peer_by_key(const crypto::PublicKey& key) const;
    void send_open(Session& session, std::size_t hop, net::PeerId peer);
    void after(std::uint64_t delay_ms, Session& session,
               void (ClientSessions::*deadline)(Session&));
    void open_deadline(Session& session);
    /// Sends states to the hop that has the push now.
    void send_push(Session& session, const Pending& pending, States states);
    /// Why a result is not accepted, if it is not; advances the hop's rolling hash.
    static std::optional<std::string> object_to(const PushResult& result, const Pending& asked,
                                                Session& session);
    /// Of the oldest push, from the hop that has it.
    void wait_for_result(Session& session);
    void ask_progress(Session& session);
    void judge_progress(Session& session);
    /// Ends the session: closes it at all hops and answers everything that waits.
    void fail(const Hash256& id, ErrorCode code, const std::string& reason, std::size_t blamed);

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    Random& random_;
    const crypto::SecretKey& secret_;
    crypto::PublicKey key_;
    const std::map<net::PeerId, net::PeerInfo>& peers_;
    SessionTimeouts timeouts_;

    std::map<Hash256, std::unique_ptr<Session>> sessions_;
    /// Why sessions ended that had nothing under way: the next push is answered with it.
    std::map<Hash256, Failure> ended_;
    Alive alive_;
};

}  // namespace cairn::serve
