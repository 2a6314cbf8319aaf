#include "cli/models/model_compress.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/progress.h"
#include "cli/local_model.h"
#include "cli/models/model_command.h"
#include "cli/models/model_inputs.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/train/loss_bar.h"
#include "console/json_line.h"
#include "lowrank/compress.h"
#include "measure/stopwatch.h"
#include "model/leaf.h"
#include "train/text_loss.h"

namespace cairn::cli {

namespace {

using lowrank::Compressed;
using lowrank::MatrixReport;
using nlohmann::json;

Result<lowrank::RankRule> rule_of(const CompressRequest& request) {
    const int given =
        static_cast<int>(request.rank.has_value()) + static_cast<int>(request.energy.has_value()) +
        static_cast<int>(request.ratio.has_value()) + static_cast<int>(!request.bytes.empty());
    if (given != 1)
        return misused(
            "say once how much is to be left: --rank K, --energy E, --ratio R or --bytes B");
    if (request.rank) return lowrank::RankRule(lowrank::ByRank{*request.rank});
    if (request.energy) return lowrank::RankRule(lowrank::ByEnergy{*request.energy});
    if (request.ratio) return lowrank::RankRule(lowrank::ByRatio{*request.ratio});
    ASSIGN_OR_RETURN(const std::uint64_t bytes, parse_size("--bytes", request.bytes));
    return lowrank::RankRule(lowrank::ByBytes{bytes});
}

// What factors are stored as: the type that was asked for; else that of the model's own matrices if
// it is a plain one, else f16.
tensor::WeightType factor_type(const model::Model& model, const PreparedTarget& prepared) {
    if (prepared.options.type) return *prepared.options.type;
    const tensor::WeightType own = model.weights.layers.front().wq.type;
    return tensor::weight_group(own) == 1 ? own : tensor::WeightType::kF16;
}

std::uint64_t weight_bytes(const model::Model& model) {
    std::uint64_t bytes = 0;
    const model::ParameterLayout layout = model.layout();
    for (const model::TensorInfo& info : layout.tensors())
        bytes += model::tensor_at(model.weights, info.kind, info.layer).canonical_bytes();
    return bytes;
}

struct TextResult {
    std::size_t tokens = 0;
    double before = 0, after = 0;  // nats per token
};

struct SpeedResult {
    double before = 0, after = 0;                     // tokens per second
    std::uint64_t bytes_before = 0, bytes_after = 0;  // read for each token
};

// The most probable tokens one after the other, from token 1 on; returns tokens per second.
double decode_speed(const model::Model& packed, const tensor::Compute& compute) {
    constexpr std::size_t kWritten = 48;
    const std::size_t count = std::min<std::size_t>(kWritten, packed.config.context);
    model::Transformer transformer(packed.config, packed.weights, model::all_layers(packed.config),
                                   compute, {.max_batch = 1, .max_positions = count});
    model::KvCache cache(packed.config, model::all_layers(packed.config), count);
    std::vector<float> state(packed.config.dim), logits(packed.config.vocab);
    std::uint32_t token = 1;
    const measure::Stopwatch watch;
    for (std::size_t i = 0; i < count; ++i) {
        transformer.embed(std::span(&token, 1), i, state);
        transformer.forward(state, cache);
        transformer.head(state, logits);
        token = static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) -
                                           logits.begin());
    }
    return static_cast<double>(count) / watch.seconds();
}

// By turns, the best of five each: other programs on the machine slow both.
SpeedResult measure_speed(const model::Model& before, const model::Model& after,
                          const tensor::Compute& compute) {
    const model::Model one = model::pack_model(compute, before);
    const model::Model two = model::pack_model(compute, after);
    SpeedResult speed;
    for (int round = 0; round < 5; ++round) {
        speed.before = std::max(speed.before, decode_speed(one, compute));
        speed.after = std::max(speed.after, decode_speed(two, compute));
    }
    const auto read = [](const model::Model& model) {
        // Every weight once, but of an embedding that is not the head a row alone.
        const std::uint64_t table =
            model.config.tied_head ? 0 : model.weights.token_embedding.canonical_bytes();
        return weight_bytes(model) - table;
    };
    speed.bytes_before = read(before);
    speed.bytes_after = read(after);
    return speed;
}

