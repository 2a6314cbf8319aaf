#include "cli/serve/serve_display.h"

#include <unistd.h>

#include <iostream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/log_writer.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

constexpr double kMillion = 1e6;
constexpr double kMib = 1024 * 1024;
constexpr double kMicro = 1e-6;

std::string described(const host::HostedModel& model) {
    const double size = static_cast<double>(model.parameters) / kMillion;
    const std::string does = !model.writes                  ? "makes vectors"
                             : model.chat_format == "plain" ? "writes, no chat format of its own"
                                                            : "chats as " + model.chat_format;
    return fmt::format("{}, {:.1f} million parameters in {:.0f} MiB, context {}, {}", model.format,
                       size, static_cast<double>(model.bytes) / kMib, model.context, does);
}

/// What may be typed to try the first model that is there.
std::string example(const ServeDisplay::Place& place, const host::HostedModel& model) {
    std::string path = "chat/completions";
    nlohmann::ordered_json body = {{"model", model.id}};
    if (!model.writes) {
        path = "embeddings";
        body["input"] = "Hello";
    } else if (model.chat_format == "plain") {
        path = "completions";
        body["prompt"] = "Once upon a time";
    } else {
        body["messages"] = {{{"role", "user"}, {"content", "Hello"}}};
    }
    std::string token;
    if (!place.token.empty())
        token = fmt::format(
            " -H 'Authorization: Bearer {}'",
            place.token_file.empty() ? place.token : "'\"$(cat " + place.token_file + ")\"'");
    return fmt::format(
        "curl -s http://{}/v1/{} -H 'Content-Type: application/json'{} \\\n         -d '{}'",
        place.address, path, token, console::json_text(body));
}

std::string seconds(std::uint64_t us) {
    return fmt::format("{:.2f} s", static_cast<double>(us) * kMicro);
}

}  // namespace

ServeDisplay::ServeDisplay(bool json, bool quiet, std::ostream& out)
    : json_(json), quiet_(quiet), out_(out), errors_(STDERR_FILENO) {
    std::cerr << std::flush;
    set_log_writer([this](const std::string& line) { errors_.write(line); });
}

ServeDisplay::~ServeDisplay() { set_log_writer({}); }

void ServeDisplay::loaded(const host::HostedModel& model) {
    if (json_ || model.state != host::ModelState::kReady) return;  // why it is not is in the log
    out_ << fmt::format("  {}  {}\n", model.id, described(model)) << std::flush;
}

void ServeDisplay::ready(const Place& place, const std::vector<host::HostedModel>& models) {
    if (json_) {
        nlohmann::json list = nlohmann::json::array();
        for (const host::HostedModel& model : models)
            list.push_back({{"id", model.id},
                            {"state", host::model_state_name(model.state)},
                            {"problem", model.problem}});
        const nlohmann::json token =
            place.token.empty() ? nlohmann::json(nullptr) : nlohmann::json(place.token);
        out_ << console::json_line(nlohmann::json{{"address", place.address},
                                                  {"url", "http://" + place.address + "/"},
                                                  {"token", token},
                                                  {"models", std::move(list)}})
             << std::flush;
        return;
    }
    std::string asleep;
    const host::HostedModel* first = nullptr;
    for (const host::HostedModel& model : models) {
        if (model.state == host::ModelState::kAsleep) asleep += " " + model.id;
        if (first == nullptr && model.state == host::ModelState::kReady) first = &model;
    }
    if (!asleep.empty()) out_ << "  loaded when somebody asks:" << asleep << '\n';
    out_ << fmt::format(
        "serving at http://{0}/ (a page to chat) and http://{0}/v1 (OpenAI's API)\n",
        place.address);
    if (!place.token.empty() && place.token_file.empty())
        out_ << fmt::format("  token  {}   (--token-file FILE keeps one of yours)\n", place.token);
    if (place.beyond)
        out_ << "  There is no TLS: others on the network can read token and text. Put a proxy "
                "that has TLS in front.\n";
    if (first != nullptr) out_ << "  try:   " << example(place, *first) << '\n';
    out_ << "Ctrl-C ends it.\n" << std::flush;
}

void ServeDisplay::answered(const openai::JournalEntry& entry) {
    if (quiet_ || (entry.status == 200 && entry.model.empty())) return;
    std::string line = fmt::format("{} {} {}", entry.method, entry.path, entry.status);
    if (!entry.model.empty()) line += " " + entry.model;
    if (entry.prompt_tokens > 0)
        line +=
            fmt::format(", {} tokens read ({} known)", entry.prompt_tokens, entry.cached_tokens);
    if (entry.completion_tokens > 0) line += fmt::format(", {} written", entry.completion_tokens);
    if (entry.first_us > 0) line += ", first after " + seconds(entry.first_us);
    line += ", " + seconds(entry.took_us);
    if (!entry.problem.empty()) line += ": " + entry.problem;
    note(line);
}

void ServeDisplay::note(const std::string& line) { errors_.write(line); }

}  // namespace cairn::cli
