// Encoding with a vocabulary: control tokens, then words, then merges within each word.
#include <algorithm>
#include <queue>

#include "model/text/unicode.h"
#include "model/text/vocabulary_tokenizer.h"
#include "model/text/word_cache.h"

namespace cairn::model {

namespace {

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
        for (std::size_t i = 0; i + 1 < count; ++i) consider(symbols, i);
        while (!queue_.empty()) {
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

    // Text between special pieces.
    void append_fragment(std::string_view text, bool prefix, Tokens& out) {
        if (tokenizer_.vocabulary_.nfc) text = normalise_nfc(text, normal_);
        if (!byte_level_) {
            if (prefix) {
                prefixed_.assign(1, ' ');
                text = prefixed_ += text;
            }
            for (std::size_t at = 0; at < text.size();) {
                const std::string_view rest = text.substr(at);
                const std::size_t length = tokenizer_.next_run(rest);
                append_word(rest.substr(0, length), rest.size(), out);
                at += length;
            }
            return;
        }
        const WordScanner next_word = scanner_of(tokenizer_.vocabulary_.rule);
        while (!text.empty()) {
            const std::size_t length = next_word(text);
            append_word(text.substr(0, length), text.size(), out);
            text.remove_prefix(length);
        }
    }

  private:
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
            tokenizer_.append_bytes(word, symbols_);
        else
            append_characters(word);
        if (symbols_.size() <= kMaxScanned)
            symbols_.resize(merge_by_scan(tokenizer_.merges_, symbols_.data(), symbols_.size()));
        else
            queue_.merge(symbols_);
        for (const std::uint32_t symbol : symbols_) {
            if (symbol < tokenizer_.vocab_size())
                out.push_back(symbol);
            else
                tokenizer_.append_bytes(tokenizer_.extra_symbols_[symbol - tokenizer_.vocab_size()],
                                        out);
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
                tokenizer_.append_bytes(character, symbols_);
        }
    }

    const VocabularyTokenizer& tokenizer_;
    bool byte_level_;
    QueueMerger queue_;
    WordCache cache_;
    std::vector<std::uint32_t> symbols_;
    std::string normal_;
    std::string prefixed_;
};

// User-defined pieces are found everywhere, control tokens only within the parts that allow them.
class VocabularyTokenizer::Specials {
  public:
    Specials(const VocabularyTokenizer& tokenizer, std::string_view text,
             std::span<const TextPart> parts)
        : tokenizer_(tokenizer), text_(text), parts_(parts) {}

    // The first that begins at or after `from`, the longest of those; call with rising `from`.
    SpecialPieces::Match next(std::size_t from) {
        if (!defined_ || defined_->at < from) defined_ = tokenizer_.user_defined_.find(text_, from);
        if (!control_ || control_->at < from) control_ = next_control(from);
        const bool control_first = control_->at != defined_->at
                                       ? control_->at < defined_->at
                                       : control_->length > defined_->length;
        return control_first ? *control_ : *defined_;
    }

  private:
    SpecialPieces::Match next_control(std::size_t from) {
        for (; part_ < parts_.size(); begin_ += parts_[part_++].text.size()) {
            const TextPart& part = parts_[part_];
            const std::size_t end = begin_ + part.text.size();
            if (part.special == Special::kPlain || end <= from) continue;
            SpecialPieces::Match match =
                tokenizer_.controls_.find(text_.substr(0, end), std::max(from, begin_));
            if (match.length > 0) return match;
        }
        return {text_.size(), 0, 0};
    }

    const VocabularyTokenizer& tokenizer_;
    std::string_view text_;
    std::span<const TextPart> parts_;
    std::size_t part_ = 0;   // where control tokens are looked for
    std::size_t begin_ = 0;  // its place in the text
    // Found last; where there is none, at the end of the text, which nothing is beyond.
    std::optional<SpecialPieces::Match> defined_;
    std::optional<SpecialPieces::Match> control_;
};

Tokens VocabularyTokenizer::encode(std::string_view text, Special special) const {
    const TextPart part{text, special};
    return encode_parts({&part, 1});
}

Tokens VocabularyTokenizer::encode_parts(std::span<const TextPart> parts) const {
    std::string joined;
    if (parts.size() > 1)
        for (const TextPart& part : parts) joined += part.text;
    const std::string_view text = parts.size() == 1 ? parts[0].text : joined;
    Tokens out;
    out.reserve(text.size() / 4 + 8);
    Encoder encoder(*this);
    Specials specials(*this, text, parts);
    // A blank goes before the text and, by some conventions, after each control token; never after
    // a user-defined piece, which is text.
    bool prefix = vocabulary_.prefix != Vocabulary::Prefix::kNever;
    for (std::size_t at = 0; at < text.size();) {
        const SpecialPieces::Match match = specials.next(at);
        const bool control =
            match.length > 0 && vocabulary_.pieces[match.token].type == PieceType::kControl;
        if (match.at > at || !control)
            encoder.append_fragment(text.substr(at, match.at - at), prefix, out);
        if (match.length > 0) out.push_back(match.token);
        prefix = control && vocabulary_.prefix == Vocabulary::Prefix::kEach;
        at = match.at + match.length;
    }
    return out;
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

void VocabularyTokenizer::append_bytes(std::string_view bytes, Tokens& out) const {
    for (const char c : bytes) {
        const std::uint32_t token = bytes_[static_cast<unsigned char>(c)];
        out.push_back(token != kNoToken ? token : *vocabulary_.unk);
    }
}

}  // namespace cairn::model
