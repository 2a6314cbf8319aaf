#include "cli/train_command.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/text_loss.h"
#include "model/bpe.h"
#include "model/checkpoint.h"
#include "model/leaf.h"
#include "model/source.h"
#include "serve/model_snapshot.h"
#include "train/data.h"
#include "train/trainer.h"

namespace cairn::cli {

namespace {

// A line is printed for every so many steps.
constexpr std::uint64_t kLines = 20;

// The model as it is before the first step, with its tokenizer's file.
struct Start {
    model::Model model;
    std::unique_ptr<model::Tokenizer> tokenizer;
};

struct Course {
    double first_loss = 0;
    double last_loss = 0;
    double tokens_per_second = 0;
};

Result<std::unique_ptr<model::Tokenizer>> new_tokenizer(const TrainRequest& request,
                                                        const std::vector<std::string>& texts) {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const SystemClock clock;
    Progress progress(clock, "learning a tokenizer", request.shape.vocab - model::kFirstMerge);
    ASSIGN_OR_RETURN(
        std::unique_ptr<model::Tokenizer> tokenizer,
        model::train_bpe(views, request.shape.vocab,
                         [&](std::uint64_t done, std::uint64_t) { progress.update(done); }));
    return tokenizer;
}

Result<Start> fresh_start(const TrainRequest& request, const std::vector<std::string>& texts) {
    Start start;
    if (request.tokenizer.empty()) {
        ASSIGN_OR_RETURN(start.tokenizer, new_tokenizer(request, texts));
    } else {
        ASSIGN_OR_RETURN(const Bytes file,
                         model::read_file(request.tokenizer, model::kMaxTokenizerBytes));
        ASSIGN_OR_RETURN(start.tokenizer, model::parse_tokenizer(file));
    }
    model::ModelConfig config = request.shape;
    config.vocab = start.tokenizer->vocab_size();
    config.context = request.recipe.context;
    if (config.hidden_dim == 0) config.hidden_dim = (config.dim * 8 / 3 + 15) / 16 * 16;
    RETURN_IF_ERROR(model::validate(config));
    const model::ParameterLayout layout(config);
    start.model = model::make_model(config, model::initial_parameters(layout, request.seed));
    return start;
}

Result<Start> prepare(const TrainRequest& request, const std::vector<std::string>& texts) {
    Start start;
    if (request.init.empty()) {
        ASSIGN_OR_RETURN(start, fresh_start(request, texts));
    } else {
        ASSIGN_OR_RETURN(model::LoadedModel loaded, model::load_any(request.init));
        ASSIGN_OR_RETURN(start.tokenizer,
                         model::find_tokenizer(loaded.model, request.init, request.tokenizer));
        start.model = std::move(loaded.model);
    }
    start.model.tokenizer = start.tokenizer->serialise();
    RETURN_IF_ERROR(train::validate(request.recipe, start.model.config));
    return start;
}

// All texts as one stream, each behind a begin token.
model::Tokens encode_texts(const model::Tokenizer& tokenizer,
                           const std::vector<std::string>& texts) {
    model::Tokens stream;
    for (const std::string& text : texts) {
        stream.push_back(tokenizer.begin_token());
        const model::Tokens tokens = tokenizer.encode(text);
        stream.insert(stream.end(), tokens.begin(), tokens.end());
    }
    return stream;
}

Result<Course> take_steps(const TrainRequest& request, train::Trainer& trainer, std::ostream& out) {
    const std::uint64_t steps = request.recipe.total_steps;
    const std::uint64_t every = std::max<std::uint64_t>(1, steps / kLines);
    const SystemClock clock;
    Progress progress(clock, "training", steps);
    const std::uint64_t started = clock.monotonic_us();
    Course course;
    for (std::uint64_t i = 0; i < steps; ++i) {
        ASSIGN_OR_RETURN(const train::StepReport step, trainer.step());
        if (i == 0) course.first_loss = step.loss;
        course.last_loss = step.loss;
        const double seconds = static_cast<double>(clock.monotonic_us() - started) / 1e6;
        course.tokens_per_second =
            static_cast<double>((i + 1) * request.recipe.tokens_per_step()) / seconds;
        const std::string note =
            fmt::format("loss {:.4f}, {:.0f} tokens/s", step.loss, course.tokens_per_second);
        progress.update(i + 1, note);
        if (!request.json && ((i + 1) % every == 0 || i == 0))
            out << fmt::format("step {:>6}  {}  rate {:.2e}\n", i + 1, note, step.learning_rate)
                << std::flush;
    }
    return course;
}

}  // namespace

Status run_train(const TrainRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    std::vector<std::string> texts;
    for (const std::string& path : request.texts) {
        ASSIGN_OR_RETURN(std::string text, read_text(path));
        texts.push_back(std::move(text));
    }
    ASSIGN_OR_RETURN(Start start, prepare(request, texts));
    const model::ModelConfig& config = start.model.config;
    const model::ParameterLayout layout(config);
    const model::Tokens stream = encode_texts(*start.tokenizer, texts);
    RETURN_IF_ERROR(train::check_tokens(stream, request.recipe.context, config.vocab));
    if (!request.json)
        out << fmt::format("{} parameters: {}\n{} tokens of text, {} per step\n",
                           layout.parameters(), model::describe(config), stream.size(),
                           request.recipe.tokens_per_step());

    train::Trainer trainer(layout, request.recipe, stream, request.seed, machine->compute());
    trainer.start(model::dense_parameters(start.model), 0);
    ASSIGN_OR_RETURN(const Course course, take_steps(request, trainer, out));
    start.model = model::make_model(
        config, std::vector<float>(trainer.parameters().begin(), trainer.parameters().end()),
        std::move(start.model.tokenizer));
    RETURN_IF_ERROR(model::save_checkpoint(start.model, request.out));

    const model::Weights& weights = start.model.weights;
    nlohmann::json report = {{"out", request.out},
                             {"parameters", layout.parameters()},
                             {"steps", request.recipe.total_steps},
                             {"first_loss", course.first_loss},
                             {"last_loss", course.last_loss},
                             {"tokens_per_second", course.tokens_per_second},
                             {"kernels", machine->kernels()},
                             {"threads", machine->threads()},
                             {"content_hash", to_hex(serve::content_hash(config, weights))}};
    if (!request.valid.empty()) {
        ASSIGN_OR_RETURN(const std::string text, read_text(request.valid));
        const model::Tokens held_out = encode_texts(*start.tokenizer, {text});
        if (held_out.size() < 2) return invalid(request.valid + " is empty");
        ASSIGN_OR_RETURN(
            const std::int64_t sum,
            text_loss(layout, weights, held_out, request.recipe.context, machine->compute()));
        report["valid_loss"] = model::nats(sum, held_out.size() - 1);
        if (!request.json)
            out << fmt::format("{}: {:.4f} nats/token\n", request.valid,
                               report["valid_loss"].get<double>());
    }
    if (request.json)
        out << report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    else
        out << fmt::format("wrote {}; try: cairn generate --model {}\n", request.out, request.out);
    return ok_status();
}

void add_train(CLI::App& app, Invocation& invocation) {
    CLI::App* command = add_command(app, invocation, "train", "Train a model on this machine alone",
                                    "cairn train --text book.txt --out book.cairn --steps 500");
    auto request = std::make_shared<TrainRequest>();
    command->add_option("--text", request->texts, "Text files to learn from")->required();
    command->add_option("--out", request->out, "Checkpoint to write")->required();
    command->add_option("--valid", request->valid, "Text file to measure the result on");
    auto* init = command->add_option("--init", request->init, "Model to go on from");
    command->add_option("--tokenizer", request->tokenizer, "Tokenizer file (default: learn one)");
    const auto shape = [&](const char* name, std::uint32_t& value, const char* description) {
        command->add_option(name, value, description)->excludes(init)->capture_default_str();
    };
    shape("--dim", request->shape.dim, "Width of a fresh model");
    shape("--hidden", request->shape.hidden_dim, "Width of its feed-forward; 0: 8/3 of --dim");
    shape("--layers", request->shape.layers, "Its layers");
    shape("--heads", request->shape.heads, "Its query heads");
    shape("--kv-heads", request->shape.kv_heads, "Its key and value heads");
    command->add_option("--vocab", request->shape.vocab, "Tokens of a new tokenizer")
        ->check(CLI::Range(model::kFirstMerge, model::kMaxBpeVocab))
        ->capture_default_str();
    command->add_option("--context", request->recipe.context, "Tokens per sequence, a power of two")
        ->capture_default_str();
    command->add_option("--leaf", request->recipe.leaf_tokens, "Tokens per gradient leaf")
        ->capture_default_str();
    command->add_option("--leaves", request->recipe.leaves_per_step, "Leaves per step")
        ->capture_default_str();
    command->add_option("--steps", request->recipe.total_steps, "Optimiser steps")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
        ->capture_default_str();
    command->add_option("--rate", request->recipe.peak_rate, "Highest learning rate")
        ->capture_default_str();
    auto* warmup = command->add_option("--warmup", request->recipe.warmup_steps,
                                       "Steps of linear warm-up (default: 20, or a fifth of few)");
    command->add_option("--seed", request->seed, "Of weights and order of the text")
        ->capture_default_str();
    command->add_option("--threads", request->threads, "0: one per processor")
        ->check(CLI::Range(std::size_t{0}, kMaxThreads))
        ->capture_default_str();
    command->callback([request, warmup, &invocation] {
        if (warmup->empty())
            request->recipe.warmup_steps =
                std::min(request->recipe.warmup_steps, request->recipe.total_steps / 5);
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_train(*request, out); };
    });
}

}  // namespace cairn::cli
