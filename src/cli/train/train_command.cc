#include "cli/train/train_command.h"

#include <algorithm>
#include <memory>
#include <ostream>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/train/text_loss.h"
#include "cli/train/train_dry_run.h"
#include "cli/train/train_run.h"
#include "model/text/bpe.h"
#include "serve/model_snapshot.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxSteps = std::uint64_t{1} << 40;

// The log's first line: all that one wants to know of a curve later.
std::string describe_start(const TrainStart& start, const Machine& machine) {
    const train::Recipe& recipe = start.request.recipe;
    const model::ModelConfig& config = start.config;
    return Json{{"event", start.resumed ? "resume" : "start"},
                {"step", start.resumed ? start.first_step : 0},
                {"parameters", model::ParameterLayout(config).parameters()},
                {"model", model::describe(config)},
                {"text_tokens", start.stream.size()},
                {"tokens_per_step", recipe.tokens_per_step()},
                {"context", recipe.context},
                {"total_steps", recipe.total_steps},
                {"warmup_steps", recipe.warmup_steps},
                {"peak_rate", recipe.peak_rate},
                {"floor_ratio", recipe.floor_ratio},
                {"beta1", recipe.beta1},
                {"beta2", recipe.beta2},
                {"weight_decay", recipe.weight_decay},
                {"clip_norm", recipe.clip_norm},
                {"seed", start.request.seed},
                {"kernels", machine.kernels()},
                {"threads", machine.threads()}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::unique_ptr<TrainLog>> open_log(const TrainStart& start, const Machine& machine) {
    const std::string& path = start.request.options.log;
    if (path.empty()) return std::unique_ptr<TrainLog>();
    ASSIGN_OR_RETURN(TrainLog log, start.resumed ? TrainLog::resume(path, start.first_step)
                                                 : TrainLog::create(path));
    RETURN_IF_ERROR(log.write_line(describe_start(start, machine)));
    return std::make_unique<TrainLog>(std::move(log));
}

// The whole held-out text, every token once.
Result<double> final_loss(const TrainStart& start, const train::Trainer& trainer,
                          const Machine& machine) {
    const model::Weights weights = model::view_weights(trainer.layout(), trainer.parameters());
    ASSIGN_OR_RETURN(const std::int64_t sum,
                     text_loss(trainer.layout(), weights, start.held_out,
                               start.request.recipe.context, machine.compute()));
    return model::nats(sum, start.held_out.size() - 1);
}

Json report_of(const TrainStart& start, const train::Trainer& trainer, const TrainRun& run,
               const Machine& machine) {
    const model::Weights weights = model::view_weights(trainer.layout(), trainer.parameters());
    return {{"out", start.request.out},
            {"parameters", trainer.layout().parameters()},
            {"steps", trainer.next_step()},
            {"total_steps", trainer.recipe().total_steps},
            {"complete", run.complete()},
            {"first_loss", run.first_loss()},
            {"last_loss", run.last_loss()},
            {"tokens", trainer.next_step() * trainer.recipe().tokens_per_step()},
            {"seconds", run.seconds()},
            {"tokens_per_second", run.tokens_per_second()},
            {"kernels", machine.kernels()},
            {"threads", machine.threads()},
            {"content_hash", to_hex(serve::content_hash(start.config, weights))},
            {"command", repeat_command(start.request)}};
}

Status finish(const TrainStart& start, const train::Trainer& trainer, TrainLog* log, Json report,
              const Machine& machine, std::ostream& out) {
    const TrainRequest& request = start.request;
    const bool complete = report["complete"].get<bool>();
    if (complete) RETURN_IF_ERROR(save_result(start, trainer));
    if (complete && !start.held_out.empty()) {
        ASSIGN_OR_RETURN(report["valid_loss"], final_loss(start, trainer, machine));
        if (!request.json)
            out << fmt::format("{}: {:.4f} nats/token over all of it\n", request.options.valid,
                               report["valid_loss"].get<double>());
    }
    if (log != nullptr) {
        Json line = report;
        line["event"] = complete ? "end" : "stop";
        line["step"] = trainer.next_step();
        RETURN_IF_ERROR(log->write_line(line.dump(-1, ' ', false, Json::error_handler_t::replace)));
    }
    if (complete) (void)remove_file(run_state_path(request.out));
    if (request.json)
        out << report.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    else if (complete)
        out << fmt::format("wrote {}; try: cairn generate --model {}\n", request.out, request.out);
    else
        out << fmt::format("stopped after step {}; go on with: cairn train --resume {}\n",
                           trainer.next_step(), request.out);
    return ok_status();
}

}  // namespace

Status run_train(const TrainRequest& request, const Clock& clock, std::ostream& out) {
    const Interrupt interrupt;
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(TrainStart start, prepare_training(request));
    const model::ParameterLayout layout(start.config);
    if (request.dry_run) return dry_run(start, layout, *machine, out);
    RETURN_IF_ERROR(check_writable(start.request.out));
    if (!request.json)
        out << fmt::format("{} parameters: {}\n{} tokens of text, {} per step\n",
                           layout.parameters(), model::describe(start.config), start.stream.size(),
                           start.request.recipe.tokens_per_step())
            << std::flush;

    train::Trainer trainer(layout, start.request.recipe, start.stream, start.request.seed,
                           machine->compute());
    if (start.resumed) {
        RETURN_IF_ERROR(trainer.load(start.resumed->trainer));
        start.resumed->trainer = {};
        start.first_step = trainer.next_step();
        start.request.seed = trainer.seed();
    } else {
        trainer.start(start.parameters, 0);
        start.parameters = {};
    }
    std::unique_ptr<HeldOut> held_out;
    if (!start.held_out.empty()) {
        ASSIGN_OR_RETURN(held_out, HeldOut::create(start.held_out, start.request.recipe.context,
                                                   start.request.options.valid_windows, layout,
                                                   machine->compute()));
    }
    ASSIGN_OR_RETURN(const auto log, open_log(start, *machine));
    TrainRun run(start, trainer, held_out.get(), log.get(), clock, out);
    RETURN_IF_ERROR(run.run(interrupt));
    return finish(start, trainer, log.get(), report_of(start, trainer, run, *machine), *machine,
                  out);
}

namespace {

void add_model_options(CLI::App& command, TrainRequest& request) {
    auto* init = command.add_option("--init", request.init, "Model to go on from, of any format");
    command.add_option("--tokenizer", request.tokenizer, "Tokenizer file (default: learn one)");
    const auto shape = [&](const char* name, std::uint32_t& value, const char* description) {
        return command.add_option(name, value, description)->excludes(init)->capture_default_str();
    };
    shape("--dim", request.shape.dim, "Width of a fresh model");
    shape("--hidden", request.shape.hidden_dim, "Width of its feed-forward; 0: 8/3 of --dim");
    shape("--layers", request.shape.layers, "Its layers");
    shape("--heads", request.shape.heads, "Its query heads");
    shape("--kv-heads", request.shape.kv_heads, "Its key and value heads");
    auto* vocab = shape("--vocab", request.shape.vocab, "Tokens of a new tokenizer")
                      ->check(CLI::Range(model::kFirstMerge, model::kMaxBpeVocab));
    command
        .add_flag("--characters", request.characters,
                  "No merges: every byte is a token (257 with the text boundary)")
        ->excludes(vocab)
        ->excludes(init);
    command.add_option("--seed", request.seed, "Of weights and order of the text")
        ->capture_default_str();
}

void add_recipe_options(CLI::App& command, train::Recipe& recipe) {
    const auto option = [&](const char* name, auto& value, const char* description) {
        return command.add_option(name, value, description)->capture_default_str();
    };
    option("--context", recipe.context, "Tokens per sequence, a power of two");
    option("--leaf", recipe.leaf_tokens, "Tokens per gradient leaf, a power of two from 1024");
    option("--leaves", recipe.leaves_per_step, "Leaves per step");
    option("--steps", recipe.total_steps, "Optimiser steps")
        ->check(CLI::Range(std::uint64_t{1}, kMaxSteps));
    option("--rate", recipe.peak_rate, "Highest learning rate");
    option("--floor", recipe.floor_ratio, "Share of it at which the cosine ends");
    option("--warmup", recipe.warmup_steps,
           "Steps of linear warm-up (default: 20, or a fifth of few)");
    option("--beta1", recipe.beta1, "AdamW: memory of the mean");
    option("--beta2", recipe.beta2, "AdamW: memory of the squares");
    option("--epsilon", recipe.epsilon, "AdamW: added to the root");
    option("--decay", recipe.weight_decay, "Weight decay of matrices");
    option("--clip", recipe.clip_norm, "Longest gradient; 0: any");
}

void add_run_options(CLI::App& command, TrainRequest& request) {
    train::RunOptions& options = request.options;
    command.add_option("--text", options.texts, "Text files to learn from");
    command.add_option("--out", request.out, "Checkpoint to write");
    command.add_option("--valid", options.valid, "Held-out text file, measured and never learnt");
    command.add_option("--valid-every", options.valid_every,
                       "Steps between measurements on a sample of it; 0: 20 in a run");
    command.add_option("--valid-windows", options.valid_windows, "Windows in the sample")
        ->check(CLI::Range(1U, 1U << 20))
        ->capture_default_str();
    command.add_option("--log", options.log, "Training log: one JSON object a line (cairn plot)");
    command.add_option("--save-every", options.save_every,
                       "Steps between saved states; 0: every ten minutes");
    command.add_option("--stop-at", request.stop_at,
                       "Save after this step and end, to go on later");
    command.add_option("--threads", request.threads, "0: one per processor")
        ->check(CLI::Range(std::size_t{0}, kMaxThreads))
        ->capture_default_str();
    command.add_flag("--dry-run", request.dry_run,
                     "Only measure a few steps: parameters, memory, time");
}

// What a resumed run may change; the rest is in its state.
const std::set<std::string> kFreeOnResume = {
    "--help", "--json",       "--text",    "--valid",   "--valid-every",
    "--log",  "--save-every", "--stop-at", "--threads", "--resume"};

}  // namespace

void add_train(CLI::App& app, Invocation& invocation) {
    CLI::App* command =
        add_command(app, invocation, "train", "Train a model on this machine alone",
                    "cairn train --text book.txt --out book.cairn --minutes 10 --log book.jsonl\n"
                    "  cairn train --resume book.cairn        # after Ctrl-C: the same bits");
    auto request = std::make_shared<TrainRequest>();
    add_run_options(*command, *request);
    add_model_options(*command, *request);
    add_recipe_options(*command, request->recipe);
    command
        ->add_option("--minutes", request->options.minutes,
                     "Time limit instead of --steps: as many as fit, chosen after the warm-up")
        ->check(CLI::Range(0.01, 1e6))
        ->excludes("--steps");
    auto* resume = command->add_option("--resume", request->resume,
                                       "Go on with the stopped run that writes this checkpoint");
    for (CLI::Option* option : command->get_options())
        if (!kFreeOnResume.contains(option->get_name())) resume->excludes(option);
    command->callback([request, command, &invocation] {
        train::Recipe& recipe = request->recipe;
        if (request->options.minutes > 0) recipe.total_steps = 0;
        if (command->count("--warmup") == 0 && recipe.total_steps != 0)
            recipe.warmup_steps = std::min(recipe.warmup_steps, recipe.total_steps / 5);
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) {
            return run_train(*request, SystemClock(), out);
        };
    });
}

}  // namespace cairn::cli
