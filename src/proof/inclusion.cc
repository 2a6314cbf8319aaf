#include "proof/inclusion.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>

#include "base/check.h"
#include "chain/body_tree.h"
#include "crypto/merkle.h"

namespace cairn::proof {

namespace {

constexpr std::string_view kMagic = "cairnprf";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxSiblings = 32;
/// More than a coinbase of chain::kMaxCoinbaseOutputs outputs has.
constexpr std::size_t kMaxCoinbaseBytes = 64 + chain::kMaxCoinbaseOutputs * 41;

/// Of what is shown of an item.
struct LeafOf {
    Hash256 operator()(const std::monostate& /*a block*/) const { return {}; }
    Hash256 operator()(const ShownContribution& shown) const {
        return chain::contribution_leaf(shown.commitment_id, shown.payload_hash, shown.signature);
    }
    Hash256 operator()(const auto& item) const { return chain::body_leaf(item); }
};

ShownContribution shown(const chain::Contribution& contribution) {
    return {contribution.commitment_id, chain::payload_hash(contribution.payload),
            contribution.signature};
}

/// The place of the item of this id in its list, by the order of chain::body_leaves().
std::optional<std::size_t> place_of(const chain::Block& block, Kind kind, const Hash256& id) {
    const auto find = [&](const auto& items, const auto& id_of) -> std::optional<std::size_t> {
        const auto at = std::ranges::find(items, id, id_of);
        if (at == items.end()) return std::nullopt;
        return static_cast<std::size_t>(at - items.begin());
    };
    switch (kind) {
        case Kind::kCoinbase:
            return find(std::span(&block.coinbase, 1), chain::coinbase_id);
        case Kind::kPayment:
            return find(block.payments, chain::payment_id);
        case Kind::kCommitment:
            return find(block.commitments, chain::commitment_id);
        case Kind::kContribution:
            return find(block.contributions, &chain::Contribution::commitment_id);
        case Kind::kBlock:
            break;
    }
    return std::nullopt;
}

void put_item(const chain::Block& block, Kind kind, std::size_t index, Item& item) {
    if (kind == Kind::kCoinbase) item.emplace<chain::Coinbase>(block.coinbase);
    if (kind == Kind::kPayment) item.emplace<chain::Payment>(block.payments[index]);
    if (kind == Kind::kCommitment) item.emplace<chain::Commitment>(block.commitments[index]);
    if (kind == Kind::kContribution)
        item.emplace<ShownContribution>(shown(block.contributions[index]));
}

struct WriteItem {
    Writer& writer;
    void operator()(const std::monostate& /*none*/) const {}
    void operator()(const chain::Coinbase& coinbase) const { writer.bytes(encode(coinbase)); }
    void operator()(const chain::Payment& payment) const { write(writer, payment); }
    void operator()(const chain::Commitment& commitment) const { write(writer, commitment); }
    void operator()(const ShownContribution& shown) const {
        writer.fixed(shown.commitment_id);
        writer.fixed(shown.payload_hash);
        writer.fixed(shown.signature);
    }
};

void read_item(Reader& reader, Item& item) {
    const std::uint8_t kind = reader.u8();
    if (kind > 4) return reader.fail("it shows a kind of item that this program does not know");
    if (kind == 1) {
        auto coinbase = chain::decode_coinbase(reader.bytes(kMaxCoinbaseBytes));
        if (!coinbase.ok())
            return reader.fail("its coinbase does not decode: " + coinbase.error().message);
        item.emplace<chain::Coinbase>(*std::move(coinbase));
    }
    if (kind == 2) item.emplace<chain::Payment>(chain::read_payment(reader));
    if (kind == 3) item.emplace<chain::Commitment>(chain::read_commitment(reader));
    if (kind == 4) {
        auto& shown = item.emplace<ShownContribution>();
        shown.commitment_id = reader.fixed<32>();
        shown.payload_hash = reader.fixed<32>();
        shown.signature = reader.fixed<64>();
    }
}

BodyBranch read_branch(Reader& reader) {
    BodyBranch branch;
    for (Hash256& root : branch.other_roots) root = reader.fixed<32>();
    branch.index = reader.u32();
    branch.count = reader.u32();
    const std::size_t siblings = reader.count(kMaxSiblings, 32);
    for (std::size_t i = 0; i < siblings; ++i) branch.siblings.push_back(reader.fixed<32>());
    return branch;
}

}  // namespace

Hash256 item_id(const Inclusion& inclusion) {
    if (const auto* coinbase = std::get_if<chain::Coinbase>(&inclusion.item))
        return chain::coinbase_id(*coinbase);
    if (const auto* payment = std::get_if<chain::Payment>(&inclusion.item))
        return chain::payment_id(*payment);
    if (const auto* commitment = std::get_if<chain::Commitment>(&inclusion.item))
        return chain::commitment_id(*commitment);
    if (const auto* shown = std::get_if<ShownContribution>(&inclusion.item))
        return shown->commitment_id;
    CHECK(inclusion.height >= inclusion.first_height &&
          inclusion.height - inclusion.first_height < inclusion.headers.size());
    return chain::block_hash(inclusion.headers[inclusion.height - inclusion.first_height]);
}

Result<Shown> show_item(const chain::Block& block, Kind kind, const Hash256& id) {
    Result<Shown> found = Shown();
    if (kind == Kind::kBlock) return found;
    const auto own = static_cast<std::size_t>(kind) - 1;
    const auto index = place_of(block, kind, id);
    if (!index)
        return not_found("the block has no " + std::string(kKindNames[own + 1]) + " " +
                         short_hex(id));
    put_item(block, kind, *index, found->item);
    const auto leaves = chain::body_leaves(block);
    BodyBranch& branch = found->branch;
    for (std::size_t list = 0, other = 0; list < chain::kBodyLists; ++list)
        if (list != own) branch.other_roots[other++] = crypto::merkle_root(leaves[list]);
    branch.index = static_cast<std::uint32_t>(*index);
    branch.count = static_cast<std::uint32_t>(leaves[own].size());
    branch.siblings = crypto::merkle_branch(leaves[own], *index);
    return found;
}

Result<Hash256> body_root_of(const Item& item, const BodyBranch& branch) {
    CHECK(item.index() > 0);
    const Hash256 leaf = std::visit(LeafOf(), item);
    const auto root = crypto::root_by_branch(leaf, branch.index, branch.count, branch.siblings);
    if (!root) return invalid("its Merkle branch has a length that no leaf there has");
    const std::size_t own = item.index() - 1;
    std::array<Hash256, chain::kBodyLists> roots;
    for (std::size_t list = 0, other = 0; list < chain::kBodyLists; ++list)
        roots[list] = list == own ? *root : branch.other_roots[other++];
    return chain::root_of_lists(roots);
}

Bytes encode(const Inclusion& inclusion) {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kVersion);
    writer.bytes(chain::encode(inclusion.network));
    writer.u32(inclusion.first_height);
    writer.count(inclusion.headers.size());
    for (const chain::BlockHeader& header : inclusion.headers)
        writer.fixed(chain::header_bytes(header));
    writer.u32(inclusion.height);
    writer.u8(static_cast<std::uint8_t>(inclusion.item.index()));
    if (inclusion.kind() == Kind::kBlock) return std::move(writer).take();
    std::visit(WriteItem{writer}, inclusion.item);
    for (const Hash256& root : inclusion.branch.other_roots) writer.fixed(root);
    writer.u32(inclusion.branch.index);
    writer.u32(inclusion.branch.count);
    writer.count(inclusion.branch.siblings.size());
    for (const Hash256& sibling : inclusion.branch.siblings) writer.fixed(sibling);
    return std::move(writer).take();
}

