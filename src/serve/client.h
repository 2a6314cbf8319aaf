// Client: sessions over a route of servers. It asks servers what they hold, opens a session on
// every hop of a route, pushes hidden states to the first hop and gets those of the last layer back
// from the last, having checked the receipts of all hops: signatures, and that each hop's inputs
// are the outputs of the hop before. A hop that is gone, refuses, or does not answer in time fails
// the session with an error that names it (S29). serve/remote_layers.h goes on over another route.
//
// Everything happens on the node's Loop; callbacks are called once each, from the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"
#include "net/network.h"
#include "serve/route.h"

namespace cairn::serve {

struct ClientOptions {
    std::uint64_t discover_ms = 5'000;  ///< to connect to servers and hear what they hold
    std::uint64_t open_ms = 15'000;     ///< to open a session on all hops
    std::uint64_t push_ms = 30'000;     ///< for one push to come back from hops that are alive
    std::uint64_t ask_ms = 3'000;       ///< of silence, before hops are asked how far they are
    std::uint64_t progress_ms = 5'000;  ///< for each to say so; who does not is gone
};

/// What went wrong, and at which server (zero key: at none in particular).
struct Failure {
    Error error;
    crypto::PublicKey server;
};

/// The records of the servers that answered, with the address at which they did, and a sentence for
/// each that did not.
struct Discovery {
    std::vector<Announce> offers;
    std::vector<std::string> silent;
};

struct OpenRequest {
    Hash256 model;
    std::uint32_t dim = 0;
    std::uint32_t max_positions = 0;
    tensor::KvType kv = tensor::KvType::kF32;
    std::vector<Hop> route;
};

class Client final : public net::NetworkHandler {
  public:
    template <typename T>
    using Answer = std::function<void(std::variant<T, Failure>)>;
    using States = std::vector<float>;

    Client(Loop& loop, net::Network& network, const Clock& clock, Random& random,
           const crypto::SecretKey& secret, const ClientOptions& options);
    ~Client() override;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Connects to each "host:port" and asks what it holds.
    void discover(std::vector<std::string> addresses, std::function<void(Discovery)> done);

    /// Opens a session on every hop. The id that comes back is for push() and close().
    void open(const OpenRequest& request, Answer<Hash256> done);

    /// Sends hidden states [n, dim], n at most max_push_tokens(dim), through all layers. Several
    /// pushes may be under way; answers come in order. After a Failure the session is closed.
    void push(const Hash256& session, States states, Answer<States> done);

    /// Tells all hops, which free their caches. Pushes under way are answered kCancelled.
    void close(const Hash256& session);

    /// A connection that was asked for came to nothing; the Network itself says so only by silence
    /// (net::TlsOptions::on_failed). Optional: without it the deadlines decide.
    void on_connect_failed(const std::string& address, const std::string& reason);

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

  private:
    struct Pending;
    struct Session;
    struct Search;

    bool send(net::PeerId peer, MessageKind kind, ByteView body);
    net::PeerId peer_by_key(const crypto::PublicKey& key) const;

    void on_announce(net::PeerId peer, ByteView body);
    void on_opened(net::PeerId peer, ByteView body);
    void on_problem(net::PeerId peer, ByteView body);
    void on_result(net::PeerId peer, ByteView body);
    void on_progress(net::PeerId peer, ByteView body);

    void send_open(Session& session, std::size_t hop, net::PeerId peer);
    void after(std::uint64_t delay_ms, Session& session, void (Client::*deadline)(Session&));
    void open_deadline(Session& session);
    void wait_for_result(Session& session);
    void ask_progress(Session& session);
    void judge_progress(Session& session);
    /// Ends the session: closes it at all hops and answers everything that waits.
    void fail(const Hash256& id, ErrorCode code, const std::string& reason, std::size_t blamed);
    void settle(Search& search, std::size_t index, std::string why_silent);
    void finish_searches();

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    Random& random_;
    const crypto::SecretKey& secret_;
    crypto::PublicKey key_;
    ClientOptions options_;

    std::map<net::PeerId, net::PeerInfo> peers_;
    std::map<Hash256, std::unique_ptr<Session>> sessions_;
    /// Why sessions ended that had nothing under way: the next push hears of it.
    std::map<Hash256, Failure> ended_;
    std::vector<std::unique_ptr<Search>> searches_;
    std::uint64_t next_serial_ = 1;
    Alive alive_;
};

}  // namespace cairn::serve
