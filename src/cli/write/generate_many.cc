#include "cli/write/generate_many.h"

#include <map>
#include <optional>
#include <ostream>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/text_lines.h"
#include "cli/write/written_text.h"
#include "console/interrupt.h"
#include "console/json_line.h"
#include "infer/batch.h"

namespace cairn::cli {

namespace {

Result<std::string> prompt_of_json(const std::string& line, std::size_t number) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("prompt") || !json["prompt"].is_string())
        return invalid("line " + std::to_string(number) + " is not like {\"prompt\": \"text\"}");
    return json["prompt"].get<std::string>();
}

// A text under way.
struct Running {
    std::size_t index = 0;
    WrittenText text;
};

// All prompts through one engine, at most `request.together` of them at a time.
class Texts {
  public:
    Texts(const GenerateRequest& request, const LocalModel& local, const Machine& machine,
          std::vector<std::string> prompts, std::ostream& out)
        : request_(request),
          local_(local),
          prompts_(std::move(prompts)),
          out_(out),
          transformer_(local.model.config, local.model.weights,
                       model::all_layers(local.model.config), machine.compute(),
                       {.max_batch = request.together + kPrefillSlice}),
          engine_(transformer_, machine.compute(),
                  {.max_sequences = request.together, .prefill_slice = kPrefillSlice}) {}

    Status run() {
        const SystemClock clock;
        const console::Interrupt interrupt;
        Progress progress(clock, "texts", prompts_.size());
        const std::uint64_t started = clock.monotonic_us();
        while (written_ < prompts_.size() && !interrupt.raised() && out_.good()) {
            while (next_ < prompts_.size() && engine_.size() < request_.together)
                if (const Status joined = join(); !joined.ok()) return joined;
            engine_.step([&](const infer::BatchEvent& event) { return on_event(event); });
            if (failure_) return *failure_;
            if (ready_.contains(written_)) progress.clear();
            write_ready();
            const double seconds = static_cast<double>(clock.monotonic_us() - started) / 1e6;
            progress.update(
                written_,
                std::to_string(static_cast<std::size_t>(static_cast<double>(tokens_) / seconds)) +
                    " tokens/s");
        }
        // Failed output is reported by run_command_line(), as for every command.
        if (written_ == prompts_.size() || !out_.good()) return ok_status();
        return Error{ErrorCode::kRefused, "interrupted after " + std::to_string(written_) + " of " +
                                              std::to_string(prompts_.size()) + " texts"};
    }

  private:
    static constexpr std::size_t kPrefillSlice = 256;

    Status join() {
        const std::string& prompt = prompts_[next_];
        const auto in_line = [&](const Error& error) {
            return error.with_prefix("prompt " + std::to_string(next_ + 1));
        };
        ASSIGN_OR_RETURN(WrittenText text,
                         WrittenText::create(*local_.tokenizer, local_.tokenizer->encode(prompt),
                                             request_.sampling.stops));
        const auto id = engine_.add(
            {.prompt = local_.tokenizer->encode_prompt(prompt),
             .options = generate_options(request_),
             .kv = request_.sampling.kv,
             .is_end = [this](std::uint32_t token) { return local_.tokenizer->is_end(token); }});
        if (!id.ok()) return in_line(id.error());
        running_.emplace(*id, Running{next_++, std::move(text)});
        return ok_status();
    }

    bool on_event(const infer::BatchEvent& event) {
        const auto found = running_.find(event.id);
        Running& running = found->second;
        if (event.step != nullptr) {
            ++tokens_;
            running.text.take(*event.step);
        }
        if (!event.ended) return !running.text.stopped();
        if (event.error) {
            failure_ = Error{event.error->code, "prompt " + std::to_string(running.index + 1) +
                                                    ": " + event.error->message};
        } else {
            running.text.finish();
            ready_.emplace(running.index, report(running, event.reason));
        }
        running_.erase(found);
        return true;
    }

    std::string report(Running& running, infer::StopReason reason) const {
        nlohmann::json object = running.text.report(reason, request_.logprobs);
        const std::string text = object["text"].get<std::string>();
        if (!request_.json)
            return "== " + std::to_string(running.index + 1) + " of " +
                   std::to_string(prompts_.size()) + '\n' + running.text.prompt() + text + "\n\n";
        object["index"] = running.index;
        object["prompt"] = prompts_[running.index];
        return console::json_line(object);
    }

    void write_ready() {
        for (auto found = ready_.find(written_); found != ready_.end();
             found = ready_.find(++written_)) {
            out_ << found->second << std::flush;
            ready_.erase(found);
        }
    }

    const GenerateRequest& request_;
    const LocalModel& local_;
    std::vector<std::string> prompts_;
    std::ostream& out_;
    model::Transformer transformer_;
    infer::BatchEngine engine_;
    std::map<infer::SequenceId, Running> running_;
    std::map<std::size_t, std::string> ready_;  // done, but waiting for an earlier text
    std::optional<Error> failure_;
    std::size_t next_ = 0;
    std::size_t written_ = 0;
    std::uint64_t tokens_ = 0;
};

}  // namespace

Result<std::vector<std::string>> read_prompts(const std::string& path) {
    ASSIGN_OR_RETURN(std::vector<TextLine> lines, read_lines(path, kMaxPrompts));
    const bool json = path.ends_with(".jsonl");
    std::vector<std::string> prompts;
    for (TextLine& line : lines) {
        if (json) {
            ASSIGN_OR_RETURN(line.text, prompt_of_json(line.text, line.number));
        }
        prompts.push_back(std::move(line.text));
    }
    return prompts;
}

Status run_generate_many(const GenerateRequest& request, const LocalModel& local,
                         const Machine& machine, std::vector<std::string> prompts,
                         std::ostream& out) {
    return Texts(request, local, machine, std::move(prompts), out).run();
}

}  // namespace cairn::cli
