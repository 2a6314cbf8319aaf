// `cairn tokenize`: trains a byte-level BPE tokenizer on text files, or shows what a tokenizer
// makes of a text, or turns ids back into text.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::cli {

struct TokenizeRequest {
    std::vector<std::string> train;  ///< text files to learn from
    std::uint32_t vocab = 4096;
    std::string out;                 ///< where the tokenizer goes
    std::string tokenizer;           ///< file to use
    std::string text;                ///< to encode
    std::string file;                ///< text file to encode
    std::vector<std::uint32_t> ids;  ///< to decode
    bool json = false;
};

Status run_tokenize(const TokenizeRequest& request, std::ostream& out);

}  // namespace cairn::cli
