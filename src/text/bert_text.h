// How BERT's tokenizers prepare a text, before pieces are matched: cleaning, letter case, accents,
// and cutting into words at spaces and around punctuation. This loses information: the original
// text cannot be restored from the tokens.
// Source: github.com/google-research/bert, tokenization.py; the options are those of BertNormalizer
// in a tokenizer.json.
#pragma once

#include <string>
#include <string_view>

namespace cairn::text {

struct BertCleaning {
    bool clean = true;          ///< no control characters, every white space a blank
    bool ideographs = true;     ///< each Chinese character a word of its own
    bool strip_accents = true;  ///< decompose (NFD), then drop the marks
    bool lower_case = true;

    bool operator==(const BertCleaning&) const = default;
};

/// Bytes that are not UTF-8 count as U+FFFD, which cleaning drops.
std::string bert_clean(std::string_view text, const BertCleaning& options);

/// The length of the first word of a text that is not empty: white space, a punctuation mark, or
/// what lies between those. The words, joined, are the text.
std::size_t next_bert_word(std::string_view text);

}  // namespace cairn::text
