// WordCache: the tokens of words that were encoded before, so that each is merged only once. Text
// repeats its words, so most of the speed of encoding comes from this. It lives for one call of
// encode, so the tokenizer itself stays immutable, and it never changes what a word becomes.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "text/piece_index.h"
#include "text/tokenizer.h"

namespace cairn::text {

class WordCache {
  public:
    /// Longer words are not remembered.
    static constexpr std::size_t kMaxBytes = 64;

    struct Key {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
    };

    /// Appends the tokens of a word that is known; false if it is not. `text_end`: reading up to
    /// 16 bytes is fine before it.
    bool append_known(std::string_view word, Key key, Tokens& out) const {
        std::size_t at = home(key);
        for (std::size_t i = 0; i < kProbes; ++i, at = (at + 1) & (slots_.size() - 1)) {
            const Slot& slot = slots_[at];
            if (slot.count == 0) return false;
            if (slot.key.low != key.low || !same(slot.key, key, word)) continue;
            if (slot.count == 1) {
                out.push_back(slot.first);
            } else {
                for (std::uint32_t k = 0; k < slot.count; ++k) {
                    const std::uint32_t token = out[slot.first + k];
                    out.push_back(token);
                }
            }
            return true;
        }
        return false;
    }

    /// Remembers that `word` became out[begin..], for as long as `out` only grows.
    void add(std::string_view word, Key key, const Tokens& out, std::size_t begin) {
        if (begin == out.size() || out.size() > kNoToken) return;
        if (used_ * 2 > slots_.size() && slots_.size() < kMaxSlots) grow();
        const auto count = static_cast<std::uint32_t>(out.size() - begin);
        if (word.size() > kInline) {
            if (arena_.size() + word.size() > kMaxArena) return;
            key.high |= arena_.size() << 8U;
            arena_ += word;
        }
        place({key, count == 1 ? out[begin] : static_cast<std::uint32_t>(begin), count});
    }

    /// Short words are their own key; of longer ones it is a hash, checked against their bytes.
    /// `readable` bytes from word.data() on may be read.
    static Key key_of(std::string_view word, std::size_t readable) {
        Key key;
        if (word.size() > kInline) {
            key.low = hash_bytes(word);
            key.high = kLong | word.size();
            return key;
        }
        if (readable >= 16) {
            std::memcpy(&key.low, word.data(), 8);
            std::memcpy(&key.high, word.data() + 8, 8);
            if (word.size() < 8) {
                key.low &= ~(~std::uint64_t{0} << (8 * word.size()));
                key.high = 0;
            } else {
                key.high &= ~(~std::uint64_t{0} << (8 * (word.size() - 8)));
            }
        } else {
            char bytes[16] = {};
            std::memcpy(bytes, word.data(), word.size());
            std::memcpy(&key.low, bytes, 8);
            std::memcpy(&key.high, bytes + 8, 8);
        }
        key.high |= std::uint64_t{word.size()} << 56U;
        return key;
    }

  private:
    static constexpr std::size_t kInline = 15;
    static constexpr std::size_t kProbes = 8;
    static constexpr std::size_t kFirstSlots = 1U << 9;
    static constexpr std::size_t kMaxSlots = 1U << 17;
    static constexpr std::size_t kMaxArena = std::size_t{1} << 24;
    static constexpr std::uint64_t kLong = std::uint64_t{0xFF} << 56U;

    struct Slot {
        Key key;
        std::uint32_t first = 0;  // the token, or where its tokens begin
        std::uint32_t count = 0;  // 0: empty
    };

    std::size_t home(Key key) const {
        // The high half of a long word also says where its bytes lie, which must not be hashed.
        const std::uint64_t high = key.high >= kLong ? key.high & 0xFFU : key.high;
        return mix_hash(key.low ^ mix_hash(high)) >> shift_;
    }

    bool same(Key stored, Key key, std::string_view word) const {
        if (word.size() <= kInline) return stored.high == key.high;
        if (stored.high < kLong || (stored.high & 0xFFU) != word.size()) return false;
        const std::size_t at = (stored.high & ~kLong) >> 8U;
        return std::memcmp(arena_.data() + at, word.data(), word.size()) == 0;
    }

    void place(const Slot& entry) {
        const std::size_t first = home(entry.key);
        std::size_t at = first;
        for (std::size_t i = 0; i < kProbes; ++i, at = (at + 1) & (slots_.size() - 1)) {
            if (slots_[at].count != 0) continue;
            slots_[at] = entry;
            ++used_;
            return;
        }
        slots_[first] = entry;
    }

    void grow() {
        std::vector<Slot> old(slots_.size() * 4);
        old.swap(slots_);
        shift_ -= 2;
        used_ = 0;
        for (const Slot& slot : old)
            if (slot.count != 0) place(slot);
    }

    std::vector<Slot> slots_ = std::vector<Slot>(kFirstSlots);
    int shift_ = 64 - 9;
    std::size_t used_ = 0;
    std::string arena_;
};

}  // namespace cairn::text
