#include "cli/papers/lab_factors.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "cli/papers/lab_subject.h"
#include "cli/train/loss_bar.h"
#include "lowrank/compress.h"
#include "lowrank/svd.h"
#include "model/leaf.h"
#include "papers/low_rank.h"
#include "train/text_loss.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;
using Request = SubjectRequest;

// The matrices of one layer, queries, keys and values one below the other as GPT-2 keeps them (the
// paper's c_attn).
struct Named {
    std::string name;
    std::size_t rows = 0, cols = 0;
    std::vector<float> values;
};

std::vector<Named> matrices_of(const model::Model& model, std::uint32_t layer) {
    using K = model::TensorKind;
    const auto stack = [&](const char* name, std::initializer_list<K> kinds) {
        Named named{fmt::format("layers.{}.{}", layer, name), 0, 0, {}};
        for (const K kind : kinds) {
            const tensor::Weight& w = model::tensor_at(model.weights, kind, layer);
            const std::size_t at = named.values.size();
            named.cols = w.cols;
            named.rows += w.rows;
            named.values.resize(at + w.rows * w.cols);
            for (std::size_t row = 0; row < w.rows; ++row)
                tensor::weight_row(w, row, named.values.data() + at + row * w.cols);
        }
        return named;
    };
    std::vector<Named> all = {stack("wq+wk+wv", {K::kWq, K::kWk, K::kWv}), stack("wo", {K::kWo}),
                              stack("w_up", {K::kWUp}), stack("w_down", {K::kWDown})};
    return all;
}

Result<ResultTable> figure5(const Request& request) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(0));
    ASSIGN_OR_RETURN(const Subject subject,
                     lab_subject(request, machine->compute(), SubjectText::kNone));
    ResultTable table{"fig5", {}, "", {}};
    double at_breakeven = 0, at_40 = 0;
    const std::uint32_t layer = subject.model.config.layers > 1 ? 1 : 0;
    for (const Named& named : matrices_of(subject.model, layer)) {
        const std::size_t r = std::min(named.rows, named.cols);
        const lowrank::Svd svd = lowrank::low_rank_svd(
            machine->compute(), {named.values.data(), named.rows, named.cols}, {.rank = r});
        const papers::MatrixShape shape{named.rows, named.cols};
        for (std::size_t i = 1; i <= 20; ++i) {
            const std::size_t k = std::max<std::size_t>(1, r * i / 20);
            table.rows.push_back(
                {{"matrix", named.name},
                 {"m", static_cast<std::int64_t>(named.rows)},
                 {"n", static_cast<std::int64_t>(named.cols)},
                 {"rank", static_cast<std::int64_t>(k)},
                 {"share_of_ranks", static_cast<double>(k) / static_cast<double>(r)},
                 {"compression_ratio", papers::compression_ratio(shape, static_cast<double>(k))},
                 {"energy", svd.kept(k)}});
        }
        if (named.name.ends_with("wv")) {
            at_breakeven = svd.kept(papers::break_even_rank(shape));
            at_40 = svd.kept(r * 2 / 5);
        }
    }
    table.found = fmt::format(
        "Of {}, the first 40 % of the singular values of queries, keys and values keep {:.1f} % of "
        "the energy (the paper prints 91.32 % for GPT-2's), and where factors stop being smaller "
        "than the matrix they keep {:.1f} %.",
        subject.name, 100 * at_40, 100 * at_breakeven);
    table.pictures = {{"Figure 5: energy kept, by compression ratio", "compression_ratio", "energy",
                       "matrix", "compression ratio (m+n+1)k / mn", "energy of the first k"}};
    return table;
}

Result<double> loss_of(const model::Model& model, const Subject& subject,
                       const tensor::Compute& compute) {
    const model::Model packed = model::pack_model(compute, model);
    ASSIGN_OR_RETURN(const std::int64_t sum,
                     train::text_loss(model.layout(), packed.weights, subject.text, subject.context,
                                      compute, loss_bar()));
    return model::nats(sum, subject.text.size() - 1);
}

