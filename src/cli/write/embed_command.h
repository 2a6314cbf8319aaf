// `cairn embed`: vectors of texts, made by an encoder (or by any other model with hidden states),
// to find out which texts mean alike.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::cli {

struct EmbedRequest {
    std::string model;
    std::string tokenizer;           ///< empty: found with the model
    std::vector<std::string> texts;  ///< empty, and no file: the lines of standard input
    std::string file;                ///< a text a line; empty lines are left out
    std::string pooling;    ///< mean, cls, last; empty: as the model's files say, else as usual
    bool plain = false;     ///< vectors as they come, not of length 1
    bool truncate = false;  ///< texts that are too long are cut, not refused
    std::size_t threads = 0;
    bool json = false;
};

/// JSON: model, dim, pooling, normalised, texts [{text, tokens, vector}], similarities [[cosine]]
/// for up to kMaxSimilarities texts. For people: the table of similarities, or each text's nearest.
Status run_embed(const EmbedRequest& request, std::ostream& out);

inline constexpr std::size_t kMaxSimilarities = 64;

}  // namespace cairn::cli
