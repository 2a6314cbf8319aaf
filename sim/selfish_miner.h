// A miner who withholds (Eyal and Sirer, "Majority is not enough: Bitcoin mining is vulnerable",
// 2014): a real node that mines in private, behind a gate that hears all that the honest nodes find
// and lets its node's blocks out only when that makes honest work useless. The node's own fork
// choice does the rest: of equals it stays with the one that it saw first, its own.
//
// The gate passes on headers and bodies only. So the miner's blocks carry nobody's commitments,
// and its merge blocks nobody's contributions.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "node/block_tree.h"
#include "node/messages.h"
#include "sim/world.h"

namespace cairn::sim {

struct SelfishOptions {
    bool withholds = true;  ///< false: publishes at once, and still carries nothing of others
    /// The gate is the only way between honest nodes too: in a race between two blocks it shows
    /// each node that did not find one of them the miner's first, with this probability.
    bool owns_network = false;
    std::uint32_t ours_first_per_mille = 0;
};

class SelfishMiner final : public net::NetworkHandler {
  public:
    /// `own` is the miner's node, which is linked with nobody else; `honest` are all others.
    SelfishMiner(World& world, int own, const std::vector<int>& honest, SelfishOptions options);

    /// Of the blocks that honest nodes found while two branches of equal work were known, the part
    /// that stands on the miner's: the paper's gamma.
    double gamma() const {
        return race_blocks_ == 0 ? 0 : static_cast<double>(race_ours_) / race_blocks_;
    }

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

  private:
    using Header = std::vector<chain::BlockHeader>;
    void on_headers(net::PeerId from, ByteView body);
    void on_block(net::PeerId from, Bytes body);
    void on_get_block(net::PeerId from, ByteView body);
    void on_get_headers(net::PeerId from, ByteView body);
    void on_own(node::BlockNode* block);
    void on_honest(node::BlockNode* block, net::PeerId finder);
    /// What the miner lets out now that the public chain has grown; empty: nothing.
    Header answer_to_growth();
    /// Headers up to `block` that the honest nodes have not seen; from now on they have.
    Header release(const node::BlockNode* block);
    void tell_honest(const Header& ours, const node::BlockNode* theirs, net::PeerId finder);
    void send_headers(net::PeerId to, const Header& headers);

    World& world_;
    SelfishOptions options_;
    SeededRandom random_;
    std::string own_address_;
    SimLoop loop_;
    SimNetwork network_;
    node::BlockTree tree_;
    net::PeerId own_ = 0;
    std::set<net::PeerId> honest_;
    std::map<Hash256, Bytes> bodies_;
    std::map<Hash256, std::vector<net::PeerId>> waiting_;  // for a body that is not here yet
    const node::BlockNode* public_tip_;                    // the best that honest nodes can know of
    const node::BlockNode* private_tip_;                   // where our node mines
    std::set<Hash256> known_;                              // to honest nodes
    std::set<Hash256> ours_;
    bool racing_ = false;  // two branches of equal work are known to honest nodes, one is ours
    int race_blocks_ = 0;
    int race_ours_ = 0;
};

}  // namespace cairn::sim