Result<ResultTable> losses(const Request& request) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(0));
    const tensor::Compute& compute = machine->compute();
    ASSIGN_OR_RETURN(const Subject subject, lab_subject(request, compute, SubjectText::kMeasured));
    std::optional<lowrank::Moments> moments;
    if (!subject.calibrate.empty()) {
        ASSIGN_OR_RETURN(moments, lowrank::Moments::of(compute, subject.model, subject.calibrate,
                                                       subject.context));
    }
    ASSIGN_OR_RETURN(const double whole, loss_of(subject.model, subject, compute));
    ResultTable table{"low-rank-loss", {}, "", {}};
    const auto row = [&](const char* way, double ratio, double energy, double p_total,
                         double loss) {
        table.rows.push_back({{"way", std::string(way)},
                              {"ratio", ratio},
                              {"mean_energy", energy},
                              {"p_total", p_total},
                              {"loss", loss},
                              {"perplexity", std::exp(loss)}});
    };
    double plain_at_half = 0, aware_at_half = 0, energy_at_half = 0, total_at_half = 0;
    const SystemClock clock;
    constexpr double kRatios[] = {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
    Progress progress(clock, "ratios", 3 * std::size(kRatios));
    std::uint64_t done = 0;
    for (const char* way : {"plain", "per head", "activation-aware"}) {
        const bool aware = std::string_view(way) == "activation-aware";
        for (const double ratio : kRatios) {
            progress.update(done++, way);
            if (aware && !moments) continue;
            lowrank::CompressOptions options{.rule = lowrank::ByRatio{ratio}};
            options.per_head = std::string_view(way) == "per head";
            options.moments = aware ? &*moments : nullptr;
            ASSIGN_OR_RETURN(const lowrank::Compressed made,
                             lowrank::compress(compute, subject.model, options));
            double energy = 0;
            for (const auto& report : made.matrices)
                energy += lowrank::mean_energy(report) / static_cast<double>(made.matrices.size());
            ASSIGN_OR_RETURN(const double loss, loss_of(made.model, subject, compute));
            row(way, ratio, energy, made.total_energy, loss);
            if (ratio != 0.5) continue;
            if (aware) aware_at_half = loss;
            if (std::string_view(way) == "plain") {
                plain_at_half = loss;
                energy_at_half = energy;
                total_at_half = made.total_energy;
            }
        }
        row(way, 1.0, 1.0, 1.0, whole);
    }
    table.found = fmt::format(
        "Of {}, whole perplexity {:.2f}: at ratio 0.5 plain factors keep {:.1f} % of the energy on "
        "average (P_total {:.3f}) and perplexity becomes {:.2f}{}; energy weighs all inputs alike, "
        "the loss only those that a text has.",
        subject.name, std::exp(whole), 100 * energy_at_half, total_at_half, std::exp(plain_at_half),
        moments ? fmt::format(", activation-aware ones, which keep less of it, make {:.2f}",
                              std::exp(aware_at_half))
                : "");
    table.pictures = {{"Loss by ratio of the layers' matrices", "ratio", "loss", "way",
                       "ratio of the layers' matrices", "nats a token"},
                      {"Loss by mean energy kept", "mean_energy", "loss", "way",
                       "mean energy of the matrices", "nats a token"}};
    return table;
}

}  // namespace

void add_lab_factors(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto add = [&](const char* name, const char* what, const char* example,
                         Result<ResultTable> (*make)(const Request&), SubjectText text) {
        const auto request = std::make_shared<Request>();
        const Command command = add_result_command(group, invocation, name, what, example,
                                                   [request, make] { return make(*request); });
        add_subject_options(command, *request, text);
        if (text == SubjectText::kNone) return;
        command.add_option("--calibrate", request->calibrate,
                           "Text for the activation-aware factors (default: none are made)");
    };
    add("fig5", "Paper B's Figure 5: energy of the first singular values of trained matrices",
        "cairn lab fig5 --model stories260K.bin --out pictures", figure5, SubjectText::kNone);
    add("low-rank-loss", "Loss by compression ratio, beside energy and P_total",
        "cairn lab low-rank-loss --model stories260K.bin --text valid.txt --calibrate train.txt",
        losses, SubjectText::kMeasured);
    pages.push_back({'B', "Figure 5: energy of trained matrices", [] { return figure5({}); }});
    pages.push_back({'B', "Equation 13 and the loss that was measured", [] { return losses({}); }});
}

}  // namespace cairn::cli
