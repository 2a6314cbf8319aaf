#include "demo/demo_ending.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "console/json_line.h"
#include "demo/demo_commands.h"

namespace cairn::demo {

namespace {

using Json = nlohmann::json;

constexpr int kLateMs = 600'000;
constexpr int kPollMs = 100;
constexpr int kExportTries = 20;
constexpr std::size_t kMaxModelBytes = std::size_t{1} << 30;

/// Exports two nodes' models, again if they differ: the tip may move between the two exports.
Result<std::vector<std::string>> equal_exports(const DemoNode& first, const DemoNode& second,
                                               const Stop& stop) {
    for (int i = 0; i < kExportTries; ++i) {
        if (stop()) return stopped_early();
        ASSIGN_OR_RETURN(const std::string a, first.export_model());
        ASSIGN_OR_RETURN(const std::string b, second.export_model());
        ASSIGN_OR_RETURN(const Bytes model_a, read_file(a, kMaxModelBytes));
        ASSIGN_OR_RETURN(const Bytes model_b, read_file(b, kMaxModelBytes));
        if (model_a == model_b) return std::vector<std::string>{a, b};
        ::usleep(500'000);
    }
    return invalid("two nodes never had the same model at the same time");
}

}  // namespace

Result<DemoAnswer> answer_over_processes(const std::vector<DemoNode>& nodes,
                                         const DemoNetwork& network, const std::string& folder,
                                         const std::string& prompt, const Stop& stop) {
    ASSIGN_OR_RETURN(const std::vector<std::string> models,
                     equal_exports(nodes[1], nodes[2], stop));
    const std::uint32_t half = network.layers / 2;
    ASSIGN_OR_RETURN(const LayerProcess first,
                     serve_layers(models[0], 0, half, folder + "/layers-first.log", stop));
    ASSIGN_OR_RETURN(const LayerProcess second, serve_layers(models[1], half, network.layers,
                                                             folder + "/layers-second.log", stop));
    const std::vector<std::string> ask = {"generate", "--json", "--model",       models[0],
                                          "--prompt", prompt,   "--steps",       "60",
                                          "--seed",   "1",      "--temperature", "0.7"};
    ASSIGN_OR_RETURN(const Json whole, run_json(ask, folder + "/answer-whole.log", stop));
    std::vector<std::string> over_network = ask;
    over_network.insert(over_network.end(),
                        {"--server", first.address, "--server", second.address});
    ASSIGN_OR_RETURN(const Json split, run_json(over_network, folder + "/answer-split.log", stop));
    DemoAnswer answer;
    answer.text = whole.value("text", std::string());
    answer.network_text = split.value("text", std::string());
    answer.equal = !answer.text.empty() &&
                   whole.value("tokens", Json()) == split.value("tokens", Json()) &&
                   whole.contains("digest") && whole["digest"] == split.value("digest", Json());
    return answer;
}

Result<DemoLatecomer> join_late(const std::vector<DemoNode>& nodes, const DemoNetwork& network,
                                const std::string& folder, const store::MergeRecord& last,
                                const Stop& stop) {
    const SystemClock clock;
    const std::uint64_t started = clock.monotonic_us();
    DemoNodeOptions options{.directory = folder + "/node4",
                            .network_file = network.file,
                            .train_file = {},
                            .books = "none: it joins late",
                            .connect = {nodes.front().address()},
                            .mine = false,
                            .serve = kDemoLayers[2],
                            .price = kDemoPrice};
    DemoLatecomer late;
    ASSIGN_OR_RETURN(DemoNode node, DemoNode::start(options, stop));
    late.height = last.height;
    for (int waited = 0; waited < kLateMs; waited += kPollMs) {
        if (stop()) return stopped_early();
        ASSIGN_OR_RETURN(const DemoNodeView view, node.look());
        Result<std::vector<store::MergeRecord>> merges = node.merges();
        if (view.answering && merges.ok()) {
            const auto found = std::find_if(
                merges->begin(), merges->end(),
                [&](const store::MergeRecord& merge) { return merge.block == last.block; });
            if (found != merges->end()) {
                late.state_root = found->state_root;
                late.equal = found->state_root == last.state_root;
                late.seconds = (clock.monotonic_us() - started) / 1'000'000;
                late.node = std::move(node);
                return late;
            }
        }
        ::usleep(kPollMs * 1000);
    }
    return Error{ErrorCode::kTimeout, "the late node did not catch up; its log is in " +
                                          options.directory + "/node.log"};
}

std::string demo_json(const std::vector<store::MergeRecord>& merges, const DemoAnswer& answer,
                      const DemoLatecomer& late, const DemoFailover& failover,
                      const DemoAudits& audits) {
    Json blocks = Json::array();
    for (const store::MergeRecord& merge : merges)
        blocks.push_back(
            {{"height", merge.height},
             {"report_loss", merge.report_loss ? Json(*merge.report_loss) : Json()},
             {"judge_loss", merge.judge_loss_after ? Json(*merge.judge_loss_after) : Json()},
             {"contributions", merge.contributions},
             {"reward", merge.minted},
             {"state_root", to_hex(merge.state_root)}});
    return console::json_line(Json{{"blocks", blocks},
                                   {"text", answer.text},
                                   {"network_text", answer.network_text},
                                   {"network_text_equal", answer.equal},
                                   {"late_node",
                                    {{"height", late.height},
                                     {"state_root", to_hex(late.state_root)},
                                     {"seconds", late.seconds},
                                     {"equal", late.equal}}},
                                   {"failover",
                                    {{"text", failover.text},
                                     {"killed", failover.killed},
                                     {"failovers", failover.failovers},
                                     {"stall_ms", failover.stall_ms},
                                     {"equal", failover.equal}}},
                                   {"audits", audits.audits},
                                   {"convicted", audits.convicted},
                                   {"liar_convicted", audits.liar_convicted},
                                   {"verdict", audits.verdict},
                                   {"paid", failover.paid}});
}

}  // namespace cairn::demo
