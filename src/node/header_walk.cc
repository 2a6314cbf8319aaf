#include "node/header_walk.h"

namespace cairn::node {

HeaderWalk::HeaderWalk(const BlockNode* from)
    : hash_(from->hash), work_(from->work), next_(context_after(from)) {}

Verdict HeaderWalk::step(const chain::NetworkDefinition& network, const chain::Versions& newest,
                         const chain::BlockHeader& header, std::uint64_t now_ms,
                         consensus::Work work) {
    RETURN_UNLESS_VALID(consensus::check_header(network, newest, header, next_, now_ms, work));
    hash_ = chain::block_hash(header);
    work_ = consensus::add_work(work_, header.target);
    next_.grandparent_time_ms = next_.parent.time_ms;
    next_.parent = header;
    ++next_.height;
    return Verdict::valid();
}

}  // namespace cairn::node