json json_of(const MatrixReport& report) {
    return {{"name", report.name},
            {"rows", report.m},
            {"cols", report.n},
            {"parts", report.parts},
            {"rank", report.rank},
            {"ratio", report.ratio},
            {"energy", lowrank::mean_energy(report)},
            {"energies", report.energies},
            {"seen_energy", report.seen_energy},
            {"worth_it", report.rank > 0}};
}

struct Outcome {
    Compressed made;
    WrittenModel written;
    std::uint64_t parameters_before = 0;
    std::size_t calibrated = 0;
    std::optional<TextResult> text;
    std::optional<SpeedResult> speed;
};

void print_json(const CompressRequest& request, const Outcome& o, std::ostream& out) {
    json matrices = json::array();
    for (const MatrixReport& report : o.made.matrices) matrices.push_back(json_of(report));
    json object = {{"out", request.target.out},
                   {"bytes", o.written.bytes},
                   {"fallbacks", fallbacks_json(o.written)},
                   {"parameters_before", o.parameters_before},
                   {"parameters_after", o.made.model.layout().parameters()},
                   {"ratio", static_cast<double>(o.made.numbers_after) /
                                 static_cast<double>(o.made.numbers_before)},
                   {"p_total", o.made.total_energy},
                   {"per_head", o.made.model.config.per_head},
                   {"calibrated_tokens", o.calibrated},
                   {"matrices", matrices},
                   {"text", json()},
                   {"speed", json()}};
    if (o.text)
        object["text"] = {{"tokens", o.text->tokens},
                          {"loss_before", o.text->before},
                          {"loss_after", o.text->after},
                          {"perplexity_before", std::exp(o.text->before)},
                          {"perplexity_after", std::exp(o.text->after)}};
    if (o.speed)
        object["speed"] = {{"tokens_per_s_before", o.speed->before},
                           {"tokens_per_s_after", o.speed->after},
                           {"measured", o.speed->after / o.speed->before},
                           {"formula", static_cast<double>(o.speed->bytes_before) /
                                           static_cast<double>(o.speed->bytes_after)},
                           {"bytes_before", o.speed->bytes_before},
                           {"bytes_after", o.speed->bytes_after}};
    out << console::json_line(object);
}

void print_matrices(const Compressed& made, bool aware, std::ostream& out) {
    out << fmt::format("{:20} {:>13} {:>6} {:>7} {:>9}{}\n", "matrix", "rows x cols", "rank",
                       "ratio", "energy", aware ? "  of what the text shows" : "");
    for (const MatrixReport& report : made.matrices) {
        out << fmt::format("{:20} {:>13} ", report.name,
                           fmt::format("{} x {}", report.m, report.n));
        if (report.rank == 0) {
            out << "  whole: not worth it, factors would not be smaller\n";
            continue;
        }
        out << fmt::format("{:>6} {:>6.1f}% {:>8.2f}%", report.rank, 100 * report.ratio,
                           100 * lowrank::mean_energy(report));
        if (aware) out << fmt::format("  {:.2f}%", 100 * report.seen_energy);
        if (report.parts > 1) out << fmt::format("  ({} heads)", report.parts);
        out << '\n';
    }
}

void print_text(const CompressRequest& request, const Outcome& o, std::ostream& out) {
    print_matrices(o.made, o.calibrated > 0, out);
    out << fmt::format("{}: {:.1f} MB; {} parameters of {}, the layers' matrices at {:.1f} %\n",
                       request.target.out, static_cast<double>(o.written.bytes) / 1e6,
                       o.made.model.layout().parameters(), o.parameters_before,
                       100 * static_cast<double>(o.made.numbers_after) /
                           static_cast<double>(o.made.numbers_before));
    print_fallbacks(o.written, request.target, out);
    out << fmt::format("P_total (Eq 13)  {:.4f}", o.made.total_energy);
    out << (o.text ? "" : "; how well it still predicts: --text FILE") << '\n';
    if (o.text)
        out << fmt::format(
            "loss             {:.4f} to {:.4f} nats/token, perplexity {:.3f} to {:.3f} over {} "
            "tokens of {}\n",
            o.text->before, o.text->after, std::exp(o.text->before), std::exp(o.text->after),
            o.text->tokens, request.text);
    if (o.speed)
        out << fmt::format(
            "writing          {:.1f} to {:.1f} tokens/s, {:.2f} times; {:.1f} to {:.1f} MB of "
            "weights read for each token, {:.2f} times fewer\n",
            o.speed->before, o.speed->after, o.speed->after / o.speed->before,
            static_cast<double>(o.speed->bytes_before) / 1e6,
            static_cast<double>(o.speed->bytes_after) / 1e6,
            static_cast<double>(o.speed->bytes_before) / static_cast<double>(o.speed->bytes_after));
}

