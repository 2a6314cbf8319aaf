#include "demo/demo_node.h"

#include <unistd.h>

#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "api/client.h"
#include "api/node_answer.h"
#include "base/files.h"

namespace cairn::demo {

namespace {

using Json = nlohmann::json;

// Mining is kept slow, so that two cores are left for three trainers; difficulty adapts to it.
constexpr const char* kHashRate = "50000";
constexpr int kStartMs = 60'000;
constexpr int kPollMs = 50;
constexpr std::uint64_t kSlowAnswerMs = 120'000;

Result<Json> ask(const std::string& directory, const std::string& path) {
    ASSIGN_OR_RETURN(const api::Client client, api::Client::of_directory(directory));
    return api::ask_node(client, path);
}

Result<Json> tell(const std::string& directory, const std::string& path, const Json& body) {
    ASSIGN_OR_RETURN(const api::Client client, api::Client::of_directory(directory, kSlowAnswerMs));
    return api::tell_node(client, path, body);
}

std::optional<double> optional_number(const Json& json, const char* name) {
    double value = 0;
    return api::read(json, name, value) ? std::optional(value) : std::nullopt;
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
            api::read(*status, "listen", node.address_);
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
    view.answering = true;
    api::read(status, "height", view.height);
    api::read(status, "state_root", view.state_root);
    view.peers = api::read_list(status, "peers").size();
    if (const auto training = status.find("training"); training != status.end()) {
        api::read(*training, "stage", view.stage);
        api::read(*training, "steps", view.step);
        api::read(*training, "steps_wanted", view.steps);
        api::read(*training, "local_loss", view.local_loss);
        api::read(*training, "merged", view.merged);
    }
    if (const auto mining = status.find("mining"); mining != status.end())
        api::read(*mining, "blocks", view.mined);
    std::string key;
    api::read(status, "miner_key", key);
    const Result<Json> coins = ask(options_.directory, "/v1/cairn/coins?key=" + key);
    if (!coins.ok()) return view;
    for (const Json& coin : api::read_list(*coins, "coins")) {
        std::uint64_t amount = 0;
        api::read(coin, "amount", amount);
        view.earned += amount;
    }
    return view;
}

Result<std::vector<DemoMerge>> DemoNode::merges() const {
    ASSIGN_OR_RETURN(const Json json, ask(options_.directory, "/v1/cairn/blocks?from=0&max=500"));
    std::vector<DemoMerge> merges;
    for (const Json& block : api::read_list(json, "blocks")) {
        DemoMerge merge;
        api::read(block, "height", merge.height);
        api::read(block, "block", merge.block);
        api::read(block, "state_root", merge.state_root);
        merge.report_loss = optional_number(block, "report_loss");
        merge.judge_loss = optional_number(block, "judge_loss");
        api::read(block, "contributions", merge.contributions);
        api::read(block, "reward", merge.reward);
        merges.push_back(std::move(merge));
    }
    return merges;
}

Result<std::string> DemoNode::generate(const std::string& prompt, std::uint32_t tokens) const {
    ASSIGN_OR_RETURN(const Json json,
                     tell(options_.directory, "/v1/cairn/generate",
                          {{"prompt", prompt}, {"max_tokens", tokens}, {"seed", 1}}));
    std::string text;
    api::read(json, "text", text);
    return text;
}

Result<std::string> DemoNode::export_model() const {
    const std::string folder = options_.directory + "/export";
    ASSIGN_OR_RETURN(const Json json, tell(options_.directory, "/v1/cairn/export",
                                           {{"folder", folder}, {"replace", true}}));
    return folder;
}

}  // namespace cairn::demo
