// ThetaGiver: gives the leaves of the chain's model to peers (S50, S51). The model is copied from
// the chain lane when somebody first asks for it after a merge block stands firm (served_model.h),
// so a node that nobody asks pays nothing; the copies of the newest few stay while they are
// fetched.
//
// What anchors a copy is the merge block itself, or, where its state is not known any more (after a
// start; that of genesis never is, once there are blocks), the first block behind it of which it
// is, once that stands as firm: whoever knows headers alone believes a state root for the work that
// lies upon it.
#pragma once

#include <vector>

#include "fetch/weights_giver.h"
#include "node/active_chain.h"
#include "node/model_reader.h"

namespace cairn::node {

class ThetaGiver {
  public:
    /// All must outlive it; `reader` may be null: then there is nothing to give.
    ThetaGiver(const chain::NetworkDefinition& network, const Clock& clock, Loop& loop,
               net::Network& links, ActiveChain& chain, const ModelReader* reader,
               fetch::GiverOptions options);

    /// Messages about weights; an error for what does not decode.
    Status on_message(net::PeerId peer, std::uint16_t kind, ByteView body) {
        return giver_.on_message(peer, kind, body);
    }
    void on_peer_down(net::PeerId peer) { giver_.on_peer_down(peer); }
    const fetch::WeightsGiver& giver() const { return giver_; }

  private:
    struct Made;
    void newest(fetch::WeightsGiver::NewestAnswer answer);
    /// Whether the copy is of the settled model, and its block still on the chain.
    bool is_current() const;
    void make();
    void take(Made made);

    const chain::NetworkDefinition& network_;
    const Clock& clock_;
    Loop& loop_;
    ActiveChain& chain_;
    const ModelReader* reader_;
    fetch::WeightsGiver giver_;
    std::optional<fetch::WeightsGiver::Newest> newest_;
    const BlockNode* merge_ = nullptr;                       // whose model newest_ is
    const BlockNode* anchor_ = nullptr;                      // whose state root names it
    std::vector<fetch::WeightsGiver::NewestAnswer> asking_;  // while one is made
    Alive alive_;
};

}  // namespace cairn::node
