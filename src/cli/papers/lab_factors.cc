#include "cli/papers/lab_factors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/progress.h"
#include "cli/local_model.h"
#include "cli/papers/lab_result.h"
#include "cli/train/text_loss.h"
#include "lab/made_text.h"
#include "lowrank/compress.h"
#include "lowrank/svd.h"
#include "model/leaf.h"
#include "papers/low_rank.h"
#include "train/trainer.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

struct Request {
    std::string model, tokenizer, text, calibrate;
};

// A model with a text that it is measured on, and one that it may be calibrated with.
struct Subject {
    std::string name;
    model::Model model;
    std::vector<std::uint32_t> text, calibrate;
    std::uint32_t context = 0;
};

constexpr std::size_t kMostTokens = 16384;

std::vector<std::uint32_t> bytes_as_tokens(std::uint64_t seed, std::size_t bytes) {
    const std::string text = lab::made_text(0, seed, bytes);
    std::vector<std::uint32_t> tokens;
    for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
    return tokens;
}

// A byte-level model of 0.4 million parameters, trained for some seconds on made-up text.
Result<Subject> trained_here(const tensor::Compute& compute) {
    const model::ModelConfig config{.dim = 96,
                                    .hidden_dim = 256,
                                    .layers = 3,
                                    .heads = 6,
                                    .kv_heads = 6,
                                    .vocab = 256,
                                    .context = 128};
    train::Recipe recipe;
    recipe.total_steps = 300;
    const model::ParameterLayout layout(config);
    const std::vector<std::uint32_t> tokens = bytes_as_tokens(1, std::size_t{1} << 20);
    train::Trainer trainer(layout, recipe, tokens, 1, compute);
    trainer.start(model::initial_parameters(layout, 1), 0);
    const SystemClock clock;
    Progress progress(clock, "training", recipe.total_steps);
    for (std::uint64_t step = 0; step < recipe.total_steps; ++step) {
        ASSIGN_OR_RETURN(const train::StepReport report, trainer.step());
        progress.update(step, fmt::format("{:.3f} nats", report.loss));
    }
    const auto parameters = trainer.parameters();
    Subject subject{"a model trained here (0.4 million parameters)", {}, {}, {}, config.context};
    subject.model =
        model::make_model(config, std::vector<float>(parameters.begin(), parameters.end()));
    subject.text = bytes_as_tokens(2, kMostTokens);
    subject.calibrate = std::vector<std::uint32_t>(tokens.begin(), tokens.begin() + kMostTokens);
    return subject;
}

Result<std::vector<std::uint32_t>> read_tokens(const std::string& path,
                                               text::Tokenizer& tokenizer) {
    ASSIGN_OR_RETURN(const std::string text, read_text_file(path));
    std::vector<std::uint32_t> tokens{tokenizer.begin_token()};
    const text::Tokens words = tokenizer.encode(text);
    tokens.insert(tokens.end(), words.begin(), words.end());
    if (tokens.size() < 2) return invalid(path + " is empty");
    if (tokens.size() > kMostTokens) tokens.resize(kMostTokens);
    return tokens;
}

Result<Subject> subject_of(const Request& request, const tensor::Compute& compute, bool with_text) {
    if (request.model.empty()) return trained_here(compute);
    if (with_text && request.text.empty())
        return misused("with --model name the text on which it is measured: --text FILE");
    for (const auto& [option, path] :
         {std::pair{"--text", request.text}, std::pair{"--calibrate", request.calibrate}})
        if (!path.empty()) RETURN_IF_ERROR(check_exists(option, path));
    ASSIGN_OR_RETURN(const auto local, load_local_model(request.model, request.tokenizer));
    if (!local->model.config.ranks.empty())
        return Error{ErrorCode::kUnsupported,
                     request.model + " has factors already: name the model it was made from"};
    Subject subject{request.model, local->model, {}, {}, 0};
    subject.context = std::bit_floor(std::min(local->model.config.context, 512U));
    if (!with_text) return subject;
    ASSIGN_OR_RETURN(subject.text, read_tokens(request.text, *local->tokenizer));
    if (!request.calibrate.empty()) {
        ASSIGN_OR_RETURN(subject.calibrate, read_tokens(request.calibrate, *local->tokenizer));
    }
    return subject;
}

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
    ASSIGN_OR_RETURN(const Subject subject, subject_of(request, machine->compute(), false));
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
    ASSIGN_OR_RETURN(const std::int64_t sum, text_loss(model.layout(), packed.weights, subject.text,
                                                       subject.context, compute));
    return model::nats(sum, subject.text.size() - 1);
}

Result<ResultTable> losses(const Request& request) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(0));
    const tensor::Compute& compute = machine->compute();
    ASSIGN_OR_RETURN(const Subject subject, subject_of(request, compute, true));
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

void add_lab_factors(CLI::App& group, Invocation& invocation, LabPages& pages) {
    const auto add = [&](const char* name, const char* what, const char* example,
                         Result<ResultTable> (*make)(const Request&), bool with_text) {
        const auto request = std::make_shared<Request>();
        CLI::App* command = add_result_command(group, invocation, name, what, example,
                                               [request, make] { return make(*request); });
        command->add_option("--model", request->model,
                            "Model file or folder (default: a small one is trained first)");
        command->add_option("--tokenizer", request->tokenizer,
                            "Tokenizer file (default: in the model or beside it)");
        if (!with_text) return;
        command->add_option("--text", request->text, "Text on which its loss is measured");
        command->add_option("--calibrate", request->calibrate,
                            "Text for the activation-aware factors (default: none are made)");
    };
    add("fig5", "Paper B's Figure 5: energy of the first singular values of trained matrices",
        "cairn lab fig5 --model stories260K.bin --out pictures", figure5, false);
    add("low-rank-loss", "Loss by compression ratio, beside energy and P_total",
        "cairn lab low-rank-loss --model stories260K.bin --text valid.txt --calibrate train.txt",
        losses, true);
    pages.push_back({'B', "Figure 5: energy of trained matrices", [] { return figure5({}); }});
    pages.push_back({'B', "Equation 13 and the loss that was measured", [] { return losses({}); }});
}

}  // namespace cairn::cli
