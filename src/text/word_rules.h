// The rules by which byte-level vocabularies cut text into words; merges never cross a border.
// Their authors wrote them as regular expressions (word_rule_forms.cc has them); here each is a
// scanner by hand, which is faster, bounded, and needs no library. \p{L}, \p{N} and \s are those of
// text/unicode.h.
//
// Some rules are several expressions in a row, each of which cuts the words of the one before it:
// one scanner per stage. Text between two matches of an expression is a word, too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cairn::text {

/// The numbers are those of files: never change one.
enum class WordRule : std::uint8_t {
    kGpt2 = 0,
    kDigits = 1,  ///< each \p{N} alone, kGpt2 between them: StarCoder, SmolLM
    kLlama3 = 2,
    kQwen2 = 3,  ///< kLlama3 with \p{N} instead of \p{N}{1,3}
    kJais2 = 4,  ///< kLlama3 with spaces in powers of two
    kDeepSeekLlm = 5,
    kDeepSeekCoder = 6,
    kDeepSeek3 = 7,
    kSpark = 8,
    kYoutu = 9,
    kFalcon = 10,
    kQwen35 = 11,  ///< kQwen2 with marks as letters
    kBloom = 12,
    kViking = 13,  ///< kBloom, each \p{N} alone
    kTekken = 14,
    kChameleon = 15,
    kGpt4o = 16,
    kTinyAya = 17,  ///< numbers in threes from their end, then kGpt4o
    kKimi = 18,
    kSuperBpe = 19,   ///< only numbers are cut
    kSeedCoder = 20,  ///< kQwen2 without newlines after punctuation
    kUfakzeka = 21,   ///< kQwen2 without contractions
    kAfmoe = 22,
    kLaguna = 23,     ///< lines, then kQwen2
    kExaoneMoe = 24,  ///< words with single blanks between them are one
    kMiniCpm5 = 25,
    kPunctuated = 26,  ///< llama.cpp's for a file that says "default"
};
inline constexpr std::uint8_t kWordRules = 27;

/// The length of the first word of a text that is not empty. The words, joined, are the text.
using WordScanner = std::size_t (*)(std::string_view text);
/// The same where what is before the word matters.
using ContextScanner = std::size_t (*)(std::string_view text, std::string_view before);

struct WordStage {
    WordScanner scan = nullptr;
    ContextScanner scan_after = nullptr;  ///< exactly one of the two is set
};
inline constexpr std::size_t kMaxStages = 6;
std::span<const WordStage> stages_of(WordRule rule);

/// The words of one text, one after the other.
class WordCutter {
  public:
    WordCutter(WordRule rule, std::string_view text) : stages_(stages_of(rule)), text_(text) {}

    /// Where the next word ends; the text must have more of it.
    std::size_t next() {
        std::size_t limit = text_.size();
        for (std::size_t i = 0; i < stages_.size(); ++i) {
            if (ends_[i] == at_) ends_[i] = at_ + scan(stages_[i], text_.substr(at_, limit - at_));
            limit = ends_[i];
        }
        return at_ = limit;
    }

  private:
    std::size_t scan(const WordStage& stage, std::string_view text) const {
        return stage.scan != nullptr ? stage.scan(text)
                                     : stage.scan_after(text, text_.substr(0, at_));
    }

    std::span<const WordStage> stages_;
    std::string_view text_;
    std::size_t at_ = 0;
    std::array<std::size_t, kMaxStages> ends_{};  // of the stages' words at at_
};

}  // namespace cairn::text
