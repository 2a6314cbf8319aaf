#include "cli/chain/network_command.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/disk.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/demo/demo_network.h"
#include "cli/json_line.h"
#include "cli/local_model.h"
#include "cli/option_checks.h"
#include "model/files/source.h"
#include "model/text/bpe.h"
#include "node/assets.h"
#include "node/calibrate.h"
#include "worth/network_rules.h"

namespace cairn::cli {

namespace {

// Trains in seconds: for tests and for trying things out.
chain::NetworkDefinition tiny_definition() {
    chain::NetworkDefinition network;
    network.architecture.dim = 32;
    network.architecture.hidden_dim = 64;
    network.architecture.layers = 2;
    network.architecture.heads = 2;
    network.architecture.kv_heads = 2;
    network.architecture.vocab = 320;
    network.architecture.context = 32;
    network.judge_leaf_tokens = 1024;
    network.recipe.local_steps = 4;
    network.recipe.batch_tokens = 1024;
    network.spacing_ms = 500;
    network.halflife_ms = 30'000;
    network.first_target = 0x1e7fffff;
    network.pow_limit = 0x20ffffff;
    return network;
}

// Tokens are learnt from bytes, so anything would do; but what holds zero bytes is no text.
Result<std::string> read_text(const std::string& option, const std::string& file) {
    auto text = read_text_file(file);
    if (!text.ok()) return Error{text.error().code, option + ": " + text.error().message};
    if (text->find_first_not_of(" \t\r\n") == std::string::npos)
        return invalid(option + " " + file + " is empty: give it a text of many pages");
    if (text->find('\0') != std::string::npos)
        return invalid(option + " " + file +
                       " is no text: it holds zero bytes, as archives, pictures and models do");
    return text;
}

Result<std::unique_ptr<model::BpeTokenizer>> train_tokenizer(const std::vector<std::string>& files,
                                                             std::uint32_t vocab) {
    std::vector<std::string> texts;
    for (const std::string& file : files) {
        ASSIGN_OR_RETURN(std::string text, read_text("--tokenizer-texts", file));
        texts.push_back(std::move(text));
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const SystemClock clock;
    Progress progress(clock, "learning the tokenizer", vocab - model::kFirstMerge);
    return model::train_bpe(views, vocab,
                            [&](std::uint64_t done, std::uint64_t) { progress.update(done); });
}

Result<std::vector<crypto::PublicKey>> parse_members(const std::vector<std::string>& members) {
    std::vector<crypto::PublicKey> keys;
    for (const std::string& hex : members) {
        auto key = fixed_from_hex<32>(hex);
        if (!key.ok()) return misused("--member " + hex + ": " + key.error().message);
        if (!crypto::is_valid(*key)) return misused("--member " + hex + " is not a key");
        keys.push_back(*key);
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

// Losses on a text that the rules reward for would prove nothing.
Status check_texts(const NetworkRequest& request, const std::string& judge,
                   const std::string& report) {
    if (same_file(request.judge_file, request.report_file) || judge == report)
        return misused(
            "--judge and --report are one text: what is published must be measured on "
            "another than the rules reward");
    return ok_status();
}

// A text too short to draw judge windows from would only fail at the first merge block.
Status check_length(const model::Tokens& tokens, std::uint32_t context, const std::string& file) {
    if (tokens.size() > 2 * static_cast<std::size_t>(context)) return ok_status();
    return invalid(fmt::format("{} has only {} tokens: take a text of many times the context of {}",
                               file, tokens.size(), context));
}

// Rules 5 and 6 compare updates with these at first; where the config leaves them at their
// defaults, one round of the recipe on a text that no rule reads tells what they should be.
Status measure_start_values(chain::NetworkDefinition& network, const model::Tokens& judge_tokens,
                            const model::Tokens& report_tokens) {
    const chain::NetworkDefinition defaults;
    if (network.norm_start != defaults.norm_start || network.worth_start != defaults.worth_start)
        return ok_status();
    ASSIGN_OR_RETURN(const std::unique_ptr<Machine> machine, Machine::create(0));
    ASSIGN_OR_RETURN(const node::Calibration measured,
                     node::calibrate(network, judge_tokens, report_tokens,
                                     machine->compute().kernels, machine->threads()));
    network.norm_start = measured.norm_start;
    network.worth_start = measured.worth_start;
    return chain::validate(network);
}

void print(const NetworkRequest& request, const chain::NetworkDefinition& network,
           std::size_t judge_tokens, std::size_t report_tokens, std::ostream& out) {
    const model::ParameterLayout layout(worth::model_config(network), 1);
    const std::string id = to_hex(chain::genesis_id(network));
    if (request.json) {
        out << json_line(nlohmann::json{{"dir", request.directory},
                                        {"name", network.name},
                                        {"genesis_id", id},
                                        {"parameters", layout.parameters()},
                                        {"vocab", network.architecture.vocab},
                                        {"judge_tokens", judge_tokens},
                                        {"report_tokens", report_tokens},
                                        {"private", network.is_private()}});
        return;
    }
    out << fmt::format("Network {} in {}\n", network.name, request.directory);
    out << fmt::format("  genesis id   {}\n", id);
    out << fmt::format("  model        {} parameters, {} tokens in the vocabulary\n",
                       layout.parameters(), network.architecture.vocab);
    out << fmt::format("  judge text   {} tokens, read by the rules\n", judge_tokens);
    out << fmt::format("  report text  {} tokens, read by no rule\n", report_tokens);
    out << fmt::format("  a round      {} blocks of {} s each\n", network.round_length,
                       static_cast<double>(network.spacing_ms) / 1000);
    out << fmt::format("  at first     updates are expected to have norm {} and worth {}\n",
                       network.norm_start, network.worth_start);
    out << fmt::format("Next: cairn node --dir {} --train YOUR_TEXT --mine\n", request.directory);
}

}  // namespace

Result<chain::NetworkDefinition> network_preset(const std::string& config) {
    if (config == "tiny") return tiny_definition();
    if (config == "demo") return demo_definition(1, 0);
    auto network = node::read_network(config);
    if (network.ok()) return network;
    return misused("--config wants tiny, demo or the path of a network.json: " +
                   network.error().message);
}

Status run_network_create(const NetworkRequest& request, std::ostream& out) {
    PosixDisk disk(request.directory);
    RETURN_IF_ERROR(check_no_lost_link(request.directory + "/" + std::string(node::kNetworkFile)));
    if (disk.exists(std::string(node::kNetworkFile)))
        return Error{ErrorCode::kRefused,
                     request.directory +
                         " has a network.json already, and a network is made once: name another "
                         "--dir, or start its node with `cairn node --dir " +
                         request.directory + "`"};
    ASSIGN_OR_RETURN(chain::NetworkDefinition network, network_preset(request.config));
    network.name = request.name;
    network.weights_seed = request.seed;
    network.genesis_time_ms =
        request.genesis_time_ms != 0 ? request.genesis_time_ms : SystemClock().wall_ms();
    if (request.vocab) network.architecture.vocab = *request.vocab;
    ASSIGN_OR_RETURN(network.members, parse_members(request.members));
    // The preset is valid: what is not comes from the options.
    if (const Status valid = chain::validate(network); !valid.ok())
        return misused(valid.error().message);

    ASSIGN_OR_RETURN(const std::string judge, read_text("--judge", request.judge_file));
    ASSIGN_OR_RETURN(const std::string report, read_text("--report", request.report_file));
    RETURN_IF_ERROR(check_texts(request, judge, report));
    const std::string target = request.directory + "/" + std::string(node::kNetworkFile);
    RETURN_IF_ERROR(check_outputs(
        {{"--dir", target}}, {{"--judge", request.judge_file}, {"--report", request.report_file}}));
    const std::vector<std::string> learn_from =
        request.tokenizer_texts.empty() ? std::vector{request.judge_file} : request.tokenizer_texts;
    ASSIGN_OR_RETURN(const auto tokenizer, train_tokenizer(learn_from, network.architecture.vocab));
    if (tokenizer->vocab_size() != network.architecture.vocab)
        return invalid(
            fmt::format("the texts give a vocabulary of {} only: take longer ones, or "
                        "--vocab {}",
                        tokenizer->vocab_size(), tokenizer->vocab_size()));
    const model::Tokens judge_tokens = tokenizer->encode(judge);
    const model::Tokens report_tokens = tokenizer->encode(report);
    const std::uint32_t context = network.architecture.context;
    RETURN_IF_ERROR(check_length(judge_tokens, context, request.judge_file));
    RETURN_IF_ERROR(check_length(report_tokens, context, request.report_file));

    ASSIGN_OR_RETURN(network.tokenizer_hash,
                     node::write_tokenizer_asset(request.directory, tokenizer->serialise()));
    ASSIGN_OR_RETURN(network.judge_hash, node::write_text_asset(request.directory, judge_tokens));
    ASSIGN_OR_RETURN(network.report_hash, node::write_text_asset(request.directory, report_tokens));
    RETURN_IF_ERROR(measure_start_values(network, judge_tokens, report_tokens));
    RETURN_IF_ERROR(
        disk.write_atomic(std::string(node::kNetworkFile), as_bytes(chain::to_json(network))));
    print(request, network, judge_tokens.size(), report_tokens.size(), out);
    return ok_status();
}

void add_network(CLI::App& app, Invocation& invocation) {
    CLI::App* group = app.add_subcommand("network", "Make networks");
    group->require_subcommand(1);
    CLI::App* command = add_command(
        *group, invocation, "create", "Make a network from texts and a preset",
        "cairn network create --dir ~/guild --name guild --judge letters.txt --report essays.txt\n"
        "  cairn network create --dir /tmp/n --config tiny --judge a.txt --report b.txt");
    auto request = std::make_shared<NetworkRequest>();
    request->directory = default_directory();
    named_folder(command->add_option("--dir", request->directory, "Where the network's files go"))
        ->capture_default_str();
    command->add_option("--name", request->name, "Letters, digits, '-', '_' and '.'")
        ->capture_default_str();
    command
        ->add_option("--config", request->config,
                     "tiny, demo, or a network.json whose sizes and rules to take")
        ->capture_default_str();
    command->add_option("--judge", request->judge_file, "Text that the rules measure on")
        ->required()
        ->check(CLI::ExistingFile);
    command->add_option("--report", request->report_file, "Text that published losses measure on")
        ->required()
        ->check(CLI::ExistingFile);
    command
        ->add_option("--tokenizer-texts", request->tokenizer_texts,
                     "Texts that the tokenizer learns from (default: the judge text)")
        ->check(CLI::ExistingFile);
    command->add_option("--vocab", request->vocab, "Tokens in the vocabulary")
        ->check(CLI::Range(model::kFirstMerge, model::kMaxBpeVocab));
    command->add_option("--seed", request->seed, "Of the first weights")
        ->check(any_seed())
        ->capture_default_str();
    command
        ->add_option("--genesis-time-ms", request->genesis_time_ms,
                     "Milliseconds since 1970 (default: now)")
        ->check(CLI::Range(std::uint64_t{1}, kMaxTimeMs));
    command->add_option("--member", request->members,
                        "A member's key, in hexadecimal; with any, the network is private");
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_network_create(*request, out); };
    });
}

}  // namespace cairn::cli
