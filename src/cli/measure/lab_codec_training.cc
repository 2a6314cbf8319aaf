#include "cli/measure/lab_codec_training.h"

#include <bit>
#include <memory>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/progress.h"
#include "chain/codec_kinds.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "codec/codec.h"
#include "lab/rounds.h"
#include "worth/network_rules.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

struct TrainingRequest {
    std::uint32_t rounds = 30;
    std::uint32_t values = 512;
    std::uint32_t bits = 8;
    std::uint64_t seed = 1;
};

struct Course {
    double first = 0, last = 0;
    std::uint64_t payload_bytes = 0;
    std::uint32_t merged = 0;
};

/// A network of three honest trainers on this codec; its texts and first weights are the same for
/// all.
Result<Course> train(const TrainingRequest& request, const chain::CodecSpec& codec,
                     Progress& progress, std::uint64_t& done) {
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    ASSIGN_OR_RETURN(const lab::LabNetwork network,
                     lab::make_lab_network("tiny", 0, 0, {}, request.seed, kernels, &codec));
    ASSIGN_OR_RETURN(const auto rounds, lab::Rounds::create(network, request.seed, kernels));
    Course course;
    course.first = rounds->report_loss();
    for (std::uint32_t i = 0; i < request.rounds; ++i) {
        ASSIGN_OR_RETURN(const lab::RoundOutcome outcome, rounds->play(nullptr));
        for (const bool merged : outcome.honest_merged) course.merged += merged ? 1 : 0;
        progress.update(++done);
    }
    course.last = rounds->report_loss();
    const model::ParameterLayout layout(worth::model_config(network.definition), codec::kTile);
    course.payload_bytes = codec::payload_size(codec, layout.size());
    return course;
}

Result<ResultTable> codec_training(const TrainingRequest& request) {
    ResultTable table{"codec-training", {}, "", {}};
    std::vector<chain::CodecSpec> codecs;
    const auto ratio =
        static_cast<std::uint32_t>(std::countr_zero(4096U) - std::countr_zero(request.values));
    for (const auto kind : {chain::CodecKind::kSrht, chain::kSrht2})
        codecs.push_back({kind, ratio, 1});
    for (std::size_t kind = 0; kind < std::size(chain::kCodecNames); ++kind)
        codecs.push_back(
            static_cast<chain::CodecKind>(kind) == chain::CodecKind::kDense
                ? chain::CodecSpec{chain::CodecKind::kDense, 0, 8}
                : chain::CodecSpec{static_cast<chain::CodecKind>(kind), ratio, request.bits});
    const SystemClock clock;
    Progress progress(clock, "training", codecs.size() * request.rounds);
    std::uint64_t done = 0;
    std::size_t learnt = 0;
    for (const chain::CodecSpec& codec : codecs) {
        ASSIGN_OR_RETURN(const Course course, train(request, codec, progress, done));
        learnt += course.last < course.first - 0.05 ? 1 : 0;
        table.rows.push_back({{"codec", std::string(chain::name_of(codec.kind))},
                              {"values", static_cast<std::int64_t>(4096U >> codec.log2_ratio)},
                              {"bits", static_cast<std::int64_t>(codec.bits)},
                              {"payload_bytes", static_cast<std::int64_t>(course.payload_bytes)},
                              {"rounds", static_cast<std::int64_t>(request.rounds)},
                              {"merged", static_cast<std::int64_t>(course.merged)},
                              {"report_loss_before", course.first},
                              {"report_loss_after", course.last}});
    }
    table.found = fmt::format(
        "{} of {} codecs train the tiny network in {} rounds of three trainers; with one seed, "
        "this ranks "
        "none of them (with another a row moves by up to half a nat).",
        learnt, codecs.size(), request.rounds);
    return table;
}

}  // namespace

void add_lab_codec_training(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto request = std::make_shared<TrainingRequest>();
    const Command command = add_result_command(
        group, invocation, "codec-training",
        "The tiny network's loss after some rounds by each codec, by the rules themselves",
        "cairn lab codec-training --rounds 30", [request] { return codec_training(*request); });
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
    pages.push_back({'A', "Training by each codec", [] { return codec_training({}); }});
}

}  // namespace cairn::cli
