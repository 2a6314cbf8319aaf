// Pairs of texts from files of JSON lines, for `cairn train --pairs`, and the tokens that an
// encoder-decoder makes of them.
//
//   {"source": "abc", "target": "cba"}     one object a line; other keys are passed over
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"
#include "train/pair_lessons.h"

namespace cairn::cli {

struct TextPair {
    std::string where;  ///< "pairs.jsonl, line 3"
    std::string source, target;
};

/// Of all files, in their order. kInvalid names file and line of what is no pair, and says what is
/// expected; empty lines are passed over, a file without a pair is refused.
Result<std::vector<TextPair>> read_pairs(const std::vector<std::string>& paths);

/// What stands around a target's tokens, and the longest texts that the model takes.
struct PairFrame {
    std::vector<std::uint32_t> begins;
    std::uint32_t end = 0;
    std::size_t source_tokens = 0;  ///< at most
    std::size_t target_tokens = 0;  ///< the decoder's rows at most: `begins`, then the text
};

/// The token that ends what a decoder writes: kInvalid if the tokenizer has none.
Result<std::uint32_t> end_of_text(const text::Tokenizer& tokenizer);

/// Sources as `cairn generate` reads prompts; a target is `begins`, the text, `end`. kInvalid names
/// the line of a text that is too long, and of a source without tokens.
Result<train::PairSet> encode_pairs(const text::Tokenizer& tokenizer, const PairFrame& frame,
                                    const std::vector<TextPair>& pairs);

}  // namespace cairn::cli
