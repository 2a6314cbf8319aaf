#include "cli/write/chat_command.h"

#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/disk.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/local_model.h"
#include "cli/measure/stopwatch.h"
#include "model/chat_session.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxSteps = 1U << 20;
// More memory for keys and values is taken only where it is asked for.
constexpr std::size_t kUsualContext = 8192;

constexpr const char* kHelp =
    "  /reset           begin anew\n"
    "  /system TEXT     begin anew with this system message; without TEXT, show it\n"
    "  /save FILE       write the conversation as JSON\n"
    "  /stats           say after each answer how fast it came, or no longer\n"
    "  /help            this\n"
    "  /quit            leave (or Ctrl-D)\n"
    "A line that ends with \\ goes on in the next one. Ctrl-C stops an answer.\n";

// Text of a model on a terminal: nothing that would move the cursor or change the terminal.
std::string printable(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
        if (control && c != '\n' && c != '\t')
            safe += "\xEF\xBF\xBD";
        else
            safe += c;
    }
    return safe;
}

const char* stop_name(const model::ChatAnswer& answer) {
    if (answer.cancelled) return "cancelled";
    if (answer.stopped_by_string) return "string";
    return model::stop_reason_name(answer.reason);
}

nlohmann::json messages_json(const std::vector<model::ChatMessage>& messages) {
    nlohmann::json list = nlohmann::json::array();
    for (const model::ChatMessage& message : messages)
        list.push_back({{"role", message.role}, {"content", message.content}});
    return list;
}

std::string dump(const nlohmann::json& object, int indent) {
    return object.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

// One run of the command.
class Chat {
  public:
    Chat(const ChatRequest& request, model::ChatSession& session, model::StopStrings stops,
         LineReader& in, std::ostream& out)
        : request_(request),
          session_(session),
          stops_(std::move(stops)),
          in_(in),
          out_(out),
          stats_(request.stats),
          system_(request.system) {
        options_.sampling = request.sampling.settings;
        options_.max_tokens = request.steps;
        session_.reset(system_);
    }

    Status run() {
        if (in_.is_terminal() && !request_.json)
            out_ << fmt::format("{} tokens of memory, turns as {}; /help lists commands.\n",
                                session_.positions(), session_.format().name());
        for (;;) {
            ASSIGN_OR_RETURN(const auto line, read_turn());
            if (!line) break;
            if (line->empty()) continue;
            if ((*line)[0] == '/') {
                if (!command(*line)) break;
                continue;
            }
            RETURN_IF_ERROR(turn(*line));
        }
        if (request_.json)
            out_ << dump({{"format", session_.format().name()}, {"turns", turns_}}, -1);
        return ok_status();
    }

  private:
    Result<std::optional<std::string>> read_turn() {
        out_.flush();
        ASSIGN_OR_RETURN(auto line, in_.read("> "));
        while (line && line->ends_with('\\')) {
            line->back() = '\n';
            ASSIGN_OR_RETURN(const auto more, in_.read(". "));
            if (!more) break;
            *line += *more;
            if (line->size() > kMaxLineBytes) return invalid("a turn is longer than 1 MiB");
        }
        return line;
    }

    // What is wrong with one turn does not end the conversation, unless nobody is there to read it.
    Status complain(const Error& error) {
        if (!in_.is_terminal()) return error;
        out_ << "cairn: " << error.message << '\n';
        return ok_status();
    }

    Status turn(const std::string& user) {
        const Interrupt interrupt;
        const Stopwatch watch;
        double first_token = 0;
        model::ChatHooks hooks;
        hooks.show = [&](const std::string& piece) {
            if (!request_.json)
                out_ << (in_.is_terminal() ? printable(piece) : piece) << std::flush;
        };
        hooks.cancelled = [&] { return interrupt.raised(); };
        hooks.first_token = [&] { first_token = watch.seconds(); };
        const auto answer = session_.answer(user, options_, stops_, hooks);
        if (!answer.ok() && answer.error().code == ErrorCode::kCancelled) {
            out_ << "(stopped)\n";
            return ok_status();
        }
        if (!answer.ok()) return complain(answer.error());
        const double seconds = watch.seconds() - first_token;
        // The first token's time is the prompt's.
        const double rate = answer->written > 1 && seconds > 0
                                ? static_cast<double>(answer->written - 1) / seconds
                                : 0.0;
        if (request_.json) {
            turns_.push_back({{"user", user},
                              {"answer", answer->text},
                              {"stop", stop_name(*answer)},
                              {"reused", answer->reused},
                              {"computed", answer->computed},
                              {"written", answer->written},
                              {"tokens_per_second", rate}});
            return ok_status();
        }
        out_ << '\n';
        if (answer->cancelled) out_ << "(stopped)\n";
        if (answer->reason == model::StopReason::kContext)
            out_ << "(the memory is full: /reset begins anew)\n";
        if (stats_)
            out_ << fmt::format(
                "({} tokens read in {:.2f} s, {} remembered; {} written at {:.1f} tokens/s)\n",
                answer->computed, first_token, answer->reused, answer->written, rate);
        return ok_status();
    }

    // False: leave.
    bool command(const std::string& line) {
        const std::size_t blank = std::min(line.find(' '), line.size());
        const std::string name = line.substr(1, blank - 1);
        const std::string rest = blank < line.size() ? line.substr(blank + 1) : "";
        if (name == "quit" || name == "exit") return false;
        if (name == "help") {
            out_ << kHelp;
        } else if (name == "reset") {
            session_.reset(system_);
        } else if (name == "system" && rest.empty()) {
            out_ << (system_ ? *system_ : session_.format().default_system()) << '\n';
        } else if (name == "system") {
            system_ = rest;
            session_.reset(system_);
        } else if (name == "stats") {
            stats_ = !stats_;
        } else if (name == "save") {
            const Status saved = save(rest);
            out_ << (saved.ok() ? "saved " + rest : "cairn: " + saved.error().message) << '\n';
        } else {
            out_ << "no command /" << name << "; /help lists them\n";
        }
        return true;
    }

    Status save(const std::string& file) const {
        if (file.empty()) return invalid("say where: /save FILE");
        const std::string text =
            dump({{"model", request_.model}, {"messages", messages_json(session_.messages())}}, 2);
        return write_file(file, as_bytes(text));
    }

    const ChatRequest& request_;
    model::ChatSession& session_;
    model::StopStrings stops_;
    LineReader& in_;
    std::ostream& out_;
    bool stats_;
    std::optional<std::string> system_;
    model::GenerateOptions options_;
    nlohmann::json turns_ = nlohmann::json::array();
};

}  // namespace

