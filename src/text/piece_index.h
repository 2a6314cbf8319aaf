// Flat hash tables for encoding: pieces by their bytes, and merges by their two parts. One array
// each, no allocation per entry, no iteration: nothing depends on the order in them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

namespace cairn::text {

inline constexpr std::uint32_t kNoToken = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();

inline std::uint64_t mix_hash(std::uint64_t value) {
    value *= 0x9E3779B97F4A7C15ULL;
    return value ^ (value >> 29U);
}

inline std::uint64_t hash_bytes(std::string_view bytes) {
    std::uint64_t hash = bytes.size();
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data(), 8);
        hash = mix_hash(hash ^ word);
    }
    std::uint64_t rest = 0;
    std::memcpy(&rest, bytes.data(), bytes.size());
    return mix_hash(hash ^ rest);
}

/// The id of a piece. The memory behind the pieces must outlive the index.
class PieceIndex {
  public:
    /// Room for `count` pieces; no more may be inserted.
    explicit PieceIndex(std::size_t count = 0)
        : slots_(std::bit_ceil(count * 2 + 2)), shift_(64 - std::countr_zero(slots_.size())) {}

    /// False, and nothing changes, if the piece is there already.
    bool insert(std::string_view piece, std::uint32_t id) {
        std::size_t at = home(piece);
        for (; slots_[at].id != kNoToken; at = (at + 1) & (slots_.size() - 1))
            if (slots_[at].piece == piece) return false;
        slots_[at] = {piece, id};
        return true;
    }
    /// kNoToken if there is none.
    std::uint32_t find(std::string_view piece) const {
        std::size_t at = home(piece);
        for (; slots_[at].id != kNoToken; at = (at + 1) & (slots_.size() - 1))
            if (slots_[at].piece == piece) return slots_[at].id;
        return kNoToken;
    }

  private:
    struct Slot {
        std::string_view piece;
        std::uint32_t id = kNoToken;
    };
    std::size_t home(std::string_view piece) const { return hash_bytes(piece) >> shift_; }

    std::vector<Slot> slots_;
    int shift_;
};

/// What two neighbours merge into, and at which rank: the lowest rank merges first.
struct Joined {
    std::uint32_t rank = kNoRank;
    std::uint32_t token = kNoToken;
};

class MergeTable {
  public:
    explicit MergeTable(std::size_t count = 0)
        : slots_(std::bit_ceil(count * 2 + 2)), shift_(64 - std::countr_zero(slots_.size())) {}

    /// False, and nothing changes, if the pair is there already.
    bool insert(std::uint32_t left, std::uint32_t right, Joined joined) {
        const std::uint64_t key = pair(left, right);
        std::size_t at = mix_hash(key) >> shift_;
        for (; slots_[at].key != kEmpty; at = (at + 1) & (slots_.size() - 1))
            if (slots_[at].key == key) return false;
        slots_[at] = {key, joined};
        return true;
    }
    /// kNoRank if they do not merge.
    Joined find(std::uint32_t left, std::uint32_t right) const {
        const std::uint64_t key = pair(left, right);
        std::size_t at = mix_hash(key) >> shift_;
        while (slots_[at].key != key) {
            if (slots_[at].key == kEmpty) return {};
            at = (at + 1) & (slots_.size() - 1);
        }
        return slots_[at].joined;
    }

  private:
    static constexpr std::uint64_t kEmpty = std::numeric_limits<std::uint64_t>::max();
    struct Slot {
        std::uint64_t key = kEmpty;
        Joined joined;
    };
    static std::uint64_t pair(std::uint32_t left, std::uint32_t right) {
        return (std::uint64_t{left} << 32U) | right;
    }

    std::vector<Slot> slots_;
    int shift_;
};

}  // namespace cairn::text