Result<Inclusion> decode_inclusion(ByteView bytes) {
    if (bytes.size() > kMaxInclusionBytes)
        return invalid("a proof has at most " + std::to_string(kMaxInclusionBytes) + " bytes");
    Reader reader(bytes);
    if (as_text(reader.raw(kMagic.size())) != kMagic) return invalid("it is no proof of Cairn");
    if (reader.u32() != kVersion)
        return Error{ErrorCode::kUnsupported, "it is of a version that this program does not know"};
    Inclusion inclusion;
    const Bytes definition = reader.bytes(chain::kMaxNetworkBytes);
    auto network = reader.failed() ? Result<chain::NetworkDefinition>(chain::NetworkDefinition())
                                   : chain::decode_network(definition);
    if (!network.ok()) return invalid("its network definition: " + network.error().message);
    inclusion.network = *std::move(network);
    inclusion.first_height = reader.u32();
    const std::size_t headers = reader.count(kMaxInclusionHeaders, chain::kHeaderBytes);
    inclusion.headers.reserve(headers);
    for (std::size_t i = 0; i < headers; ++i)
        inclusion.headers.push_back(chain::read_header(reader));
    inclusion.height = reader.u32();
    read_item(reader, inclusion.item);
    if (inclusion.kind() != Kind::kBlock) inclusion.branch = read_branch(reader);
    const std::uint64_t end = std::uint64_t{inclusion.first_height} + headers;
    if (!reader.failed() &&
        (inclusion.height < inclusion.first_height || inclusion.height >= end || end > 0xFFFFFFFF))
        reader.fail("the block that it is about is not among its headers");
    RETURN_IF_ERROR(reader.finish());
    return inclusion;
}

}  // namespace cairn::proof
