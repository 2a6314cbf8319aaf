// ClientSessions: the client's side of sessions at servers (S25 to S30), each for one server and
// some layers. It opens them, pushes hidden states, and checks what comes back: that it is finite,
// and signed by that server for the inputs that it was given. While a push is under way it asks a
// server from which nothing comes how far it is, so that one that computes is told from one that is
// gone. What a sequence does over several of them is serve/stage.h and serve/remote_layers.h.
//
// Everything happens on the Loop. Client tells it what happens on the links.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"
#include "net/network.h"
#include "serve/lateness.h"
#include "serve/purse.h"
#include "serve/route.h"
#include "serve/server_work.h"

namespace cairn::serve {

struct SessionTimeouts {
    std::uint64_t open_ms = 15'000;  ///< to open a session
    /// So late is lost who answers questions and no push (lateness.h).
    std::uint64_t push_ms = 30'000;
    std::uint64_t silence_ms = 10'000;  ///< of a server that answers nothing at all
    std::uint64_t ask_ms = 100;         ///< of silence, before it is asked how far it is, and again
};

/// Hidden states [n, dim], row by row.
using States = std::vector<float>;

/// What went wrong, and at which server. kUnsupported: it is we who cannot, or would not, pay it.
struct Failure {
    Error error;
    crypto::PublicKey server;
};

struct OpenRequest {
    Hash256 model;
    std::uint32_t dim = 0;
    std::uint32_t max_positions = 0;
    tensor::KvType kv = tensor::KvType::kF32;
    tensor::StateType wire = tensor::StateType::kF32;
    Hop hop;
    /// As in SessionTerms. They are pushed first, quietly, and not in one push with others.
    std::uint32_t source_rows = 0;
    /// Of an encoder, whose texts are computed as a whole (S55): rows of the longest there is. 0:
    /// of no encoder.
    std::uint32_t longest_text = 0;
    /// Called once if the session ends after it was opened, and not by close(). What was under way
    /// is not answered then.
    std::function<void(const Failure&)> ended;
};

/// How a session's server does. All is 0 if nothing is to be said against it.
struct Waiting {
    /// Since anything came from the server, less the time that its line may need for what is on it.
    std::uint64_t silent_ms = 0;
    /// By how much the last results were late, and the one that is awaited (lateness.h).
    std::uint64_t late_ms = 0;
};

/// Hears of everything that goes over sessions and was found right, for who keeps it.
class SessionWatch {
  public:
    virtual ~SessionWatch() = default;
    /// Rows [n, dim], rounded to the session's type, are sent for the positions from `position` on.
    virtual void pushed(const SessionTerms& terms, const Hop& hop, std::uint32_t position,
                        std::span<const float> rows, std::size_t dim) = 0;
    /// The oldest push of the session without an answer has one; no outputs if it was quiet.
    virtual void answered(const SessionTerms& terms, const Receipt& receipt,
                          std::span<const float> outputs) = 0;
};

/// Rows in one push to this server, at most.
std::size_t max_rows(const Hop& hop, std::uint32_t dim);

class ClientSessions {
  public:
    using OpenCallback = std::function<void(std::variant<Hash256, Failure>)>;
    using PushCallback = std::function<void(States)>;

    /// All references must outlive it. `peers` are the links that are up.
    ClientSessions(Loop& loop, net::Network& network, const Clock& clock, Random& random,
                   const std::map<net::PeerId, net::PeerInfo>& peers,
                   const SessionTimeouts& timeouts);

    /// Opens a session. The id that comes back is for push() and close().
    void open(OpenRequest request, OpenCallback done);

    /// Sends hidden states [n, dim], n at most max_rows(hop, dim), rounded to the session's type,
    /// for the positions from `position` on, which is at most the positions sent: what was sent for
    /// these and later ones is taken back. Several pushes may be under way; results come in order.
    /// A quiet push has a result without states. kInvalid, and nothing is sent, for states that are
    /// not finite or beyond the session's positions; kCancelled if the session is over. `output` is
    /// what the receipt of a quiet push must say, where another server has computed it before.
    /// CHECKs that rows of the source are pushed as OpenRequest::source_rows says.
    Status push(const Hash256& session, std::uint32_t position, States states, bool quiet,
                PushCallback done, const std::optional<Hash256>& output = {});

    Waiting waiting(const Hash256& session) const;
    /// How late results were counts no more: nobody else was faster.
    void forgive(const Hash256& session);

    /// Tells the server, which frees its cache. Pushes under way are not answered.
    void close(const Hash256& session);

    /// What sessions at servers with a price are paid from; without one they are not opened. It
    /// must outlive this.
    void set_purse(Purse* purse) { purse_ = purse; }

