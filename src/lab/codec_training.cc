#include "lab/codec_training.h"

#include <bit>
#include <functional>

#include <fmt/format.h>

#include "chain/codec_kinds.h"
#include "codec/codec.h"
#include "lab/rounds.h"
#include "worth/network_rules.h"

namespace cairn::lab {

namespace {

using papers::ResultTable;

struct Course {
    double first = 0, last = 0;
    std::uint64_t payload_bytes = 0;
    std::uint32_t merged = 0;
};

/// A network of three honest trainers on this codec; its texts and first weights are the same for
/// all.
Result<Course> train(const CodecTrainingRequest& request, const chain::CodecSpec& codec,
                     const std::function<void()>& played) {
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    ASSIGN_OR_RETURN(const LabNetwork network,
                     make_lab_network({.codec = codec}, request.seed, kernels));
    ASSIGN_OR_RETURN(const auto rounds, Rounds::create(network, request.seed, kernels));
    Course course;
    course.first = rounds->report_loss();
    for (std::uint32_t i = 0; i < request.rounds; ++i) {
        ASSIGN_OR_RETURN(const RoundOutcome outcome, rounds->play(nullptr));
        for (const bool merged : outcome.honest_merged) course.merged += merged ? 1 : 0;
        played();
    }
    course.last = rounds->report_loss();
    const model::ParameterLayout layout(worth::model_config(network.definition), codec::kTile);
    course.payload_bytes = codec::payload_size(codec, layout.size());
    return course;
}

}  // namespace

Result<ResultTable> codec_training_table(const CodecTrainingRequest& request,
                                         const papers::TableProgress& progress) {
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
    const std::uint64_t total = codecs.size() * request.rounds;
    std::uint64_t done = 0;
    const auto played = [&] {
        ++done;
        if (progress) progress(done, total);
    };
    std::size_t learnt = 0;
    for (const chain::CodecSpec& codec : codecs) {
        ASSIGN_OR_RETURN(const Course course, train(request, codec, played));
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

}  // namespace cairn::lab
