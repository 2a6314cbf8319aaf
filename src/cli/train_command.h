// `cairn train`: trains a model on this machine alone, with the trainer that a node uses for its
// local steps. Starts from nothing (and then learns a tokenizer, unless one is named) or from any
// readable model.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "train/recipe.h"

namespace cairn::cli {

struct TrainRequest {
    std::vector<std::string> texts;  ///< files to learn from
    std::string valid;               ///< held-out text, measured at the end; may be empty
    std::string out;                 ///< checkpoint to write
    std::string init;                ///< model to go on from; empty: fresh weights
    std::string tokenizer;           ///< empty: that of `init`, or a new one of shape.vocab tokens
    /// Of a fresh model; hidden_dim 0 means 8/3 dim, context comes from the recipe.
    model::ModelConfig shape{.dim = 128,
                             .hidden_dim = 0,
                             .layers = 4,
                             .heads = 4,
                             .kv_heads = 2,
                             .vocab = 1024,
                             .context = 0};
    train::Recipe recipe;
    std::uint64_t seed = 1;
    std::size_t threads = 0;
    bool json = false;
};

/// JSON: out, parameters, steps, first_loss, last_loss, valid_loss, tokens_per_second, kernels,
/// threads, content_hash.
Status run_train(const TrainRequest& request, std::ostream& out);

}  // namespace cairn::cli
