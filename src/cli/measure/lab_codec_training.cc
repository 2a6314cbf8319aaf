#include "cli/measure/lab_codec_training.h"

#include <memory>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "lab/codec_training.h"

namespace cairn::cli {

void add_lab_codec_training(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto request = std::make_shared<lab::CodecTrainingRequest>();
    const Command command = add_result_command(
        group, invocation, "codec-training",
        "The tiny network's loss after some rounds by each codec, by the rules themselves",
        "cairn lab codec-training --rounds 30",
        [request] { return lab::codec_training_table(*request, progress_bar("training")); });
    command.add_option("--rounds", request->rounds, "Rounds of each network")
        .check(range(1, 10'000))
        .capture_default_str();
    command.add_option("--values", request->values, "Values sent for 4096 parameters, but by dense")
        .check(one_of({16, 32, 64, 128, 256, 512}))
        .capture_default_str();
    command.add_option("--bits", request->bits, "Bits of each value, but in the first two rows")
        .check(one_of({4, 8, 16}))
        .capture_default_str();
    command.add_option("--seed", request->seed, "Of the first weights and the texts' windows")
        .check(range(std::uint64_t{0}, ~std::uint64_t{0}))
        .capture_default_str();
    pages.push_back({'A', "Training by each codec",
                     [] { return lab::codec_training_table({}, progress_bar("training")); }});
}

}  // namespace cairn::cli
