#include "cli/train/train_command.h"

#include <memory>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/log.h"
#include "base/outputs.h"
#include "base/shell_word.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/train/train_dry_run.h"
#include "cli/train/train_options.h"
#include "cli/train/train_run.h"
#include "cli/train/train_subject.h"
#include "console/json_line.h"
#include "train/run_lock.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

// The log's first line: everything that one may want to know about the curve later.
std::string describe_start(const TrainStart& start, const Machine& machine) {
    const train::Recipe& recipe = start.request.recipe;
    Json line = {{"event", start.resumed ? "resume" : "start"},
                 {"step", start.resumed ? start.first_step : 0},
                 {"parameters", count_parameters(start)},
                 {"model", describe_model(start)},
                 {"text_tokens", text_tokens(start)}};
    // How many tokens a step of pairs has depends on the pairs that it draws.
    if (start.encoder_decoder)
        line["pairs"] = start.encoder_decoder->pairs.pairs.size();
    else
        line["tokens_per_step"] = recipe.tokens_per_step();
    line.update(Json{{"context", recipe.context},
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
                     {"threads", machine.threads()}});
    return console::json_text(line);
}

Result<std::unique_ptr<train::TrainLog>> open_log(const TrainStart& start, const Machine& machine) {
    const std::string& path = start.request.options.log;
    if (path.empty()) return std::unique_ptr<train::TrainLog>();
    ASSIGN_OR_RETURN(train::TrainLog log, start.resumed
                                              ? train::TrainLog::resume(path, start.first_step)
                                              : train::TrainLog::create(path));
    RETURN_IF_ERROR(log.write_line(describe_start(start, machine)));
    return std::make_unique<train::TrainLog>(std::move(log));
}

Json report_of(const TrainStart& start, const train::Trainer& trainer, const TrainRun& run,
               const Machine& machine) {
    Json report = {{"out", start.request.out},
                   {"parameters", count_parameters(start)},
                   {"steps", trainer.next_step()},
                   {"total_steps", trainer.recipe().total_steps},
                   {"complete", run.complete()}};
    // If no steps were taken, their fields are left out.
    if (run.first_loss()) report["first_loss"] = *run.first_loss();
    if (run.last_loss()) report["last_loss"] = *run.last_loss();
    report["tokens"] = run.tokens();
    report["seconds"] = run.seconds();
    if (run.last_loss()) report["tokens_per_second"] = run.tokens_per_second();
    report["kernels"] = machine.kernels();
    report["threads"] = machine.threads();
    for (const auto& [name, hash] : content_hashes(start, trainer.parameters()))
        report[name] = to_hex(hash);
    report["command"] = repeat_command(start.request);
    return report;
}

// Measurements that are made after the model has been saved.
Status measure_all(const TrainStart& start, const train::Trainer& trainer, const Machine& machine,
                   const console::Interrupt& interrupt, TrainRun& run, Json& report,
                   std::ostream& out) {
    const TrainRequest& request = start.request;
    const auto loss = final_loss(start, trainer.parameters(), machine.compute(),
                                 [&] { return interrupt.raised(); });
    if (!loss.ok() && loss.error().code == ErrorCode::kCancelled) {
        run.complain(request.options.valid + " was not measured to its end" +
                     (request.pairs ? ""
                                    : fmt::format("; `cairn eval --model {} --text {}` does it",
                                                  shell_word(request.out),
                                                  shell_word(request.options.valid))));
        return ok_status();
    }
    ASSIGN_OR_RETURN(report["valid_loss"], loss);
    if (!request.json)
        out << fmt::format("{}: {:.4f} nats/token over all of it\n", request.options.valid,
                           report["valid_loss"].get<double>());
    return ok_status();
}

Result<int> finish(const TrainStart& start, const train::Trainer& trainer, TrainRun& run,
                   const Machine& machine, const console::Interrupt& interrupt, std::ostream& out) {
    const TrainRequest& request = start.request;
    Json report = report_of(start, trainer, run, machine);
    if (run.complete() && has_held_out(start))
        RETURN_IF_ERROR(measure_all(start, trainer, machine, interrupt, run, report, out));
    Json line = report;
    line["event"] = run.complete() ? "end" : "stop";
    line["step"] = trainer.next_step();
    run.log_line(console::json_text(line));
    if (run.complete()) (void)remove_file(run_state_path(request.out));
    if (!run.troubles().empty()) report["troubles"] = run.troubles();
    if (request.json)
        out << console::json_line(report);
    else if (run.complete())
        out << fmt::format("wrote {}; try: cairn generate --model {}{}\n", request.out,
                           shell_word(request.out), request.pairs ? " --prompt \"a source\"" : "");
    else
        out << fmt::format("stopped {}; go on with: cairn train --resume {}\n",
                           trainer.next_step() == 0
                               ? "before the first step"
                               : fmt::format("after step {}", trainer.next_step()),
                           shell_word(request.out));
    return run.log_lost() ? 1 : 0;
}

