// AttentionDesk: the part of a server that proves attention to whoever shows it a receipt that it
// signed (S56). Nothing is kept for it. Proofs take hundreds of times as long as computing, so they
// are made one at a time, off the serving path, on a thread that steps back behind all others; what
// costs too much is refused in words, few questions wait, and nobody is proved anything who has
// left.
//
// On the Loop, but that proofs are made on Lane::kProve, for which nothing else waits.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/loop.h"
#include "net/network.h"
#include "serve/attention_messages.h"

namespace cairn::serve {

struct AttentionDeskOptions {
    /// Of a session that is proved: 512 take some 184 MB and half a second a head. 0: none is.
    std::uint32_t max_rows = 512;
    /// Questions, the one under way included: of one part of the network no more than it leaves to
    /// all others, of one link one.
    std::size_t max_waiting = 8;
    std::size_t max_models = 3;  ///< the newest, as LayerServer has them
    std::string why_none{};      ///< why nothing is proved, where max_rows is 0
    /// Of the time one in so many parts is for proofs: for one part of the network, and for all
    /// together. Who has asked for nothing for long has so much beforehand.
    std::uint32_t group_part = 10;
    std::uint32_t all_part = 2;
    std::uint64_t beforehand_ms = 60'000;
    /// The part of the network that a client is in (net::TlsNetwork::group_of).
    std::function<std::string(net::PeerId)> group_of{};
};

class AttentionDesk {
  public:
    /// All references must outlive it. It may die while a proof is being made, which then ends.
    AttentionDesk(Loop& loop, net::Network& network, const Clock& clock,
                  const crypto::PublicKey& key, AttentionDeskOptions options);
    ~AttentionDesk();
    AttentionDesk(const AttentionDesk&) = delete;
    AttentionDesk& operator=(const AttentionDesk&) = delete;

    /// From now on its sessions are proved, too: as LayerServer::set_model().
    void set_model(ModelSnapshot snapshot);
    /// Takes the body of an AskAttention.
    void ask(net::PeerId peer, ByteView body);
    /// A link that is gone: its question is dropped, or broken off.
    void forget(net::PeerId peer);
    /// Heads that were proved.
    std::uint64_t proved() const { return proved_; }

  private:
    struct Waiting {
        net::PeerId peer = 0;
        std::string group;
        ModelSnapshot model;
        std::shared_ptr<const Exhibit> session;
        std::vector<audit::HeadPlace> heads;
        bool checked = false;  ///< that this server signed for it
    };
    /// What may be proved yet, in microseconds of proving; below zero: owed.
    struct Budget {
        std::int64_t left_us = 0;
        std::uint64_t at_us = 0;
    };
    std::int64_t left_of(const Budget& budget, std::uint32_t part) const;
    std::int64_t left_of(const std::string& group) const;
    Status spent_by(const std::string& group) const;
    void charge(const std::string& group, std::uint64_t took_us);
    /// Null if none has this name.
    const ModelSnapshot* find_model(const Hash256& name) const;
    Status wrong_with(const AttentionQuestion& question, const ModelSnapshot* model) const;
    Status no_place_for(net::PeerId peer, const std::string& group) const;
    void check(const Waiting& question);
    bool can_be_sent(const Waiting& question) const;
    void start();
    void finish(net::PeerId peer, const Hash256& session, const Result<AttentionProof>& made);
    void refuse(net::PeerId peer, const Hash256& session, const Error& why);

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    const crypto::PublicKey key_;
    AttentionDeskOptions options_;
    std::deque<ModelSnapshot> models_;  // the newest first
    std::deque<Waiting> waiting_;
    net::PeerId proving_for_ = 0;                    // 0: nobody
    std::string last_group_;                         // whose question was last begun
    std::shared_ptr<std::atomic<bool>> broken_off_;  // the proof under way; null: none
    std::uint64_t proved_ = 0;
    std::uint64_t began_us_ = 0;  // the proof under way
    Budget all_;
    std::map<std::string, Budget> groups_;  // whose budget is not whole
    bool resting_ = false;
    Alive alive_;
};

}  // namespace cairn::serve