Status run_chat(const ChatRequest& request, LineReader& in, std::ostream& out) {
    ASSIGN_OR_RETURN(model::StopStrings stops, model::StopStrings::create(request.sampling.stops));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const auto local, load_local_model(request.model, request.tokenizer));
    pack_local_model(machine->compute(), *local);
    const model::Tokenizer& tokenizer = *local->tokenizer;
    model::ChatFormat format = model::ChatFormat::choose(tokenizer);
    if (!request.format.empty()) {
        ASSIGN_OR_RETURN(format, model::ChatFormat::named(request.format, tokenizer));
    }
    const std::size_t most = local->model.config.context;
    const std::size_t positions =
        std::min(most, request.context > 0 ? request.context : kUsualContext);
    model::ChatSession session(local->model.config, local->model.weights, tokenizer, format,
                               machine->compute(), positions, request.sampling.kv);
    return Chat(request, session, std::move(stops), in, out).run();
}

void add_chat(CLI::App& app, Invocation& invocation) {
    CLI::App* command =
        add_command(app, invocation, "chat", "Talk with a model on this machine",
                    "cairn chat --model qwen2.5-0.5b-instruct-q8_0.gguf\n"
                    "  cairn chat --model folder --system \"Answer in one sentence.\" --stats");
    auto request = std::make_shared<ChatRequest>();
    request->sampling.settings.temperature = 0.7F;
    request->sampling.settings.top_p = 0.95F;
    command->add_option("--model", request->model, "Model file or folder")->required();
    command->add_option("--tokenizer", request->tokenizer,
                        "Tokenizer file (default: in the model or beside it)");
    command->add_option("--format", request->format,
                        "How turns are written: chatml, llama3, llama2, mistral, gemma, zephyr, "
                        "phi3, plain (default: as the model says)");
    command->add_option("--system", request->system, "System message");
    command->add_option("--steps", request->steps, "Tokens of one answer, at most")
        ->check(CLI::Range(std::size_t{1}, kMaxSteps))
        ->capture_default_str();
    command->add_option("--context", request->context,
                        "Tokens to remember (default: what the model can, at most 8192)");
    add_sampling_options(*command, request->sampling);
    command->add_option("--threads", request->threads, "0: one per processor")
        ->check(CLI::Range(std::size_t{0}, kMaxThreads))
        ->capture_default_str();
    command->add_option("--history", request->history, "File to keep typed lines in");
    command->add_flag("--stats", request->stats, "Say after each answer how fast it came");
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.exact_text = true;
        invocation.run = [request](std::ostream& out) {
            return run_chat(*request, *standard_input(request->history), out);
        };
    });
}

}  // namespace cairn::cli
