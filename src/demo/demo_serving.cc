#include "demo/demo_serving.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "demo/demo_commands.h"
#include "node/served_model.h"

namespace cairn::demo {

namespace {

using Json = nlohmann::json;

constexpr int kPollMs = 10;
constexpr int kTries = 60;          // a second each: a new model takes servers a moment
constexpr int kAnswerMs = 240'000;  // channels wait for blocks
constexpr std::uint64_t kKillAfterRows = 30;
constexpr const char* kSteps = "100";
constexpr const char* kDemoChannel = "0.05";  // coins in each

/// Rows that the node has computed for others.
Result<std::uint64_t> rows_of(DemoNode& node) {
    ASSIGN_OR_RETURN(const DemoNodeView view, node.look());
    return view.status.serving ? view.status.serving->rows : 0;
}

Result<std::string> serving_address(DemoNode& node, const Stop& stop) {
    for (int waited = 0; waited < kAnswerMs; waited += 500) {
        if (stop()) return stopped_early();
        ASSIGN_OR_RETURN(const DemoNodeView view, node.look());
        if (view.answering && view.status.serving && !view.status.serving->model.is_zero())
            return view.status.serving->address;
        ::usleep(500'000);
    }
    return Error{ErrorCode::kTimeout, "a node did not begin to serve"};
}

/// The model of the node's tip, at a moment when that is the settled one, which is what others
/// serve.
Result<std::string> export_settled(DemoNode& node, const Stop& stop) {
    for (int waited = 0; waited < kAnswerMs; waited += 100) {
        if (stop()) return stopped_early();
        ASSIGN_OR_RETURN(const DemoNodeView view, node.look());
        const std::uint32_t length = view.status.round.length;
        if (view.answering && length > 0 && view.status.height % length >= node::kSettledBlocks)
            return node.export_model();
        ::usleep(100'000);
    }
    return Error{ErrorCode::kTimeout, "no merge block was settled"};
}

/// The text over the servers, while `watch` looks on and may kill one of them.
Result<Json> generate_watched(const std::vector<std::string>& arguments, const std::string& log,
                              const Stop& stop, const std::function<Status()>& watch) {
    ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::start(arguments, log));
    for (int waited = 0; process.running(); waited += kPollMs) {
        if (stop()) return stopped_early();
        if (waited > kAnswerMs) return Error{ErrorCode::kTimeout, "cairn generate did not end"};
        RETURN_IF_ERROR(watch());
        ::usleep(kPollMs * 1000);
    }
    ASSIGN_OR_RETURN(const int status, process.wait(0, stop));
    Json json = last_json(process.output());
    if (status != 0 || !json.is_object())
        return io_error("cairn generate failed:\n" + process.output_tail());
    return json;
}

/// What the text over the servers was like beside the one that was written alone.
void read_answer(const Json& split, const Json& whole, DemoFailover& answer) {
    answer.text = split.value("text", std::string());
    answer.failovers = split.value("failovers", std::size_t{0});
    answer.stall_ms = static_cast<std::uint64_t>(split.value("stall_seconds", 0.0) * 1000);
    answer.paid = split.value("spent", std::uint64_t{0});
    for (const Json& hop : split.value("hops", Json::array()))
        answer.token_price += hop.value("token_price", std::uint64_t{0});
    answer.equal = !answer.text.empty() &&
                   whole.value("tokens", Json()) == split.value("tokens", Json()) &&
                   whole.contains("digest") && whole["digest"] == split.value("digest", Json());
}

}  // namespace

Result<DemoFailover> answer_through_a_crash(const std::vector<DemoNode*>& nodes,
                                            const std::string& folder, const std::string& prompt,
                                            const Stop& stop, const Tell& tell) {
    CHECK(nodes.size() == 4);
    DemoNode& client = *nodes.front();
    std::vector<std::string> servers;
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        ASSIGN_OR_RETURN(const std::string address, serving_address(*nodes[i], stop));
        servers.insert(servers.end(), {"--server", address});
    }
    const std::vector<std::string> text = {"--prompt", prompt, "--steps",       kSteps,
                                           "--seed",   "1",    "--temperature", "0.7"};
    DemoFailover answer;
    Result<Json> split = invalid("not tried");
    std::string model;
    // The channels first: by the time they are deep enough the model has moved on.
    bool has_channels = false;
    for (int tried = 0; tried < kTries && answer.killed == 0; ++tried) {
        ASSIGN_OR_RETURN(model, export_settled(client, stop));
        std::vector<std::string> over = {
            "generate",      "--json", "--model",    model,       "--pay", client.directory(),
            "--no-password", "--open", kDemoChannel, "--standby", "1"};
        over.insert(over.end(), servers.begin(), servers.end());
        if (!has_channels) {
            over.insert(over.end(), {"--prompt", prompt, "--steps", "1"});
            const auto opened =
                generate_watched(over, folder + "/channels.log", stop, [] { return ok_status(); });
            has_channels = opened.ok();
            if (!opened.ok()) split = opened.error();
            if (stop()) return stopped_early();
            ::usleep(1'000'000);
            continue;
        }
        over.insert(over.end(), text.begin(), text.end());
        std::vector<std::uint64_t> before;
        for (const std::size_t i : {2U, 3U}) {
            ASSIGN_OR_RETURN(const std::uint64_t rows, rows_of(*nodes[i]));
            before.push_back(rows);
        }
        // Of the two that hold the second half of the layers, one leads and one follows some rows
        // behind. One that does not follow yet, as a node that is behind the chain, could not take
        // over: then all is asked again.
        const auto watch = [&]() -> Status {
            if (answer.killed != 0) return ok_status();
            ASSIGN_OR_RETURN(const std::uint64_t third, rows_of(*nodes[2]));
            ASSIGN_OR_RETURN(const std::uint64_t fourth, rows_of(*nodes[3]));
            const std::uint64_t rows[] = {third - before[0], fourth - before[1]};
            if (std::max(rows[0], rows[1]) < kKillAfterRows || rows[0] == rows[1] ||
                std::min(rows[0], rows[1]) == 0)
                return ok_status();
            const std::size_t leads = rows[0] > rows[1] ? 0 : 1;
            answer.killed = leads + 3;
            nodes[leads + 2]->kill();
            tell(fmt::format(
                "node {} is killed in mid-sentence, after {} tokens; node {} takes over",
                answer.killed, rows[leads], leads == 0 ? 4 : 3));
            return ok_status();
        };
        split = generate_watched(over, folder + "/answer-crash.log", stop, watch);
        if (answer.killed != 0) break;
        if (stop()) return stopped_early();
        ::usleep(1'000'000);
    }
    RETURN_IF_ERROR(split);
    std::vector<std::string> alone = {"generate", "--json", "--model", model};
    alone.insert(alone.end(), text.begin(), text.end());
    ASSIGN_OR_RETURN(const Json whole, run_json(alone, folder + "/answer-alone.log", stop));
    read_answer(*split, whole, answer);
    return answer;
}

Result<DemoAudits> find_the_liar(DemoNode& model_of, const DemoNetwork& network,
                                 const std::string& folder, const std::string& text_file,
                                 const Stop& stop) {
    ASSIGN_OR_RETURN(const std::string model, model_of.export_model());
    const std::uint32_t half = network.layers / 2;
    ASSIGN_OR_RETURN(const LayerProcess honest,
                     serve_layers(model, 0, half, folder + "/layers-honest.log", stop));
    ASSIGN_OR_RETURN(
        const LayerProcess liar,
        serve_layers(model, half, network.layers, folder + "/layers-liar.log", stop, {"--lie"}));
    DemoAudits found;
    ASSIGN_OR_RETURN(
        const Json audits,
        run_json({"verify", "--json", "--model", model, "--server", honest.address, "--server",
                  liar.address, "--text", text_file, "--rounds", "5", "--book",
                  folder + "/audits.book", "--exhibits", folder + "/exhibits"},
                 folder + "/verify.log", stop, {0, 1}));
    std::string proof;
    for (const Json& audit : audits.value("audits", Json::array())) {
        ++found.audits;
        if (audit.value("finding", std::string()) != "convicted") continue;
        ++found.convicted;
        found.liar_convicted = audit.value("key", std::string()) == liar.key;
        found.sentence = audit.value("sentence", std::string());
        proof = audit.value("exhibit", std::string());
    }
    found.liar_convicted = found.liar_convicted && found.convicted == 1;
    if (proof.empty()) return found;
    ASSIGN_OR_RETURN(const Json verdict,
                     run_json({"audit", "judge", proof, "--json", "--model", model},
                              folder + "/judge.log", stop, {0, 1}));
    found.verdict = verdict.value("verdict", std::string());
    return found;
}

}  // namespace cairn::demo
