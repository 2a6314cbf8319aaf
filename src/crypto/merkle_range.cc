#include "crypto/merkle_range.h"

#include "base/check.h"

namespace cairn::crypto {

void write(Writer& writer, const RangeProof& proof) {
    for (const std::vector<Hash256>* side : {&proof.left, &proof.right}) {
        CHECK(side->size() <= kMaxProofSide);
        writer.count(side->size());
        for (const Hash256& hash : *side) writer.fixed(hash);
    }
}

RangeProof read_range_proof(Reader& reader) {
    RangeProof proof;
    for (std::vector<Hash256>* side : {&proof.left, &proof.right}) {
        side->resize(reader.count(kMaxProofSide, Hash256::kSize));
        for (Hash256& hash : *side) hash = reader.fixed<32>();
    }
    return proof;
}

Result<MerkleRange> MerkleRange::build(std::span<const Hash256> leaves, std::uint64_t first,
                                       std::uint64_t total, const RangeProof& proof) {
    if (leaves.empty() || total > kMaxMerkleLeaves || first > total ||
        leaves.size() > total - first)
        return invalid("a range outside its tree");
    MerkleRange range;
    range.first_ = first;
    range.end_ = first + leaves.size();
    range.total_ = total;
    Level level{first, {}};
    level.nodes.reserve(leaves.size() + 2);
    for (const Hash256& leaf : leaves) level.nodes.push_back(merkle_leaf(leaf));
    std::size_t left = 0, right = 0;  // hashes of the proof that were used
    for (std::uint64_t count = total; count > 1; count = (count + 1) / 2) {
        if (level.first % 2 == 1) {
            if (left == proof.left.size()) return invalid("a proof that is too short");
            level.nodes.insert(level.nodes.begin(), proof.left[left++]);
            --level.first;
        }
        const std::uint64_t end = level.first + level.nodes.size();
        if (end % 2 == 1 && end < count) {
            if (right == proof.right.size()) return invalid("a proof that is too short");
            level.nodes.push_back(proof.right[right++]);
        }
        Level above{level.first / 2, {}};
        above.nodes.reserve(level.nodes.size() / 2 + 2);
        std::size_t i = 0;
        for (; i + 1 < level.nodes.size(); i += 2)
            above.nodes.push_back(merkle_node(level.nodes[i], level.nodes[i + 1]));
        if (i < level.nodes.size()) above.nodes.push_back(level.nodes[i]);  // the level's odd last
        range.levels_.push_back(std::move(level));
        level = std::move(above);
    }
    if (left != proof.left.size() || right != proof.right.size())
        return invalid("a proof that is too long");
    range.levels_.push_back(std::move(level));
    return range;
}

RangeProof MerkleRange::prove(std::uint64_t begin, std::uint64_t end) const {
    CHECK(begin >= first_ && begin < end && end <= end_);
    RangeProof proof;
    std::uint64_t count = total_;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
        const Level& level = levels_[i];
        const auto at = [&level](std::uint64_t place) -> const Hash256& {
            CHECK(place >= level.first && place - level.first < level.nodes.size());
            return level.nodes[place - level.first];
        };
        if (begin % 2 == 1) proof.left.push_back(at(begin - 1));
        if (end % 2 == 1 && end < count) proof.right.push_back(at(end));
        begin /= 2;
        end = (end + 1) / 2;
        count = (count + 1) / 2;
    }
    return proof;
}

}  // namespace cairn::crypto