// Checks all files that will be written or read, before any work begins.
Status check_files(const TrainRequest& request) {
    std::vector<NamedPath> inputs = {{"--valid", request.options.valid},
                                     {"--tokenizer", request.tokenizer},
                                     {"--init", request.init}};
    for (const std::string& text : request.options.texts)
        inputs.push_back({request.pairs ? "--pairs" : "--text", text});
    const std::string state = run_state_path(request.out);
    const bool resumed = !request.resume.empty();
    RETURN_IF_ERROR(check_outputs({{resumed ? "--resume" : "--out", request.out},
                                   {"the run's state", state},
                                   {"--log", request.options.log}},
                                  inputs));
    if (!resumed && exists(state))
        return Error{ErrorCode::kRefused,
                     fmt::format("{} is the state of a run that was stopped: `cairn train --resume "
                                 "{}` goes on with it; remove it to begin anew",
                                 state, request.out)};
    return train::TrainLog::check(request.options.log);
}

// A held-out text that is learnt is allowed (a quick look at a model's memory), but not in silence.
void warn_of_learnt_valid(const TrainRequest& request) {
    const train::RunOptions& options = request.options;
    for (const std::string& text : options.texts)
        if (same_file(text, options.valid))
            log_warn(
                "--valid {} is also learnt, as {} {}: its loss says nothing of texts that the "
                "model has not seen",
                options.valid, request.pairs ? "--pairs" : "--text", text);
}

}  // namespace

Result<int> run_train(const TrainRequest& request, const Clock& clock, std::ostream& out) {
    const console::Interrupt interrupt;
    RETURN_IF_ERROR(check_request(request));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    TrainStart start;
    ASSIGN_OR_RETURN(start.request, request_to_run(request, start));
    warn_of_learnt_valid(start.request);
    std::optional<train::RunLock> lock;
    if (!request.dry_run) {
        RETURN_IF_ERROR(check_files(start.request));
        ASSIGN_OR_RETURN(train::RunLock taken, train::RunLock::take(start.request.out));
        lock.emplace(std::move(taken));
    }
    RETURN_IF_ERROR(prepare_training(start, interrupt));
    if (request.dry_run) {
        RETURN_IF_ERROR(dry_run(start, *machine, interrupt, out));
        return 0;
    }
    if (!request.json)
        out << fmt::format("{} parameters: {}\n{}\n", count_parameters(start),
                           describe_model(start), describe_texts(start))
            << std::flush;

    const std::unique_ptr<train::Trainer> made = make_trainer(start, machine->compute());
    train::Trainer& trainer = *made;
    if (start.resumed) {
        RETURN_IF_ERROR(trainer.load(start.resumed->trainer));
        start.resumed->trainer = {};
        start.first_step = trainer.next_step();
        start.request.seed = trainer.seed();
    } else {
        trainer.start(start.parameters, 0);
        start.parameters = {};
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<train::HeldOut> held_out,
                     make_held_out(start, machine->compute()));
    ASSIGN_OR_RETURN(auto log, open_log(start, *machine));
    TrainRun run(start, trainer, held_out.get(), std::move(log), clock, out);
    RETURN_IF_ERROR(run.run(interrupt));
    return finish(start, trainer, run, *machine, interrupt, out);
}

void add_train(const Command& app, Invocation& invocation) {
    const Command command =
        add_command(app, invocation, "train", "Train a model on this machine alone",
                    "cairn train --text book.txt --out book.cairn --minutes 10 --log book.jsonl\n"
                    "  cairn train --pairs words.jsonl --out words.cairn    # an encoder-decoder\n"
                    "  cairn train --resume book.cairn        # after Ctrl-C: the same bits");
    auto request = std::make_shared<TrainRequest>();
    add_train_options(command, *request);
    command.callback([request, command, &invocation] {
        settle_defaults(command, *request);
        request->json = invocation.json;
        invocation.run = [request, &invocation](std::ostream& out) -> Status {
            ASSIGN_OR_RETURN(invocation.exit_code, run_train(*request, SystemClock(), out));
            return ok_status();
        };
    });
}

}  // namespace cairn::cli
