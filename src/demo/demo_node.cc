#include "demo/demo_node.h"

#include <unistd.h>

#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "api/remote_node.h"
#include "base/files.h"
#include "demo/demo_commands.h"

namespace cairn::demo {

namespace {

// Mining is kept slow, so that two cores are left for three trainers; difficulty adapts to it.
constexpr const char* kHashRate = "50000";
constexpr int kStartMs = 60'000;
constexpr int kPollMs = 50;
constexpr std::uint64_t kSlowAnswerMs = 120'000;
constexpr std::size_t kMostMerges = 100'000;  // days of a demo

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
    arguments.insert(arguments.end(), {"--wallet", "--no-password"});
    if (!options.serve.empty())
        arguments.insert(arguments.end(), {"--serve", options.serve, "--price", options.price});
    return arguments;
}

}  // namespace

Status DemoNode::restart(const Stop& stop) {
    ASSIGN_OR_RETURN(*this, start(options_, stop));
    return ok_status();
}

Result<DemoNode> DemoNode::start(const DemoNodeOptions& options, const Stop& stop) {
    RETURN_IF_ERROR(make_private_folder(options.directory));
    if (!exists(options.directory + "/wallet.cairn"))
        RETURN_IF_ERROR(
            run_json({"wallet", "create", "--dir", options.directory, "--no-password", "--json"},
                     options.directory + "/wallet.log", stop));
    DemoNode node;
    node.options_ = options;
    ASSIGN_OR_RETURN(ChildProcess process,
                     ChildProcess::start(arguments_of(options), options.directory + "/node.log"));
    node.process_ = std::make_unique<ChildProcess>(std::move(process));
    for (int waited = 0; waited < kStartMs; waited += kPollMs) {
        if (stop()) return stopped_early();
        if (!node.process_->running())
            return io_error("a node ended at its start:\n" + node.process_->output_tail());
        if (const auto remote = node.remote(); remote.ok()) {
            if (const auto status = remote->status(); status.ok()) {
                node.api_ = remote->address();
                node.address_ = status->listen_address;
                return node;
            }
        }
        ::usleep(kPollMs * 1000);
    }
    return Error{ErrorCode::kTimeout,
                 "a node did not answer within a minute:\n" + node.process_->output_tail()};
}

Result<api::RemoteNode> DemoNode::remote(std::uint64_t timeout_ms) const {
    return api::RemoteNode::of_directory(options_.directory, timeout_ms);
}

Result<DemoNodeView> DemoNode::look() {
    DemoNodeView view;
    view.books = options_.books;
    if (!process_->running()) return io_error("a node has died:\n" + process_->output_tail());
    const auto node = remote();
    if (!node.ok()) return view;
    auto status = node->status();
    if (!status.ok()) return view;
    view.answering = true;
    view.status = *std::move(status);
    view.earned = view.status.earned;
    return view;
}

Result<std::vector<store::MergeRecord>> DemoNode::merges() const {
    ASSIGN_OR_RETURN(const api::RemoteNode node, remote());
    ASSIGN_OR_RETURN(const std::vector<node::MergeView> found, node.merges(0, kMostMerges));
    std::vector<store::MergeRecord> merges;
    for (const node::MergeView& view : found) merges.push_back(view.merge);
    return merges;
}

Result<std::string> DemoNode::generate(const std::string& prompt, std::uint32_t tokens) const {
    ASSIGN_OR_RETURN(const api::RemoteNode node, remote(kSlowAnswerMs));
    return node.generate(prompt, tokens, 1);
}

Result<std::string> DemoNode::export_model() const {
    const std::string path = options_.directory + "/export";
    ASSIGN_OR_RETURN(const api::RemoteNode node, remote(kSlowAnswerMs));
    RETURN_IF_ERROR(node.export_model(path, true));
    return path;
}

}  // namespace cairn::demo