Result<TextResult> measure_text(const CompressRequest& request, const model::Model& before,
                                const model::Model& after, text::Tokenizer& tokenizer,
                                const tensor::Compute& compute) {
    ASSIGN_OR_RETURN(const auto stream, read_stream(request.text, tokenizer));
    const std::uint32_t context =
        request.context != 0 ? request.context : std::bit_floor(before.config.context);
    TextResult result;
    result.tokens = stream.size() - 1;
    for (const auto& [model, loss] :
         {std::pair{&before, &result.before}, std::pair{&after, &result.after}}) {
        const model::Model packed = model::pack_model(compute, *model);
        ASSIGN_OR_RETURN(const std::int64_t sum,
                         train::text_loss(model->layout(), packed.weights, stream, context, compute,
                                          loss_bar()));
        *loss = model::nats(sum, result.tokens);
    }
    return result;
}

Status check(const CompressRequest& request) {
    RETURN_IF_ERROR(check_exists("--model", request.model));
    if (!request.calibrate.empty()) RETURN_IF_ERROR(check_exists("--calibrate", request.calibrate));
    if (!request.text.empty()) RETURN_IF_ERROR(check_exists("--text", request.text));
    if (request.context != 0 && !std::has_single_bit(request.context))
        return misused(fmt::format("--context must be a power of two, not {}", request.context));
    return ok_status();
}

Status check_config(const CompressRequest& request, const model::ModelConfig& config) {
    if (!request.text.empty() && !config.has_head())
        return Error{ErrorCode::kUnsupported, request.model +
                                                  " is an encoder: it predicts no text; leave "
                                                  "--text away"};
    if (request.context > config.context)
        return misused(
            fmt::format("--context {} is beyond the model's {}", request.context, config.context));
    return ok_status();
}

Result<Compressed> make(const CompressRequest& request, const model::Model& model,
                        const lowrank::RankRule& rule, const PreparedTarget& prepared,
                        text::Tokenizer* tokenizer, const tensor::Compute& compute,
                        std::size_t& calibrated) {
    lowrank::CompressOptions options;
    options.rule = rule;
    options.per_head = request.per_head;
    options.seed = request.seed;
    options.factor_type = factor_type(model, prepared);
    options.everything = prepared.options.type.has_value();
    const SystemClock clock;
    std::optional<lowrank::Moments> moments;
    if (!request.calibrate.empty()) {
        ASSIGN_OR_RETURN(auto tokens, read_stream(request.calibrate, *tokenizer));
        if (tokens.size() > request.calibrate_tokens) tokens.resize(request.calibrate_tokens);
        calibrated = tokens.size();
        const model::Model packed = model::pack_model(compute, model);
        Progress progress(clock, "calibrating", tokens.size());
        ASSIGN_OR_RETURN(moments,
                         lowrank::Moments::of(compute, packed, tokens, 512,
                                              [&](std::size_t done) { progress.update(done); }));
        options.moments = &*moments;
    }
    constexpr std::size_t kMatrices = model::kProjections;
    Progress progress(clock, "factors", model.config.layers * kMatrices);
    options.progress = [&](std::size_t done, std::size_t total, const std::string& name) {
        progress.update(done * model.config.layers * kMatrices / total, name);
    };
    return lowrank::compress(compute, model, options);
}

}  // namespace