    /// What servers did since this was made: one entry for each and the layers that it computed, in
    /// the order in which they were first asked.
    const std::vector<ServerWork>& work() const { return work_; }
    void forget_work() { work_.clear(); }

    /// From now on called with each receipt that was checked and found right, before its push goes
    /// on: for an auditor, who keeps them.
    using ReceiptWatch = std::function<void(const SessionTerms&, const Hop&, const Receipt&)>;
    void watch_receipts(ReceiptWatch watch) { receipt_watch_ = std::move(watch); }
    /// Null: nobody watches. It must outlive this.
    void set_watch(SessionWatch* watch) { session_watch_ = watch; }

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info);
    void on_peer_down(net::PeerId peer, const std::string& reason);
    void on_connect_failed(const std::string& address, const std::string& reason);
    void on_message(net::PeerId peer, MessageKind kind, ByteView body);

  private:
    struct Pending {
        std::uint32_t position = 0;
        std::uint32_t tokens = 0;
        bool quiet = false;
        std::uint64_t rows_end = 0;  // rows sent until and with this push
        std::size_t bytes = 0;       // of the push; its result has as many unless it is quiet
        std::uint64_t sent_us = 0;
        Hash256 inputs;                 // what the receipt must say
        std::optional<Hash256> output;  // and of a quiet push, if it is known
        PushCallback done;
    };
    struct Session {
        SessionTerms terms;
        OpenRequest request;
        OpenCallback open_done;  // empty once answered
        net::PeerId peer = 0;    // 0: not connected yet
        bool is_open = false;
        InputChain inputs;
        std::uint64_t rows_sent = 0;
        std::uint64_t rows_arrived = 0;  // of these, as far as the server said
        std::uint64_t rows_computed = 0;
        std::deque<Pending> pending;
        std::uint64_t oldest_since_us = 0;
        Lateness lateness;
        TimerId open_timer = 0;
        channel::PayerChannel* channel = nullptr;  // of the purse; null: it costs nothing
        std::uint64_t row_price = 0;
        std::uint64_t rows_under_way = 0;

        const Hash256& id() const { return terms.session; }
    };
    /// What is known of a link.
    struct Line {
        std::uint64_t heard_us = 0;  // when anything came
        std::uint64_t asked_us = 0;
        double bytes_per_us = 0;  // the best that was seen, computing included
    };

    void on_opened(net::PeerId peer, ByteView body);
    void on_problem(net::PeerId peer, ByteView body);
    void on_result(net::PeerId peer, ByteView body);
    void on_progress(net::PeerId peer, ByteView body);
    Session* session_at(net::PeerId peer, const Hash256& id);

    /// Finds the channel that pays for it; the sentence says why not.
    Status find_channel(Session& session) const;
    /// Sends a voucher if the server has less than so many rows in hand.
    Status pay(Session& session, std::uint64_t rows = kRowsInHand);
    /// Whether the server says that it is not paid, though it is: by more rows that were lost on
    /// their way than it gives on credit.
    static bool is_paid_ahead(const Session& session);

    ServerWork& work_of(const Hop& hop);

    net::PeerId peer_by_key(const crypto::PublicKey& key) const;
    void send_open(Session& session, net::PeerId peer);
    /// Why a result is not accepted, if it is not.
    static std::optional<std::string> object_to(const PushResult& result, const Session& session);
    void learn_rate(const Pending& answered, net::PeerId peer);
    /// What the line may need for so many bytes, and for all that is on it.
    std::uint64_t line_us(net::PeerId peer, std::size_t bytes) const;
    std::uint64_t allowance_us(net::PeerId peer) const;
    std::uint64_t silent_us(const Session& session) const;
    /// How long the oldest push has been the oldest.
    std::uint64_t waited_us(const Session& session) const;
    /// How late the oldest push's result is, beside what is to be waited for anyway.
    std::uint64_t late_us(const Session& session, std::uint64_t besides_us) const;
    void watch();
    void look_at_clock();
    void look_at(const Hash256& id);
    /// Ends the session, telling its server and its owner.
    void fail(const Hash256& id, ErrorCode code, const std::string& reason);

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    Random& random_;
    const std::map<net::PeerId, net::PeerInfo>& peers_;
    SessionTimeouts timeouts_;
    ReceiptWatch receipt_watch_;
    SessionWatch* session_watch_ = nullptr;
    Purse* purse_ = nullptr;

    std::map<Hash256, std::unique_ptr<Session>> sessions_;
    std::map<net::PeerId, Line> lines_;
    std::vector<ServerWork> work_;
    bool watching_ = false;
    std::uint64_t looked_us_ = 0;  // when the watch ran last
    std::uint64_t awake_us_ = 0;   // since when this machine was not stopped itself
    Alive alive_;
};

}  // namespace cairn::serve
