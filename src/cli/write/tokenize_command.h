// `cairn tokenize`: trains a byte-level BPE tokenizer on text files, or shows what a tokenizer
// makes of a text, or turns ids back into text. Tokenizers: any file that formats/tokenizer_file.h
// knows.
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
    bool has_text = false;           ///< the text may be empty
    std::string file;                ///< text file to encode
    bool special = false;            ///< names of control tokens in the text make those tokens
    bool pieces = false;             ///< show each token's piece, too
    std::uint32_t repeat = 1;        ///< encode this many times and report the speed
    std::vector<std::uint32_t> ids;  ///< to decode
    bool json = false;
};

/// Without text, file or ids the text is standard input. With json: tokens, count, bytes; with
/// `pieces` also pieces; with `repeat` > 1 also megabytes_per_second, the best of the runs.
Status run_tokenize(const TokenizeRequest& request, std::ostream& out);

}  // namespace cairn::cli