Status run_model_compress(const CompressRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const lowrank::RankRule rule, rule_of(request));
    ASSIGN_OR_RETURN(PreparedTarget prepared, prepare_target(request.target));
    if (prepared.format == formats::ModelFormat::kGguf)
        return misused(
            "GGUF has no place for factors: write X.cairn or a folder, and whole matrices from it "
            "by cairn model convert --multiply-out");
    RETURN_IF_ERROR(check(request));
    std::vector<NamedPath> inputs = model_inputs(request.model, request.tokenizer);
    inputs.push_back({"--calibrate", request.calibrate});
    inputs.push_back({"--text", request.text});
    RETURN_IF_ERROR(
        check_target(request.target, prepared.format, {request.model, request.tokenizer}, inputs));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    const tensor::Compute& compute = machine->compute();
    ASSIGN_OR_RETURN(formats::LoadedModel loaded, formats::load_any(request.model));
    RETURN_IF_ERROR(check_config(request, loaded.model.config));
    RETURN_IF_ERROR(attach_tokenizer(request.model, request.tokenizer, loaded));
    std::unique_ptr<text::Tokenizer> tokenizer;
    if (!request.calibrate.empty() || !request.text.empty()) {
        ASSIGN_OR_RETURN(tokenizer,
                         formats::find_tokenizer(loaded, request.model, request.tokenizer));
    }
    Outcome outcome;
    outcome.parameters_before = loaded.model.layout().parameters();
    ASSIGN_OR_RETURN(outcome.made, make(request, loaded.model, rule, prepared, tokenizer.get(),
                                        compute, outcome.calibrated));
    const model::Model& made = outcome.made.model;
    if (!request.text.empty()) {
        ASSIGN_OR_RETURN(outcome.text,
                         measure_text(request, loaded.model, made, *tokenizer, compute));
    }
    if (request.speed && made.config.causal)
        outcome.speed = measure_speed(loaded.model, made, compute);
    formats::WriteOptions& options = prepared.options;
    options.pooling = loaded.pooling;
    options.name = std::filesystem::path(request.model).stem().string();
    if (loaded.format == "huggingface" && request.tokenizer.empty())
        options.carry_from = is_folder(request.model) ? request.model : folder_of(request.model);
    ASSIGN_OR_RETURN(outcome.written, write_model(made, request.target, std::move(prepared)));
    if (request.json)
        print_json(request, outcome, out);
    else
        print_text(request, outcome, out);
    return ok_status();
}

void add_model_compress(const Command& group, Invocation& invocation) {
    const Command command = add_command(
        group, invocation, "compress",
        "Write a model whose layers' matrices are two thin factors each (low rank)",
        "cairn model compress --model stories260K.bin --out small.cairn --ratio 0.6 \\\n"
        "      --calibrate train.txt --text valid.txt");
    auto request = std::make_shared<CompressRequest>();
    command.add_option("--model", request->model, "Model file or folder").required();
    add_tokenizer_option(command, request->tokenizer);
    add_target_options(command, request->target);
    command.add_option("--rank", request->rank, "Rank of every matrix (of every head's part)")
        .check(range(std::size_t{1}, std::size_t{model::kMaxDim}));
    command
        .add_option("--energy", request->energy,
                    "Least share of the squared singular values that each matrix keeps")
        .check(range(1e-6, 1.0));
    command.add_option("--ratio", request->ratio, "Numbers that remain of each matrix, as a share")
        .check(range(1e-6, 1.0));
    command.add_option("--bytes", request->bytes,
                       "Bytes of all weights, as 40MB; shared so that P_total is largest");
    command.add_flag("--per-head", request->per_head,
                     "Each attention head's part has factors of its own");
    command.add_option("--calibrate", request->calibrate,
                       "Text for whose words the factors are made (activation-aware)");
    command.add_option("--calibrate-tokens", request->calibrate_tokens, "How many of its tokens")
        .check(range(std::size_t{64}, std::size_t{1} << 24))
        .capture_default_str();
    command.add_option("--text", request->text, "Text whose loss is measured before and after");
    command.add_option("--context", request->context, "Its windows in tokens; 0: the model's")
        .check(range(0U, model::kMaxContext));
    command.add_flag("--speed", request->speed, "Measure how fast both write");
    command.add_option("--seed", request->seed, "Of the random projection")
        .check(any_seed())
        .capture_default_str();
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_model_compress(*request, out); };
    });
}

}  // namespace cairn::cli
