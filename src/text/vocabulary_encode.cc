// Encoding with a vocabulary: control tokens, then words, then merges within each word.
#include <algorithm>
#include <iterator>
#include <queue>

#include "text/interruption.h"
#include "text/unicode.h"
#include "text/vocabulary_tokenizer.h"
#include "text/word_cache.h"

namespace cairn::text {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// A word of so many symbols or fewer is scanned for its lowest rank again and again; a longer one
// is merged with a queue.
constexpr std::size_t kMaxScanned = 48;

// Merges symbols in place; returns how many are left.
std::size_t merge_by_scan(const MergeTable& merges, std::uint32_t* symbols, std::size_t count) {
    std::array<std::uint32_t, kMaxScanned> ranks;
    std::array<std::uint32_t, kMaxScanned> made;
    const auto look_up = [&](std::size_t i) {
        const Joined joined = merges.find(symbols[i], symbols[i + 1]);
        ranks[i] = joined.rank;
        made[i] = joined.token;
    };
    for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
    while (count > 1) {
        std::size_t best = 0;
        for (std::size_t i = 1; i + 1 < count; ++i)
            if (ranks[i] < ranks[best]) best = i;
        if (ranks[best] == kNoRank) break;
        symbols[best] = made[best];
        for (std::size_t i = best + 1; i + 1 < count; ++i) {
            symbols[i] = symbols[i + 1];
            ranks[i - 1] = ranks[i];
            made[i - 1] = made[i];
        }
        --count;
        if (best > 0) look_up(best - 1);
        if (best + 1 < count) look_up(best);
    }
    return count;
}

// The same for long words: a linked list of what is left and a queue of what may merge.
class QueueMerger {
  public:
    explicit QueueMerger(const MergeTable& merges) : merges_(merges) {}

    void merge(std::vector<std::uint32_t>& symbols) {
        const std::size_t count = symbols.size();
        next_.resize(count + 1);
        previous_.resize(count + 1);
        for (std::size_t i = 0; i <= count; ++i) {
            next_[i] = i + 1;
            previous_[i] = i - 1;
        }
        GoesOn goes_on;
        queue_ = {};
        for (std::size_t i = 0; i + 1 < count && goes_on(); ++i) consider(symbols, i);
        while (!queue_.empty() && goes_on()) {
            const Candidate best = queue_.top();
            queue_.pop();
            const std::size_t right = next_[best.left];
            if (symbols[best.left] != best.left_symbol || right >= count ||
                symbols[right] != best.right_symbol)
                continue;  // one of the two was merged meanwhile
            symbols[best.left] = best.made;
            symbols[right] = kNoToken;
            next_[best.left] = next_[right];
            previous_[next_[right]] = best.left;
            if (best.left > 0) consider(symbols, previous_[best.left]);
            consider(symbols, best.left);
        }
        std::erase(symbols, kNoToken);
    }

  private:
    struct Candidate {
        std::uint32_t rank;
        std::uint32_t left_symbol;  // as they were when this was found
        std::uint32_t right_symbol;
        std::uint32_t made;
        std::size_t left;
        // Greater means merged first: lowest rank, then leftmost.
        bool operator<(const Candidate& other) const {
            return rank != other.rank ? rank > other.rank : left > other.left;
        }
    };

    void consider(const std::vector<std::uint32_t>& symbols, std::size_t left) {
        const std::size_t right = next_[left];
        if (right >= symbols.size()) return;
        const Joined joined = merges_.find(symbols[left], symbols[right]);
        if (joined.rank != kNoRank)
            queue_.push({joined.rank, symbols[left], symbols[right], joined.token, left});
    }

    const MergeTable& merges_;
    std::vector<std::size_t> next_;
    std::vector<std::size_t> previous_;
    std::priority_queue<Candidate> queue_;
};

}  // namespace

class VocabularyTokenizer::Encoder {
  public:
    explicit Encoder(const VocabularyTokenizer& tokenizer)
        : tokenizer_(tokenizer),
          byte_level_(tokenizer.vocabulary_.kind == Vocabulary::Kind::kByteLevel),
          queue_(tokenizer.merges_) {}

    // Normalises a stretch of text between raw added tokens; kNormalised ones are searched in it.
    std::string_view normalise(std::string_view text, bool first) {
        const Vocabulary::Prefix prefix = tokenizer_.vocabulary_.prefix;
        if (tokenizer_.vocabulary_.nfc) text = normalise_nfc(text, normal_);
        if (prefix == Vocabulary::Prefix::kEach || (first && prefix == Vocabulary::Prefix::kFirst))
            text = prefixed(text);
        return text;
    }

    // Text without added tokens.
    void append_text(std::string_view text, bool first, Tokens& out) {
        if (byte_level_) {
            WordCutter words(tokenizer_.vocabulary_.rule, text);
            for (std::size_t at = 0; at < text.size() && goes_on_();) {
                const std::size_t end = words.next();
                append_word(text.substr(at, end - at), text.size() - at, out);
                at = end;
            }
            return;
        }
        const Vocabulary::Prefix prefix = tokenizer_.vocabulary_.prefix;
        if ((prefix == Vocabulary::Prefix::kEachUnlessBlank ||
             (first && prefix == Vocabulary::Prefix::kFirstUnlessBlank)) &&
            !text.starts_with(' '))
            text = prefixed(text);
        // The cache refers to tokens by their place, so these must not move: to fuse unknown
        // tokens, all are first written to `unfused_` and then copied.
        const bool fuses = tokenizer_.vocabulary_.fuse_unk;
        Tokens& tokens = fuses ? unfused_ : out;
        const std::size_t begin = tokens.size();
        for (std::size_t at = 0; at < text.size() && goes_on_();) {
            const std::string_view rest = text.substr(at);
            const std::size_t length = tokenizer_.next_run(rest);
            append_word(rest.substr(0, length), rest.size(), tokens);
            at += length;
        }
        if (!fuses) return;
        std::unique_copy(unfused_.begin() + static_cast<std::ptrdiff_t>(begin), unfused_.end(),
                         std::back_inserter(out), BothUnknown{tokenizer_.vocabulary_.unk});
    }

