#include "cli/write/chat_talk.h"

#include <iostream>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/outputs.h"
#include "cli/commands.h"
#include "cli/write/chat_line.h"
#include "console/interrupt.h"
#include "console/json_line.h"
#include "console/shown_stream.h"
#include "measure/stopwatch.h"

namespace cairn::cli {

namespace {

constexpr const char* kHelp =
    "  /reset           begin anew\n"
    "  /system TEXT     begin anew with this system message; without TEXT, show it\n"
    "  /save FILE       write the conversation as JSON\n"
    "  /stats           say after each answer how fast it came, or no longer\n"
    "  /help            this\n"
    "  /quit            leave (or Ctrl-D)\n"
    "A line that ends with \\ goes on in the next one; a pasted block is one message.\n"
    "Every other line is a message, except a single word that begins with a slash; //help sends\n"
    "\"/help\".\n"
    "Ctrl-C stops an answer or throws a line away.\n";

const char* stop_name(const infer::ChatAnswer& answer) {
    if (answer.cancelled) return "cancelled";
    if (answer.stopped_by_string) return "string";
    return infer::stop_reason_name(answer.reason);
}

nlohmann::json messages_json(const std::vector<text::ChatMessage>& messages) {
    nlohmann::json list = nlohmann::json::array();
    for (const text::ChatMessage& message : messages)
        list.push_back({{"role", message.role}, {"content", message.content}});
    return list;
}

// One run of the command.
class Chat {
  public:
    Chat(const ChatRequest& request, ChatPartner& partner, console::LineReader& in,
         std::ostream& out)
        : request_(request),
          partner_(partner),
          in_(in),
          out_(out),
          errors_(std::cerr),
          notes_(request.json ? errors_ : out),
          stats_(request.stats),
          system_(request.system) {
        partner_.reset(system_);
    }

    /// The exit code.
    Result<int> run() {
        if (in_.is_terminal()) notes_ << partner_.about() << "; /help lists commands.\n";
        const Status ended = converse();
        if (!request_.json) {
            if (!ended.ok()) return ended.error();
            return 0;
        }
        nlohmann::json object = {{"format", partner_.format()}, {"turns", turns_}};
        if (!ended.ok()) {
            object["error"] = {{"kind", error_name(ended.error().code)},
                               {"message", ended.error().message}};
            notes_ << "cairn: " << ended.error().message << '\n' << std::flush;
        }
        out_ << console::json_line(object);
        return ended.ok() ? 0 : 1;
    }

  private:
    Status converse() {
        while (!interrupt_.must_end()) {
            out_.flush();
            notes_.flush();
            const auto read = read_turn();
            if (!read.ok()) {
                RETURN_IF_ERROR(complain(read.error()));
                continue;
            }
            if (!*read) break;
            const std::string& line = **read;
            if (line.empty()) continue;
            const ChatLine said = read_chat_line(line);
            if (said.kind == ChatLine::Kind::kMistyped)
                RETURN_IF_ERROR(mistyped(said));
            else if (said.kind == ChatLine::Kind::kMessage)
                RETURN_IF_ERROR(turn(said.text));
            else if (said.name == "/save" && !in_.is_terminal())
                // What is piped in may be somebody else's text: it writes no files.
                return Error{ErrorCode::kRefused,
                             "/save is for a person at a terminal; in a pipe, --json prints the "
                             "conversation (//save sends the word)"};
            else if (!command(said))
                break;
            if (!in_.is_terminal() && interrupt_.raised()) break;
        }
        return ok_status();
    }

    Status mistyped(const ChatLine& said) {
        const std::string what = fmt::format(
            "no command {}; {} (/{} sends it)", said.text,
            said.name.empty() ? "/help lists them" : "did you mean " + said.name + "?", said.text);
        if (!in_.is_terminal()) return invalid(what);
        notes_ << what << '\n';
        return ok_status();
    }

    Result<std::optional<std::string>> read_turn() {
        ASSIGN_OR_RETURN(auto line, in_.read("> ", interrupt_));
        while (line && line->ends_with('\\')) {
            line->back() = '\n';
            ASSIGN_OR_RETURN(const auto more, in_.read(". ", interrupt_));
            if (in_.dropped()) return std::optional(std::string());
            if (!more) break;
            *line += *more;
            if (line->size() > console::kMaxLineBytes)
                return invalid("a turn is longer than 1 MiB: send it in parts");
        }
        return line;
    }

    // On a terminal, an error in one turn does not end the conversation; in a pipe it does.
    Status complain(const Error& error) {
        if (!in_.is_terminal()) return error;
        notes_ << "cairn: " << error.message << '\n';
        return ok_status();
    }

