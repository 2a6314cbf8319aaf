// The layer servers that a node knows, by their signed announcements (serve/announce.h). Strangers
// fill it, and a key costs nothing, so an announcement alone is only hearsay: it waits until the
// node has asked at its address and heard the same key answer. Only then is it *known*: shown,
// used and told to others (server_gossip.h). So a flood of made-up keys goes no further than the
// nodes that its maker is linked with, and waits there in a room of its own.
//
//   * Of what waits, each netgroup of tellers has its turn, and makes room for others where it has
//     the most.
//   * Questions to one host are few, whatever names are told of it: strangers choose whom the
//     nodes dial, and a host that serves nothing shall not be dialled without end.
//   * What is known is bounded for each host and netgroup of its address; a full table makes room
//     in the most crowded netgroup only.
//   * A key's next announcement needs no question, unless its address is another, and must have
//     been issued kMinStepMs after the one before.
//
// Who signs an announcement is checked by the caller, before hear().
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/network.h"
#include "serve/announce.h"

namespace cairn::node {

struct ServerLimits {
    std::size_t known = 1024;
    std::size_t known_per_host = 16;
    std::size_t known_per_group = 64;  ///< netgroups: S8
    std::size_t waiting = 256;
    std::size_t asked_at_once = 4;
    std::uint64_t ask_again_ms = 60'000;  ///< after a question that came to nothing
    /// Questions to one host: so many at once, and one more after each of these spans. This
    /// machine's own servers are asked as they come.
    std::size_t asked_per_host = 16;
    std::uint64_t host_rest_ms = 15'000;
};

/// Between two announcements of a key, by the times at which it issued them.
inline constexpr std::uint64_t kMinAnnounceStepMs = 5'000;

struct KnownServer {
    serve::Announce record;
    std::uint64_t heard_ms = 0;   ///< the record, by the monotonic clock
    std::uint64_t joined_ms = 0;  ///< the key
    bool own = false;             ///< announced by this node itself
    std::set<net::PeerId> has;    ///< peers that have this record
};

class ServerTable {
  public:
    /// `genesis` is the network whose coin this node knows.
    explicit ServerTable(const Hash256& genesis, ServerLimits limits = {})
        : genesis_(genesis), limits_(limits) {}

    /// Whether hear() would do anything with it: another network's, older than what is here, or of
    /// a key that did not answer lately is not worth the check of a signature.
    bool wants(const serve::Announce& record, const std::string& teller_host,
               std::uint64_t now_ms) const;
    /// True if a known record was replaced: it is to be told to others. Otherwise it waits for a
    /// question, if there is room. `teller_host` is the host of the peer that told it.
    bool hear(const serve::Announce& record, const std::string& teller_host, std::uint64_t now_ms);
    /// Our own: known at once, and never makes room.
    void put_own(const serve::Announce& record, std::uint64_t now_ms);

    struct Question {
        crypto::PublicKey key;
        std::string address;
    };
    /// Whether there is one to ask, and not enough are being asked.
    bool may_ask() const;
    /// The next one to ask, the tellers' netgroups in turn; nothing unless may_ask(), and while
    /// the hosts of all that wait were asked enough.
    std::optional<Question> next_question(std::uint64_t now_ms);
    /// What came of it. True if the record is known now, and to be told to others.
    bool answered(const crypto::PublicKey& key, bool by_this_key, std::uint64_t now_ms);

    /// Forgets what has expired: by the wall clock, or, since clocks differ, by the record's own
    /// span of life after it was heard.
    void expire(std::uint64_t wall_ms, std::uint64_t now_ms);
    /// The peer has the record that is known of this key.
    void note_has(const crypto::PublicKey& key, net::PeerId peer);
    void forget_peer(net::PeerId peer);

    const std::map<crypto::PublicKey, KnownServer>& known() const { return known_; }
    std::size_t waiting() const { return waiting_.size(); }

  private:
    struct Waiting {
        serve::Announce record;
        std::string teller;  // netgroup
        std::uint64_t serial = 0;
        bool asked = false;
    };

    bool is_fit(const serve::Announce& record, const std::string& teller_host) const;
    bool may_ask_host(const std::string& host, std::uint64_t now_ms) const;
    void note_asked(const std::string& host, std::uint64_t now_ms);
    /// Whether another of this teller's may wait; whoever tells most makes room where there is
    /// none.
    bool may_wait(const std::string& teller) const;
    void make_waiting_room();
    /// It is asked now, or gone.
    void count_off(const std::string& teller);
    bool admit(const serve::Announce& record, std::uint64_t now_ms);

    Hash256 genesis_;
    ServerLimits limits_;
    std::map<crypto::PublicKey, KnownServer> known_;
    std::map<crypto::PublicKey, Waiting> waiting_;
    std::map<crypto::PublicKey, std::uint64_t> failed_;  // until when it is not asked again
    std::deque<crypto::PublicKey> failed_order_;
    std::string last_teller_;  // whose turn it was
    std::uint64_t next_serial_ = 0;
    std::map<std::string, std::size_t> unasked_;  // of waiting_, by teller
    std::size_t asking_ = 0;                      // of waiting_
    /// By host: when all that it was asked would be forgotten, each question for host_rest_ms.
    std::map<std::string, std::uint64_t> rested_ms_;
};

}  // namespace cairn::node
