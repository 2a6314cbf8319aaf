#include "proof/make.h"

#include <algorithm>

#include "proof/check.h"

namespace cairn::proof {

namespace {

Result<std::uint32_t> tip_height(const store::Store& store) {
    ASSIGN_OR_RETURN(const auto tip, store.tip());
    return static_cast<std::uint32_t>(tip ? tip->height : 0);
}

bool has_commitment(const chain::Block& block, const Hash256& id) {
    return std::ranges::any_of(block.commitments, [&](const chain::Commitment& commitment) {
        return chain::commitment_id(commitment) == id;
    });
}

/// The block of the heights first to last, the latest first, that carries a commitment.
Result<std::optional<std::uint32_t>> carrier(const store::Store& store, const Hash256& id,
                                             std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t height = last; height >= first && height > 0; --height) {
        ASSIGN_OR_RETURN(const chain::Block block, block_at(store, height));
        if (has_commitment(block, id)) return std::optional(height);
    }
    return std::optional<std::uint32_t>();
}

Result<Place> commitment_place(const store::Store& store, const Hash256& id, std::uint32_t first,
                               std::uint32_t last) {
    ASSIGN_OR_RETURN(const std::uint32_t tip, tip_height(store));
    ASSIGN_OR_RETURN(const auto height, carrier(store, id, first, std::min(last, tip)));
    if (height) return Place{*height, Kind::kCommitment, id};
    return not_found("no block from " + std::to_string(first) + " to " +
                     std::to_string(std::min(last, tip)) + " carries the commitment " +
                     short_hex(id));
}

}  // namespace

Result<chain::BlockHeader> header_at(const store::Store& store, std::uint64_t height) {
    ASSIGN_OR_RETURN(const Hash256 hash, store.active_block(height));
    ASSIGN_OR_RETURN(const store::HeaderRecord record, store.header(hash));
    return chain::decode_header(record.header);
}

Result<chain::Block> block_at(const store::Store& store, std::uint64_t height) {
    ASSIGN_OR_RETURN(const Hash256 hash, store.active_block(height));
    ASSIGN_OR_RETURN(const Bytes body, store.body(hash));
    ASSIGN_OR_RETURN(chain::Block block, chain::decode_block(body));
    if (chain::block_hash(block.header) != hash)
        return io_error("the file of block " + short_hex(hash) + " holds another block");
    return block;
}

Result<Place> block_place(const store::Store& store, std::uint32_t height) {
    ASSIGN_OR_RETURN(const Hash256 hash, store.active_block(height));
    return Place{height, Kind::kBlock, hash};
}

Result<Place> find_place(const store::Store& store, const chain::NetworkDefinition& network,
                         const Hash256& id, std::optional<Kind> wanted,
                         std::uint32_t searched_blocks) {
    if (const auto header = store.header(id); header.ok()) {
        const auto active = store.active_block(header->height);
        if (!active.ok() || *active != id)
            return not_found("block " + short_hex(id) +
                             " is not on the active chain: no proof of it would convince anybody");
        return Place{static_cast<std::uint32_t>(header->height), Kind::kBlock, id};
    }
    if (const auto place = store.payment(id); place.ok())
        return Place{static_cast<std::uint32_t>(place->height),
                     place->position == 0 ? Kind::kCoinbase : Kind::kPayment, id};
    ASSIGN_OR_RETURN(const auto records, store.contributions(id, 1));
    if (!records.empty() && records[0].commitment_id == id) {
        const store::ContributionRecord& record = records[0];
        if (record.merged && wanted != Kind::kCommitment)
            return Place{static_cast<std::uint32_t>(record.height), Kind::kContribution, id};
        const auto round = static_cast<std::uint32_t>(record.round);
        const std::uint32_t merge = network.merge_height(round);
        return commitment_place(store, id, merge - network.round_length + 1, merge);
    }
    ASSIGN_OR_RETURN(const std::uint32_t tip, tip_height(store));
    const std::uint32_t first = tip > searched_blocks ? tip - searched_blocks : 1;
    return commitment_place(store, id, first, tip);
}

Result<Inclusion> prove(const store::Store& store, const chain::NetworkDefinition& network,
                        const chain::BlockHeader& genesis, const Question& question) {
    Place place;
    if (question.id) {
        ASSIGN_OR_RETURN(place, find_place(store, network, *question.id, question.kind,
                                           question.searched_blocks));
        if (question.kind && place.kind != *question.kind)
            return misused(short_hex(*question.id) + " names a " +
                           kKindNames[static_cast<std::size_t>(place.kind)]);
    } else {
        if (question.height == 0)
            return misused("block 0 follows from network.json and needs no proof");
        ASSIGN_OR_RETURN(place, block_place(store, question.height));
    }
    ASSIGN_OR_RETURN(const std::uint32_t tip, tip_height(store));
    if (tip >= question.first_height && tip - question.first_height >= question.max_headers)
        return refused("the proof would have more than " + std::to_string(question.max_headers) +
                       " headers: let them begin at a later block");
    return make_inclusion(store, network, genesis, place, question.first_height);
}

Status check_answers(const Inclusion& inclusion, const Question& question) {
    if (question.kind && inclusion.kind() != *question.kind)
        return refused("it is about a " + std::string(kKindNames[inclusion.item.index()]) +
                       ", not a " + kKindNames[static_cast<std::size_t>(*question.kind)]);
    if (question.id && item_id(inclusion) != *question.id)
        return refused("it is about " + short_hex(item_id(inclusion)) + ", not " +
                       short_hex(*question.id));
    if (!question.id && (inclusion.kind() != Kind::kBlock || inclusion.height != question.height))
        return refused("it is not about block " + std::to_string(question.height));
    if (inclusion.first_height != question.first_height)
        return refused("its headers begin at block " + std::to_string(inclusion.first_height) +
                       ", not at " + std::to_string(question.first_height));
    return ok_status();
}

Result<Inclusion> make_inclusion(const store::Store& store, const chain::NetworkDefinition& network,
                                 const chain::BlockHeader& genesis, const Place& place,
                                 std::uint32_t first_height) {
    if (first_height != 0 && first_height >= place.height)
        return misused("the headers must begin below block " + std::to_string(place.height) +
                       ", which has what is to be proved");
    Inclusion inclusion;
    inclusion.network = network;
    inclusion.first_height = first_height;
    inclusion.height = place.height;
    ASSIGN_OR_RETURN(const std::uint32_t tip, tip_height(store));
    if (tip - first_height >= kMaxInclusionHeaders)
        return refused("a proof has at most " + std::to_string(kMaxInclusionHeaders) +
                       " headers: let them begin at a later block");
    for (std::uint32_t height = first_height; height <= tip; ++height) {
        if (height == 0) {
            inclusion.headers.push_back(genesis);
            continue;
        }
        ASSIGN_OR_RETURN(const chain::BlockHeader header, header_at(store, height));
        inclusion.headers.push_back(header);
    }
    if (place.kind != Kind::kBlock) {
        ASSIGN_OR_RETURN(const chain::Block block, block_at(store, place.height));
        ASSIGN_OR_RETURN(Shown shown, show_item(block, place.kind, place.id));
        inclusion.item = std::move(shown.item);
        inclusion.branch = std::move(shown.branch);
    }
    // Heights are read one by one, beside a node that may move to another branch.
    for (std::size_t at = 1; at < inclusion.headers.size(); ++at)
        if (inclusion.headers[at].previous != chain::block_hash(inclusion.headers[at - 1]))
            return refused("the chain moved to another branch meanwhile: try again");
    return inclusion;
}

}  // namespace cairn::proof
