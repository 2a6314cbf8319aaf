#include "cli/chain/network_command.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/shell_word.h"
#include "chain/codec_kinds.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/network_settings.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "node/create_network.h"
#include "node/network_presets.h"
#include "text/bpe.h"
#include "wallet/address.h"

namespace cairn::cli {

namespace {

constexpr double kShareUnit = 65536;
constexpr double kMaxPublicShare = chain::kMaxPublicShare / kShareUnit;

double share_of(const chain::NetworkDefinition& network) {
    return network.public_share / kShareUnit;
}

/// The address of a wallet, or the digits of a key, of which a node without a wallet has one too.
Result<crypto::PublicKey> parse_member(const std::string& member) {
    if (member.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        return wallet::decode_address(member);
    ASSIGN_OR_RETURN(const crypto::PublicKey key, fixed_from_hex<32>(member));
    if (!crypto::is_valid(key)) return invalid("no key has these digits");
    return key;
}

Result<std::vector<crypto::PublicKey>> parse_members(const std::vector<std::string>& members) {
    std::vector<crypto::PublicKey> keys;
    for (const std::string& member : members) {
        const auto key = parse_member(member);
        if (!key.ok())
            return misused("--member " + member + ": " + key.error().message +
                           "; a member's address is what `cairn wallet address` prints");
        keys.push_back(*key);
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    return keys;
}

nlohmann::json sources_json(const chain::NetworkDefinition& network) {
    auto list = nlohmann::json::array();
    for (const chain::TextSource& source : network.sources)
        list.push_back({{"name", source.name},
                        {"judge_tokens", source.judge_tokens},
                        {"report_tokens", source.report_tokens}});
    return list;
}

/// Where a kind is named without figures, those of the config are kept if the kind can have them.
Status set_codec(const NetworkRequest& request, chain::CodecSpec& codec) {
    for (std::size_t i = 0; i < std::size(chain::kCodecNames); ++i)
        if (request.codec == chain::kCodecNames[i]) codec.kind = static_cast<chain::CodecKind>(i);
    if (codec.kind == chain::CodecKind::kDense) {
        codec = {chain::CodecKind::kDense, 0, 8};
    } else if (codec.bits == 1 && !chain::is_rotation(codec.kind)) {
        codec.bits = 8;
    }
    if (request.codec_bits) codec.bits = *request.codec_bits;
    if (request.codec_values)
        codec.log2_ratio = static_cast<std::uint32_t>(std::countr_zero(4096U) -
                                                      std::countr_zero(*request.codec_values));
    const Status valid = chain::validate(codec);
    return valid.ok() ? ok_status() : misused("--codec: " + valid.error().message);
}

/// Which rules merge, and how trainers step.
Status set_training(const NetworkRequest& request, chain::NetworkDefinition& network) {
    if (request.one_winner) node::set_one_winner(network);
    const bool sgd = request.optimiser.empty() ? request.one_winner : request.optimiser == "sgd";
    if (sgd)
        node::set_sgd(network);
    else if (!request.optimiser.empty() && network.optimiser == chain::Optimiser::kSgd)
        return misused("--optimiser adamw: the network.json of --config has rates for sgd");
    if (request.rate)
        network.recipe.learning_rate_ppb =
            static_cast<std::uint32_t>(std::lround(*request.rate * chain::kPpb));
    return ok_status();
}

std::string round_words(const chain::NetworkDefinition& network) {
    const double spacing_s = static_cast<double>(network.spacing_ms) / 1000;
    if (network.one_winner())
        return fmt::format(
            "1 block of {} s, which carries the update of who found it; no rule judges it, and its "
            "miner gets the whole unit",
            spacing_s);
    return fmt::format("{} blocks of {} s each", network.round_length, spacing_s);
}

std::string codec_words(const chain::CodecSpec& codec) {
    return fmt::format("{}, {} values of {} bit{} for 4096 parameters", chain::name_of(codec.kind),
                       4096U >> codec.log2_ratio, codec.bits, codec.bits == 1 ? "" : "s");
}

void print(const NetworkRequest& request, const node::CreatedNetwork& made, std::ostream& out) {
    const chain::NetworkDefinition& network = made.definition;
    const std::string id = to_hex(chain::genesis_id(network));
    if (request.json) {
        out << console::json_line(
            nlohmann::json{{"dir", request.directory},
                           {"name", network.name},
                           {"genesis_id", id},
                           {"parameters", made.parameters},
                           {"vocab", network.architecture.vocab},
                           {"judge_tokens", made.judge_tokens},
                           {"report_tokens", made.report_tokens},
                           {"sources", sources_json(network)},
                           {"public_share", share_of(network)},
                           {"work", chain::name_of(network.work)},
                           {"codec", chain::name_of(network.codec.kind)},
                           {"codec_values", 4096U >> network.codec.log2_ratio},
                           {"codec_bits", network.codec.bits},
                           {"one_winner", network.one_winner()},
                           {"optimiser", chain::name_of(network.optimiser)},
                           {"private", network.is_private()}});
        return;
    }
    out << fmt::format("Network {} in {}\n", network.name, request.directory);
    out << fmt::format("  genesis id   {}\n", id);
    out << fmt::format("  model        {} parameters, {} tokens in the vocabulary\n",
                       made.parameters, network.architecture.vocab);
    out << fmt::format("  judge text   {} tokens, read by {}; {:g} % of what trainers read\n",
                       made.judge_tokens, network.one_winner() ? "no rule" : "the rules",
                       100 * share_of(network));
    out << fmt::format("  report text  {} tokens, read by no rule\n", made.report_tokens);
    for (const chain::TextSource& source : network.sources)
        out << fmt::format("  of these       {}: {} and {}\n", source.name, source.judge_tokens,
                           source.report_tokens);
    out << fmt::format("  a round      {}\n", round_words(network));
    out << fmt::format("  training     {} local steps of {}, rate {:g}\n",
                       network.recipe.local_steps, chain::name_of(network.optimiser),
                       static_cast<double>(network.recipe.learning_rate_ppb) / chain::kPpb);
    out << fmt::format("  work         {}\n", chain::name_of(network.work));
    out << fmt::format("  updates as   {}\n", codec_words(network.codec));
    out << fmt::format("  at first     updates are expected to have norm {}\n", network.norm_start);
    const char* wallet = network.is_private() ? " --wallet" : "";
    if (network.is_private())
        out << fmt::format("  members      {}, and nobody else\n", network.members.size());
    out << fmt::format("Next: cairn node --dir {} --train YOUR_TEXT --mine{}\n",
                       shell_word(request.directory), wallet);
    out << fmt::format(
        "Others need a copy of {}/network.json, and you --listen 0.0.0.0:8333:\n"
        "  cairn node --network network.json --connect HOST:8333 --train TEXT --mine{}\n",
        request.directory, wallet);
}

void add_codec(const Command& command, NetworkRequest& request) {
    command
        .add_option("--codec", request.codec,
                    "How updates travel: srht; srht2, at 1 bit without srht's bias; dense; or "
                    "another sketch of the paper's Table 1, which learns no faster and is here "
                    "to be compared; gaussian and ams only for small models (default: that of "
                    "--config)")
        .check(one_of(std::vector<std::string>(std::begin(chain::kCodecNames),
                                               std::end(chain::kCodecNames))));
    command
        .add_option("--codec-values", request.codec_values,
                    "Values sent for 4096 parameters: a power of two from 16 to 4096")
        .check(one_of({16, 32, 64, 128, 256, 512, 1024, 2048, 4096}));
    command.add_option("--codec-bits", request.codec_bits, "Bits of each value")
        .check(one_of({1, 4, 8, 16}));
}

void add_training(const Command& command, NetworkRequest& request) {
    command.add_flag("--one-winner", request.one_winner,
                     "Each block carries the update of who found it, which becomes part of the "
                     "model as it is, and nothing else does: the network of the GradientCoin "
                     "paper. No rule judges an update there, so whoever has hash power moves the "
                     "model, whatever he sends");
    command
        .add_option("--optimiser", request.optimiser,
                    "How trainers step: adamw, or sgd, plain gradient descent (default: that of "
                    "--config; with --one-winner sgd)")
        .check(one_of(std::vector<std::string>(std::begin(chain::kOptimiserNames),
                                               std::end(chain::kOptimiserNames))));
    command
        .add_option("--rate", request.rate,
                    "Learning rate of the local steps (default: that of --config; 0.5 for sgd)")
        .check(range(1e-9, 1.0));
}

}  // namespace

Status run_network_create(const NetworkRequest& request, std::ostream& out) {
    node::NewNetwork wanted{
        request.directory, {}, request.judge_files, request.report_files, request.tokenizer_texts};
    chain::NetworkDefinition& network = wanted.definition;
    ASSIGN_OR_RETURN(network, node::network_preset(request.config));
    for (std::size_t i = 0; i < std::size(chain::kWorkNames); ++i)
        if (request.work == chain::kWorkNames[i])
            node::set_work(network, static_cast<chain::WorkFunction>(i));
    RETURN_IF_ERROR(set_codec(request, network.codec));
    RETURN_IF_ERROR(set_training(request, network));
    network.name = request.name;
    network.weights_seed = request.seed;
    network.genesis_time_ms =
        request.genesis_time_ms != 0 ? request.genesis_time_ms : SystemClock().wall_ms();
    if (request.public_share)
        network.public_share =
            static_cast<std::uint32_t>(std::lround(*request.public_share * kShareUnit));
    if (request.vocab) network.architecture.vocab = *request.vocab;
    if (request.block_seconds)
        node::set_spacing(network,
                          static_cast<std::uint64_t>(std::llround(*request.block_seconds * 1000)));
    // That of a network whose sizes were taken is not this one's: create_network measures it.
    network.norm_start = chain::NetworkDefinition{}.norm_start;
    ASSIGN_OR_RETURN(network, with_settings(network, request.settings));
    ASSIGN_OR_RETURN(network.members, parse_members(request.members));
    ASSIGN_OR_RETURN(const std::unique_ptr<Machine> machine, Machine::create(0));
    ASSIGN_OR_RETURN(const node::CreatedNetwork made,
                     node::create_network(wanted, machine->compute().kernels, machine->threads()));
    print(request, made, out);
    return ok_status();
}

void add_texts(const Command& command, NetworkRequest& request) {
    command
        .add_option("--judge", request.judge_files,
                    "Text that the rules measure on; given again, the rules measure evenly on all "
                    "of them, so that who trains on a text like one of them is heard")
        .required()
        .one_value_each()
        .check(existing_file());
    command
        .add_option("--report", request.report_files,
                    "Text that published losses measure on; one for each --judge, in the same "
                    "order")
        .required()
        .one_value_each()
        .check(existing_file());
    command
        .add_option("--tokenizer-texts", request.tokenizer_texts,
                    "Texts that the tokenizer learns from (default: the judge texts)")
        .check(existing_file());
}

void add_network(const Command& app, Invocation& invocation) {
    const Command group = app.add_subcommand("network", "Make a network of your own");
    group.require_subcommand();
    const Command command = add_command(
        group, invocation, "create", "Make a network from texts and a preset",
        "cairn network create --dir ~/guild --name guild --judge letters.txt --report essays.txt\n"
        "  cairn network create --dir ~/two --judge a1.txt --report a2.txt --judge b1.txt --report "
        "b2.txt\n"
        "  cairn network create --dir /tmp/n --config tiny --judge a.txt --report b.txt\n"
        "  cairn network create --dir ~/big --block-seconds 10 --set architecture.dim=256 "
        "--set architecture.hidden_dim=704 --set recipe.local_steps=400 --judge a.txt --report "
        "b.txt\n"
        "  cairn network create --dir ~/laptops --work argon2id --judge a.txt --report b.txt\n"
        "  cairn network create --dir /tmp/s --config tiny --codec count-sketch --judge a.txt "
        "--report b.txt\n"
        "  cairn network create --dir /tmp/w --config tiny --one-winner --judge a.txt --report "
        "b.txt");
    auto request = std::make_shared<NetworkRequest>();
    request->directory = default_directory();
    named_folder(command.add_option("--dir", request->directory, "Where the network's files go"))
        .capture_default_str();
    command.add_option("--name", request->name, "Letters, digits, '-', '_' and '.'")
        .capture_default_str();
    command
        .add_option("--config", request->config,
                    "tiny, demo, or a network.json whose sizes and rules to take")
        .capture_default_str();
    command
        .add_option("--work", request->work,
                    "What miners compute: sha256d, or argon2id, at which a graphics card outweighs "
                    "hundreds of processor cores instead of thousands, and a header takes 0.65 ms "
                    "to check (default: that of --config, sha256d in the presets)")
        .check(one_of(
            std::vector<std::string>(std::begin(chain::kWorkNames), std::end(chain::kWorkNames))));
    add_codec(command, *request);
    add_training(command, *request);
    add_texts(command, *request);
    command
        .add_option("--public-share", request->public_share,
                    "Part of the windows that trainers read from the judge text, the rest from "
                    "their own; trainers of unlike texts learn one model better with it "
                    "(default: that of --config, 0.25 in the presets)")
        .check(range(0.0, kMaxPublicShare));
    command.add_option("--vocab", request->vocab, "Tokens in the vocabulary")
        .check(range(text::kFirstMerge, text::kMaxBpeVocab));
    command
        .add_option("--block-seconds", request->block_seconds,
                    "How long a block takes; the steps of a round must fit into the time of its "
                    "blocks but one (default: that of --config)")
        .check(range(0.1, 86400.0));
    command
        .add_option("--set", request->settings,
                    "NAME=VALUE, a number of network.json by its name there; again for each")
        .one_value_each();
    command.add_option("--seed", request->seed, "Of the first weights")
        .check(any_seed())
        .capture_default_str();
    command
        .add_option("--genesis-time-ms", request->genesis_time_ms,
                    "Milliseconds since 1970 (default: now)")
        .check(range(std::uint64_t{1}, kMaxTimeMs));
    command.add_option("--member", request->members,
                       "The address of a member's wallet, or a key in hexadecimal; again for each. "
                       "With any, the network is private, and its nodes run with --wallet");
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_network_create(*request, out); };
    });
}

}  // namespace cairn::cli
