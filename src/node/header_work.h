// The work of headers that peers send, where one work hash takes most of a millisecond
// (chain/work_function.h). It is computed on a lane of its own, a few headers at a time and every
// peer in its turn, so that neither the loop nor another peer's announcement waits for a long
// branch; every second turn is for the peers that we chose, however many others dialled us, since
// keys are free. What costs nothing is checked first, the first header without its work ends its
// peer, and no header's work is computed twice while it is remembered: a branch is read up to three
// times (presync.h), and sent again it costs a stranger nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/loop.h"
#include "base/seen_cache.h"
#include "chain/block.h"
#include "net/network.h"

namespace cairn::node {

class HeaderWork {
  public:
    /// Headers in one job, about ten milliseconds.
    static constexpr std::size_t kBatch = 16;
    /// Messages of one peer that may wait, the one being judged among them.
    static constexpr std::size_t kMaxMessages = 4;
    /// Headers whose work is remembered: four mebibytes.
    static constexpr std::size_t kMaxKnown = std::size_t{1} << 16;

    struct Message {
        std::vector<chain::BlockHeader> headers;
        bool is_full = false;  ///< as many as a message may hold: more may follow
    };
    struct Seams {
        /// All that can be judged without the work, once it is the message's turn: the number of
        /// the first header whose work is asked for. May shorten the message. An error: the peer
        /// broke a rule.
        std::function<Result<std::size_t>(net::PeerId, Message&)> screen;
        /// The message was judged: what `screen` said, or that the work of a header is missing.
        std::function<void(net::PeerId, const Message&, const Status&)> done;
        /// Whether we chose the peer. Empty: none.
        std::function<bool(net::PeerId)> chosen{};
    };

    HeaderWork(Loop& loop, chain::WorkFunction work, Seams seams)
        : loop_(loop), work_(work), seams_(std::move(seams)) {}

    /// False if the peer has too many messages waiting; this one is then forgotten.
    bool add(net::PeerId peer, Message message);
    /// Whether anything of the peer's is being judged or waits for it.
    bool has(net::PeerId peer) const { return waiting_.contains(peer); }
    void forget(net::PeerId peer) { waiting_.erase(peer); }
    /// Work hashes computed so far.
    std::uint64_t computed() const { return computed_; }

  private:
    struct Waiting {
        std::deque<Message> messages;
        std::optional<std::size_t> next;  ///< in the first message; empty before its screening
    };

    std::optional<net::PeerId> next_of(bool chosen) const;
    net::PeerId next_turn();
    void run();
    void on_batch(net::PeerId peer, const std::vector<chain::BlockHeader>& batch, std::size_t good);
    void finish(net::PeerId peer, const Status& status);

    Loop& loop_;
    chain::WorkFunction work_;
    Seams seams_;
    std::map<net::PeerId, Waiting> waiting_;
    net::PeerId last_[2] = {0, 0};  // whose turn it was: of strangers, of those that we chose
    bool last_chosen_ = false;
    bool running_ = false;
    SeenCache known_{kMaxKnown};
    std::uint64_t computed_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
