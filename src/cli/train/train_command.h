// `cairn train`: trains a language model, or an encoder-decoder from pairs of texts, on this
// machine alone, with the trainer that a node uses for its local steps. Starts from nothing (and
// then learns a tokenizer, unless one is named), from any readable model, or from where an earlier
// run was stopped, to the same bits.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "train/run_state.h"

namespace cairn {
class Clock;
}

namespace cairn::cli {

struct TrainRequest {
    std::string out;          ///< checkpoint to write; the run's state stands beside it
    std::string resume;       ///< `out` of an earlier run: then only the last group below is read
    std::string init;         ///< model to go on from; empty: fresh weights
    std::string tokenizer;    ///< empty: that of `init`, or a new one of shape.vocab tokens
    bool characters = false;  ///< a tokenizer without merges: every byte is a token
    bool pairs = false;       ///< options.texts are files of pairs, for an encoder-decoder
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
    train::RunOptions options{.model = {},
                              .texts = {},
                              .valid = {},
                              .log = {},
                              .valid_every = 0,
                              .valid_windows = 64,
                              .save_every = 0,
                              .minutes = 0};

    std::size_t threads = 0;
    std::uint64_t stop_at = 0;  ///< save after this step and end, to go on later; 0: never
    bool dry_run = false;       ///< a few steps to measure time and memory; nothing is written
    bool json = false;
};

/// The file in which a run that writes `out` keeps its state until it is complete.
std::string run_state_path(const std::string& out);

/// JSON: out, parameters, steps, total_steps, complete, first_loss, last_loss, valid_loss, tokens,
/// seconds, tokens_per_second, kernels, threads, content_hash (and, of an encoder-decoder,
/// encoder_content_hash), command (which repeats the run to the same bits), troubles (sentences; of
/// what could not be written while the run went on). What was not measured is left out. The exit
/// code: 1 if the log could not be written to its end.
Result<int> run_train(const TrainRequest& request, const Clock& clock, std::ostream& out);

}  // namespace cairn::cli