  private:
    std::string_view prefixed(std::string_view text) {
        prefixed_.assign(1, ' ');
        return prefixed_ += text;
    }

    // For std::unique_copy: of several unknown tokens in a row only the first is kept.
    struct BothUnknown {
        std::optional<std::uint32_t> unk;
        bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b && a == unk; }
    };

    void append_word(std::string_view word, std::size_t readable, Tokens& out) {
        if (word.size() > WordCache::kMaxBytes) return merge_word(word, out);
        const WordCache::Key key = WordCache::key_of(word, readable);
        if (cache_.append_known(word, key, out)) return;
        const std::size_t begin = out.size();
        merge_word(word, out);
        cache_.add(word, key, out, begin);
    }

    void merge_word(std::string_view word, Tokens& out) {
        if (tokenizer_.vocabulary_.whole_words) {
            const std::uint32_t token = tokenizer_.index_.find(word);
            if (token != kNoToken) return out.push_back(token);
        }
        symbols_.clear();
        if (byte_level_)
            append_bytes(word);
        else
            append_characters(word);
        if (symbols_.size() <= kMaxScanned)
            symbols_.resize(merge_by_scan(tokenizer_.merges_, symbols_.data(), symbols_.size()));
        else
            queue_.merge(symbols_);
        const std::size_t begin = out.size();
        for (const std::uint32_t symbol : symbols_) {
            if (symbol < tokenizer_.vocab_size())
                out.push_back(symbol);
            else
                tokenizer_.append_unspelled(
                    tokenizer_.extra_symbols_[symbol - tokenizer_.vocab_size()], out);
        }
        if (!byte_level_ || !tokenizer_.vocabulary_.fuse_unk) return;
        const auto first = out.begin() + static_cast<std::ptrdiff_t>(begin);
        out.erase(std::unique(first, out.end(), BothUnknown{tokenizer_.vocabulary_.unk}),
                  out.end());
    }

    void append_bytes(std::string_view word) {
        if (tokenizer_.spells_all_) {
            for (const char c : word)
                symbols_.push_back(tokenizer_.bytes_[static_cast<unsigned char>(c)]);
            return;
        }
        // Each byte becomes one unknown piece; without such a piece, each character one U+FFFD.
        const bool bytes = tokenizer_.has_unknown_piece();
        while (!word.empty()) {
            const std::size_t length = bytes ? 1 : first_character(word).length;
            tokenizer_.append_unspelled(word.substr(0, length), symbols_);
            word.remove_prefix(length);
        }
    }

    void append_characters(std::string_view word) {
        while (!word.empty()) {
            const std::string_view character = word.substr(0, first_character(word).length);
            word.remove_prefix(character.size());
            const std::uint32_t symbol = tokenizer_.symbol_of(character);
            if (symbol != kNoToken)
                symbols_.push_back(symbol);
            else
                tokenizer_.append_unspelled(character, symbols_);
        }
    }

    const VocabularyTokenizer& tokenizer_;
    bool byte_level_;
    QueueMerger queue_;
    WordCache cache_;
    GoesOn goes_on_;
    std::vector<std::uint32_t> symbols_;
    std::string normal_;
    std::string prefixed_;
    Tokens unfused_;
};

Tokens VocabularyTokenizer::encode(std::string_view text, Special special) const {
    const TextPart part{text, special};
    return encode_parts({&part, 1});
}

Tokens VocabularyTokenizer::encode_parts(std::span<const TextPart> parts) const {
    Encoder encoder(*this);
    return added_.encode(
        parts, [&](std::string_view text, bool first) { return encoder.normalise(text, first); },
        [&](std::string_view text, bool first, Tokens& out) {
            encoder.append_text(text, first, out);
        });
}

bool VocabularyTokenizer::are_neighbours(char32_t left, char32_t right) const {
    if (left < 128 && right < 128) return (ascii_pairs_[left][right / 64] >> (right % 64)) & 1U;
    return wide_pairs_.find(left, right).rank != kNoRank;
}

// The text up to the first place that no merge can cross.
std::size_t VocabularyTokenizer::next_run(std::string_view text) const {
    Character left = first_character(text);
    std::size_t end = left.length;
    while (end < text.size()) {
        const auto byte = static_cast<unsigned char>(text[end]);
        const Character right =
            byte < 0x80 ? Character{byte, 1, {}} : first_character(text.substr(end));
        if (!are_neighbours(left.code, right.code)) break;
        left = right;
        end += right.length;
    }
    return end;
}

// Encodes a character that is no piece, or a single byte: as byte pieces if there is one for every
// byte, else as the unknown piece. Without an unknown piece it becomes U+FFFD; check_spelling() has
// refused vocabularies where this could happen to characters that texts really contain.
void VocabularyTokenizer::append_unspelled(std::string_view character, Tokens& out) const {
    const auto known = [&](char c) { return bytes_[static_cast<unsigned char>(c)] != kNoToken; };
    const bool whole = std::all_of(character.begin(), character.end(), known);
    if (!whole && has_unknown_piece()) return out.push_back(*vocabulary_.unk);
    if (!whole) {
        const std::uint32_t replacement = symbol_of(kReplacement);
        if (replacement < vocab_size()) return out.push_back(replacement);
        character = kReplacement;
    }
    for (const char c : character) out.push_back(bytes_[static_cast<unsigned char>(c)]);
}

}  // namespace cairn::text