    Status turn(const std::string& user) {
        if (in_.is_terminal()) interrupt_.forget();
        const measure::Stopwatch watch;
        double first_token = 0;
        infer::ChatHooks hooks;
        hooks.show = [&](const std::string& piece) {
            if (!request_.json) out_ << piece << std::flush;
        };
        hooks.cancelled = [&] { return interrupt_.raised(); };
        hooks.first_token = [&] { first_token = watch.seconds(); };
        const auto answer = partner_.answer(user, hooks);
        if (!answer.ok() && answer.error().code == ErrorCode::kCancelled) {
            turns_.push_back({{"user", user}, {"answer", ""}, {"stop", "cancelled"}});
            notes_ << "(stopped)\n";
            return ok_status();
        }
        if (!answer.ok()) return complain(answer.error());
        const double seconds = watch.seconds() - first_token;
        // The time up to the first token is spent on the prompt, so it is not counted.
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
            if (const std::string by = partner_.answered_by(); !by.empty())
                turns_.back()["model"] = by;
            if (partner_.forgotten() > 0) turns_.back()["forgotten"] = partner_.forgotten();
        }
        if (request_.json && in_.is_terminal()) notes_ << answer->text;
        if (!request_.json || in_.is_terminal()) say_end(*answer, first_token, rate);
        return ok_status();
    }

    void say_end(const infer::ChatAnswer& answer, double first_token, double rate) {
        notes_ << '\n';
        if (answer.cancelled) notes_ << "(stopped)\n";
        if (answer.reason == infer::StopReason::kContext)
            notes_ << "(the memory is full: /reset begins anew)\n";
        if (partner_.forgotten() > 0)
            notes_ << fmt::format(
                "(the oldest {} messages no longer fit the model's memory and were left out)\n",
                partner_.forgotten());
        const std::string by = partner_.answered_by();
        if (in_.is_terminal() && by != std::exchange(answered_by_, by))
            notes_ << fmt::format("({} answered)\n", by);
        if (!stats_) return;
        notes_ << fmt::format(
            "({} tokens read in {:.2f} s, {} remembered; {} written at {:.1f} tokens/s",
            answer.computed, first_token, answer.reused, answer.written, rate);
        if (answer.drafted > 0)
            notes_ << fmt::format("; {} of {} guesses came true", answer.accepted, answer.drafted);
        notes_ << ")\n";
    }

    // False: leave.
    bool command(const ChatLine& said) {
        if (said.name == "/quit" || said.name == "/exit") return false;
        if (said.name == "/help") {
            notes_ << kHelp;
        } else if (said.name == "/reset") {
            partner_.reset(system_);
        } else if (said.name == "/system" && said.text.empty()) {
            notes_ << (system_ ? *system_ : partner_.default_system()) << '\n';
        } else if (said.name == "/system") {
            system_ = said.text;
            partner_.reset(system_);
        } else if (said.name == "/stats") {
            stats_ = !stats_;
            notes_ << (stats_ ? "each answer says how fast it came\n"
                              : "answers say no longer how fast they came\n");
        } else {
            const Status saved = save(said.text);
            notes_ << (saved.ok() ? "saved " + said.text : "cairn: " + saved.error().message)
                   << '\n';
        }
        return true;
    }

    // Replaces a file only if this conversation wrote it.
    Status save(const std::string& file) {
        if (file.empty()) return invalid("say where: /save FILE");
        if (exists(file) && !saved_.contains(file))
            return Error{ErrorCode::kRefused, file + " is already there; name another file"};
        RETURN_IF_ERROR(check_outputs({{"/save", file}}, {{"--model", request_.model},
                                                          {"--tokenizer", request_.tokenizer},
                                                          {"--history", request_.history}}));
        const std::string text = console::json_page(
            {{"model", request_.model.empty() ? request_.served : request_.model},
             {"messages", messages_json(partner_.messages())}});
        RETURN_IF_ERROR(write_file(file, as_bytes(text)));
        saved_.insert(file);
        return ok_status();
    }

    const ChatRequest& request_;
    ChatPartner& partner_;
    console::LineReader& in_;
    std::ostream& out_;
    console::ShownStream errors_;
    std::ostream& notes_;  // messages to the person at the terminal
    // On a terminal Ctrl-C only stops an answer; pressed again, it does nothing more.
    console::Interrupt interrupt_{console::Interrupt::SecondCtrlC::kIsOneMore};
    std::set<std::string> saved_;
    bool stats_;
    std::string answered_by_;  // the latest answer, as it was said
    std::optional<std::string> system_;
    nlohmann::json turns_ = nlohmann::json::array();
};

}  // namespace

Result<int> talk(const ChatRequest& request, ChatPartner& partner, console::LineReader& in,
                 std::ostream& out) {
    return Chat(request, partner, in, out).run();
}

}  // namespace cairn::cli
