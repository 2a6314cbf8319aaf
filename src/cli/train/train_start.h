// How a training run begins: its texts as tokens, its tokenizer and its model, whether fresh, taken
// from a file, or stopped earlier.
#pragma once

#include <memory>
#include <optional>

#include "cli/train/train_command.h"
#include "console/interrupt.h"
#include "model/weights.h"
#include "text/tokenizer.h"

namespace cairn::cli {

struct TrainStart {
    TrainRequest request;  ///< as asked; of a resumed run, as it was asked at first
    model::ModelConfig config;
    std::vector<float> parameters;  ///< before the first step; empty if resumed
    Bytes tokenizer_file;
    std::unique_ptr<text::Tokenizer> tokenizer;
    text::Tokens stream;                     ///< what is learnt from
    text::Tokens held_out;                   ///< empty: none
    std::optional<train::RunState> resumed;  ///< of a resumed run
    std::uint64_t first_step = 0;            ///< steps taken in earlier sessions
};

/// The whole of what was asked: of a resumed run from its state, which `start` then has.
Result<TrainRequest> request_to_run(const TrainRequest& request, TrainStart& start);
/// Reads and learns what start.request names. Ctrl-C meanwhile is answered with a word: there is
/// nothing to save before the tokenizer is there.
Status prepare_training(TrainStart& start, const console::Interrupt& interrupt);

/// The command line that gives the same bits again, from the beginning.
std::string repeat_command(const TrainRequest& request);

}  // namespace cairn::cli
