#include "cli/demo/demo_node.h"

#include <unistd.h>

#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "api/client.h"
#include "base/files.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

// Mining must leave two cores to three trainers; difficulty follows whatever there is.
constexpr const char* kHashRate = "50000";
constexpr int kStartMs = 60'000;
constexpr int kPollMs = 50;
constexpr std::uint64_t kSlowAnswerMs = 120'000;

Result<Json> ask(const std::string& directory, const std::string& path) {
    ASSIGN_OR_RETURN(const api::Client client, api::Client::of_directory(directory));
    ASSIGN_OR_RETURN(const std::string text, client.get(path));
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return invalid("a node answered something that is not JSON");
    return json;
}

Result<Json> tell(const std::string& directory, const std::string& path, const Json& body) {
    ASSIGN_OR_RETURN(const api::Client client, api::Client::of_directory(directory, kSlowAnswerMs));
    ASSIGN_OR_RETURN(const std::string text, client.post(path, body.dump()));
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return invalid("a node answered something that is not JSON");
    return json;
}

std::optional<double> optional_number(const Json& json, const char* name) {
    if (!json.contains(name) || !json[name].is_number()) return std::nullopt;
    return json[name].get<double>();
}

std::vector<std::string> arguments_of(const DemoNodeOptions& options) {
    std::vector<std::string> arguments = {"node",
                                          "--dir",
                                          options.directory,
                                          "--network",
                                          options.network_file,
                                          "--listen",
                                          "127.0.0.1:0",
                                          "--api",
                                          fmt::format("127.0.0.1:{}", options.api_port),
                                          "--seed",
                                          std::to_string(options.seed)};
    for (const std::string& address : options.connect) {
        arguments.emplace_back("--connect");
        arguments.push_back(address);
    }
    if (!options.train_file.empty()) {
        arguments.emplace_back("--train");
        arguments.push_back(options.train_file);
    }
    if (options.mine) arguments.insert(arguments.end(), {"--mine", "--hash-rate", kHashRate});
    return arguments;
}

}  // namespace

Result<DemoNode> DemoNode::start(const DemoNodeOptions& options, const Stop& stop) {
    RETURN_IF_ERROR(make_folders(options.directory));
    DemoNode node;
    node.options_ = options;
    ASSIGN_OR_RETURN(ChildProcess process,
                     ChildProcess::start(arguments_of(options), options.directory + "/node.log"));
    node.process_ = std::make_unique<ChildProcess>(std::move(process));
    for (int waited = 0; waited < kStartMs; waited += kPollMs) {
        if (stop()) return stopped_early();
        if (!node.process_->running())
            return io_error("a node ended at its start:\n" + node.process_->output_tail());
        if (const Result<Json> status = ask(options.directory, "/v1/cairn/status"); status.ok()) {
            ASSIGN_OR_RETURN(const api::ApiFile file, api::read_api_file(options.directory));
            node.api_ = file.address;
            node.address_ = status->value("listen", std::string());
            return node;
        }
        ::usleep(kPollMs * 1000);
    }
    return Error{ErrorCode::kTimeout,
                 "a node did not answer within a minute:\n" + node.process_->output_tail()};
}

Result<DemoNodeView> DemoNode::look() {
    DemoNodeView view;
    view.books = options_.books;
    if (!process_->running()) return io_error("a node has died:\n" + process_->output_tail());
    const Result<Json> asked = ask(options_.directory, "/v1/cairn/status");
    if (!asked.ok()) return view;
    const Json& status = *asked;
    const Json training = status.value("training", Json::object());
    view.answering = true;
    view.height = status.value("height", std::uint64_t{0});
    view.state_root = status.value("state_root", std::string());
    view.peers = status.value("peers", Json::array()).size();
    view.stage = training.value("stage", std::string());
    view.step = training.value("steps", 0u);
    view.steps = training.value("steps_wanted", 0u);
    view.local_loss = training.value("local_loss", 0.0);
    view.merged = training.value("merged", std::uint64_t{0});
    view.mined = status.value("mining", Json::object()).value("blocks", std::uint64_t{0});
    const std::string key = status.value("miner_key", std::string());
    if (const Result<Json> coins = ask(options_.directory, "/v1/cairn/coins?key=" + key);
        coins.ok())
        for (const Json& coin : coins->value("coins", Json::array()))
            view.earned += coin.value("amount", std::uint64_t{0});
    return view;
}

Result<std::vector<DemoMerge>> DemoNode::merges() const {
    ASSIGN_OR_RETURN(const Json json, ask(options_.directory, "/v1/cairn/blocks?from=0&max=500"));
    std::vector<DemoMerge> merges;
    for (const Json& block : json.value("blocks", Json::array()))
        merges.push_back({.height = block.value("height", std::uint64_t{0}),
                          .block = block.value("block", std::string()),
                          .state_root = block.value("state_root", std::string()),
                          .report_loss = optional_number(block, "report_loss"),
                          .judge_loss = optional_number(block, "judge_loss"),
                          .contributions = block.value("contributions", 0u),
                          .reward = block.value("reward", std::uint64_t{0})});
    return merges;
}

Result<std::string> DemoNode::generate(const std::string& prompt, std::uint32_t tokens) const {
    ASSIGN_OR_RETURN(const Json json,
                     tell(options_.directory, "/v1/cairn/generate",
                          {{"prompt", prompt}, {"max_tokens", tokens}, {"seed", 1}}));
    return json.value("text", std::string());
}

Result<std::string> DemoNode::export_model() const {
    const std::string folder = options_.directory + "/export";
    ASSIGN_OR_RETURN(const Json json, tell(options_.directory, "/v1/cairn/export",
                                           {{"folder", folder}, {"replace", true}}));
    return folder;
}

}  // namespace cairn::cli
