#include "proof/check.h"

#include <cmath>

#include <fmt/format.h>

#include "chain/target.h"
#include "consensus/header_rules.h"

namespace cairn::proof {

namespace {

using chain::BlockHeader;

constexpr std::uint64_t kAnyTime = ~std::uint64_t{0};

Error at_height(std::uint32_t height, const std::string& what) {
    return invalid("the header of block " + std::to_string(height) + ": " + what);
}

/// Of the header behind a first one that is not genesis: its own target is taken as it stands, as
/// the time of the grandparent, from which it follows, is not in the file.
Status check_second(const chain::NetworkDefinition& network, const BlockHeader& header,
                    const BlockHeader& parent, std::uint32_t height) {
    if (header.previous != chain::block_hash(parent))
        return at_height(height, "it is not on the one before it");
    const chain::Versions versions = network.versions_at(height);
    if (!header.versions.known_to(versions))
        return Error{ErrorCode::kUnsupported, "block " + std::to_string(height) + " follows " +
                                                  chain::to_string(header.versions) +
                                                  ", and the definition names " +
                                                  chain::to_string(versions)};
    if (header.versions != versions)
        return at_height(height, "it must name " + chain::to_string(versions));
    if (header.time_ms <= parent.time_ms || header.time_ms >= std::uint64_t{1} << 62)
        return at_height(height, "its time is not later than its parent's");
    const auto target = chain::target_from_compact(header.target);
    const auto limit = chain::target_from_compact(network.pow_limit);
    if (!target.ok() || !limit.ok() || *target > *limit)
        return at_height(height, "its target is none that this network allows");
    if (!chain::meets_target(chain::work_hash(network.work, header), *target))
        return at_height(height, "its hash does not meet its target");
    return ok_status();
}

Status check_next(const chain::NetworkDefinition& network, const Inclusion& inclusion,
                  std::size_t at) {
    const std::vector<BlockHeader>& headers = inclusion.headers;
    const auto height = static_cast<std::uint32_t>(inclusion.first_height + at);
    if (at == 1 && inclusion.first_height > 0)
        return check_second(network, headers[1], headers[0], height);
    consensus::HeaderContext context;
    context.height = height;
    context.parent = headers[at - 1];
    if (at > 1) context.grandparent_time_ms = headers[at - 2].time_ms;
    const Verdict verdict =
        consensus::check_header(network, {0xffff, 0xffff}, headers[at], context, kAnyTime);
    if (verdict.is_invalid()) return at_height(height, verdict.reason());
    if (!verdict.is_valid())
        return Error{ErrorCode::kUnsupported,
                     "block " + std::to_string(height) + ": " + verdict.reason()};
    return ok_status();
}

Status check_genesis(const chain::NetworkDefinition& network, const BlockHeader& header) {
    if (header == chain::make_genesis(network, header.state_root).header) return ok_status();
    return invalid("its first header is not the genesis block of the network that it names");
}

Status check_item(const Inclusion& inclusion) {
    const BlockHeader& header = inclusion.headers[inclusion.height - inclusion.first_height];
    if (inclusion.kind() == Kind::kBlock) return ok_status();
    ASSIGN_OR_RETURN(const Hash256 root, body_root_of(inclusion.item, inclusion.branch));
    if (root == header.body_root) return ok_status();
    return invalid("its " + std::string(kKindNames[inclusion.item.index()]) +
                   " is not in the block that it names");
}

}  // namespace

Result<Proven> check(const Inclusion& inclusion, const CheckProgress& progress) {
    const chain::NetworkDefinition& network = inclusion.network;
    const std::vector<BlockHeader>& headers = inclusion.headers;
    const std::uint64_t offset = std::uint64_t{inclusion.height} - inclusion.first_height;
    if (inclusion.height < inclusion.first_height || offset >= headers.size())
        return invalid("the block that it is about is not among its headers");
    if (inclusion.height == inclusion.first_height && inclusion.first_height > 0)
        return invalid("it shows no header below its block, so no work is known to be in it");
    if (inclusion.first_height == 0) RETURN_IF_ERROR(check_genesis(network, headers[0]));
    RETURN_IF_ERROR(check_item(inclusion));  // before the headers, which take longer
    Proven proven;
    for (std::size_t at = 1; at < headers.size(); ++at) {
        RETURN_IF_ERROR(check_next(network, inclusion, at));
        proven.work = consensus::add_work(proven.work, headers[at].target);
        if (at >= offset)
            proven.work_on_it = consensus::add_work(proven.work_on_it, headers[at].target);
        if (progress) progress(at, headers.size() - 1);
    }
    proven.genesis_id = chain::genesis_id(network);
    proven.kind = inclusion.kind();
    proven.id = item_id(inclusion);
    proven.height = inclusion.height;
    proven.block = chain::block_hash(headers[offset]);
    proven.time_ms = headers[offset].time_ms;
    if (offset > 0) proven.parent_time_ms = headers[offset - 1].time_ms;
    proven.first_height = inclusion.first_height;
    proven.first = chain::block_hash(headers[0]);
    proven.tip_height = static_cast<std::uint32_t>(inclusion.first_height + headers.size() - 1);
    proven.tip = chain::block_hash(headers.back());
    proven.tip_time_ms = headers.back().time_ms;
    proven.confirmations = proven.tip_height - proven.height + 1;
    return proven;
}

std::string work_text(const consensus::ChainWork& work) {
    const chain::U256 value = chain::U256::from_big_endian(work);
    const int bits = value.bit_length();
    if (bits <= 10) return std::to_string(value.low64());
    const int shift = std::max(0, bits - 53);
    const auto top = static_cast<double>(value.shifted_right(shift).low64());
    return fmt::format("2^{:.1f}", std::log2(top) + shift);
}

}  // namespace cairn::proof
