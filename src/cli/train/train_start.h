// How a training run begins: its texts as tokens, its tokenizer and its model, whether fresh, taken
// from a file, or stopped earlier.
#pragma once

#include <memory>
#include <optional>

#include "cli/train/train_command.h"
#include "console/interrupt.h"
#include "model/weights.h"
#include "text/tokenizer.h"
#include "train/pair_lessons.h"

namespace cairn::cli {

/// Of a run that trains an encoder-decoder.
struct EncoderDecoderStart {
    model::EncoderDecoderLayout layout;
    std::vector<std::uint32_t> begins;  ///< what each text of the decoder begins with
    train::PairSet pairs{}, held_out{};
};

struct TrainStart {
    TrainRequest request;           ///< as asked; of a resumed run, as it was asked at first
    model::ModelConfig config;      ///< an encoder-decoder's decoder
    std::vector<float> parameters;  ///< before the first step; empty if resumed
    Bytes tokenizer_file;
    std::unique_ptr<text::Tokenizer> tokenizer;
    text::Tokens stream;    ///< the training text, unless pairs are learnt
    text::Tokens held_out;  ///< empty: none
    std::optional<EncoderDecoderStart> encoder_decoder;
    std::optional<train::RunState> resumed;  ///< of a resumed run
    std::uint64_t first_step = 0;            ///< steps taken in earlier sessions
};

/// The complete request; for a resumed run it is read from its state, which is stored in `start`.
Result<TrainRequest> request_to_run(const TrainRequest& request, TrainStart& start);
/// Reads the texts and reads or trains the tokenizer that start.request names. Ctrl-C while one is
/// trained takes effect only when it is ready (a message says so): before, nothing can be saved.
Status prepare_training(TrainStart& start, const console::Interrupt& interrupt);

/// The command line that gives the same bits again, from the beginning.
std::string repeat_command(const TrainRequest& request);

}  // namespace cairn::cli
