// `cairn node`: a whole node with its API, which may serve layers too; or with --serve A-B, a model
// file and nothing of a chain a layer server alone.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <ostream>

#include "api/routes.h"
#include "api/server.h"
#include "argument/statement.h"
#include "cli/chain/amount.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/node_display.h"
#include "cli/chain/open_wallet.h"
#include "cli/chain/part_options.h"
#include "cli/chain/serve_layers.h"
#include "cli/chain/verify_options.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "http/http_server.h"
#include "net/address.h"
#include "net/relaying.h"
#include "node/run_node.h"

namespace cairn::cli {

namespace {

// With --serve and --model and none but these, no chain is followed. --dir is ignored then (it may
// come from its default).
constexpr auto kServeOptions = std::to_array<std::string_view>(
    {"--help",     "--json",         "--dir",         "--serve",      "--model",   "--listen",
     "--map-port", "--threads",      "--relay",       "--relay-rate", "--through", "--lie",
     "--from",     "--give-weights", "--weights-dir", "--servers-of", "--part",    "--part-key",
     "--shares",   "--part-of",      "--encoder",     "--prove-rows"});

/// The command line may use keys after the node was started: so many of them are known to it.
constexpr std::uint32_t kChannelKeysAhead = 200;
constexpr std::uint64_t kMaxMemoryMib = std::uint64_t{1} << 30;  // 2^50 bytes

struct NodeRequest {
    node::NodeOptions node;
    std::string api = "127.0.0.1:0";
    bool no_api = false;
    std::string map_port;
    bool use_wallet = false;
    bool fresh_keys = false;
    WalletFile wallet;
    std::string prompt = "And ";
    ServeLayersRequest serve;
    node::NodeServing serving;  ///< by a node that follows its chain
    std::string price;
    NodeVerifyOptions verify;
    bool json = false;
};

// With fresh keys, the node identifies itself to its peers by a separate key (node.key): the
// wallet's key would tell every peer whose coins these are.
Status take_keys(const wallet::Wallet& wallet, NodeRequest& request) {
    if (!wallet.can_spend())
        return Error{ErrorCode::kRefused,
                     "the wallet in " + request.wallet.directory +
                         " only watches: a node signs what it contributes; use the wallet that has "
                         "the words, or leave out --wallet"};
    if (!request.fresh_keys) {
        request.node.key = wallet.secret_of(wallet.main_key());
        return ok_status();
    }
    if (wallet.is_old())
        return Error{ErrorCode::kUnsupported,
                     "--fresh-keys wants a wallet of words: this one is of the older kind, with "
                     "one row of keys for everything"};
    using wallet::Chain;
    const auto account = std::make_shared<const wallet::Account>(wallet.account());
    node::FreshKeys fresh;
    fresh.coinbase = [account](std::uint32_t index) {
        return account->public_key(static_cast<std::size_t>(Chain::kCoinbase), index);
    };
    fresh.contribution = [account](std::uint32_t index) {
        return *account->secret_key(static_cast<std::size_t>(Chain::kContribution), index);
    };
    fresh.coinbase_used = wallet.handed_out(Chain::kCoinbase);
    fresh.contribution_used = wallet.handed_out(Chain::kContribution);
    request.node.fresh = std::move(fresh);
    return ok_status();
}

/// The same keys for another thread: audits are paid on their own.
serve::Purse::SecretOf channel_secrets(const wallet::Wallet& wallet) {
    std::map<crypto::PublicKey, crypto::SecretKey> secrets;
    for (const crypto::PublicKey& key : wallet.keys(kChannelKeysAhead))
        if (const auto secret = wallet.secret_of(key)) secrets.emplace(key, *secret);
    return [secrets = std::move(secrets)](
               const crypto::PublicKey& key) -> std::optional<crypto::SecretKey> {
        const auto found = secrets.find(key);
        return found == secrets.end() ? std::nullopt : std::optional(found->second);
    };
}

Status named(const std::string& option, const Result<net::Address>& address) {
    if (address.ok()) return ok_status();
    return misused(option + ": " + address.error().message);
}

constexpr std::array<std::pair<std::string_view, net::PortAsking>, 4> kPortAskings{
    {{"off", net::PortAsking::kNot},
     {"natpmp", net::PortAsking::kNatPmp},
     {"upnp", net::PortAsking::kUpnp},
     {"any", net::PortAsking::kAny}}};

/// What --map-port says; nothing if it was not given.
Result<std::optional<net::PortAsking>> port_asking(const std::string& word,
                                                   const std::string& listen) {
    if (word.empty()) return std::optional<net::PortAsking>();
    const auto named = std::ranges::find(kPortAskings, word, [](auto& pair) { return pair.first; });
    if (named == kPortAskings.end())
        return misused("--map-port is off, natpmp, upnp or any; got \"" + word + "\"");
    const auto address = net::parse_address(listen);
    const bool alone = !address.ok() || net::is_loopback(address->host);
    if (alone && named->second != net::PortAsking::kNot)
        return misused(
            "--map-port lets peers outside dial this node, but it listens to this machine alone: "
            "add --listen 0.0.0.0:8333");
    return std::optional(named->second);
}

/// What can be known before a chain is read and threads are started.
Status check_request(const NodeRequest& request) {
    if (!request.node.listen.empty())
        RETURN_IF_ERROR(named("--listen", net::parse_address(request.node.listen)));
    for (const std::string& address : request.node.connect)
        RETURN_IF_ERROR(named("--connect", net::parse_peer_address(address)));
    for (const std::string& address : request.node.announce)
        RETURN_IF_ERROR(named("--announce", net::parse_peer_address(address)));
    RETURN_IF_ERROR(port_asking(request.map_port, request.node.listen));
    if (request.node.serving) {
        RETURN_IF_ERROR(named("--serve-listen", net::parse_address(request.node.serving->listen)));
        if (!request.node.serving->address.empty())
            RETURN_IF_ERROR(
                named("--serve-address", net::parse_peer_address(request.node.serving->address)));
    }
    if (request.no_api) return ok_status();
    RETURN_IF_ERROR(named("--api", net::parse_address(request.api)));
    return http::HttpServer::can_listen(request.api, api::kAdvice);
}

Status run_node_command(NodeRequest& request, bool on_terminal, std::ostream& out) {
    RETURN_IF_ERROR(check_request(request));
    request.node.map_port = *port_asking(request.map_port, request.node.listen);
    if (request.use_wallet) {
        ASSIGN_OR_RETURN(wallet::Wallet opened, open_wallet(request.wallet));
        const auto wallet = std::make_shared<const wallet::Wallet>(std::move(opened));
        RETURN_IF_ERROR(take_keys(*wallet, request));
        request.node.channel_secrets = [wallet](const crypto::PublicKey& key) {
            (void)wallet->keys(kChannelKeysAhead);  // derived once
            return wallet->secret_of(key);
        };
        if (request.node.verifying)
            request.node.verifying->auditor.secret_of = channel_secrets(*wallet);
    }
    NodeDisplay display(NodeDisplay::kind(request.json, on_terminal), out);
    std::unique_ptr<api::Server> server;
    Status api_status = ok_status();
    bool give_up = false;
    request.node.started = [&](node::NodeApi& node, Loop& loop) {
        if (!request.no_api) {
            api::ServerOptions options;
            options.listen = request.api;
            options.directory = request.node.directory;
            options.sample_prompt = request.prompt;
            options.threads = request.node.threads;
            options.memory_bytes = request.node.memory_mib << 20;
            auto started = api::Server::start(node, loop, options);
            if (started.ok()) {
                server = *std::move(started);
            } else {
                api_status = started.error();
                give_up = true;
                return;
            }
        }
        display.begin(node, loop, server ? server->address() : "");
    };
    request.node.running = [&](node::NodeApi&, Loop&) { display.on_running(); };
    request.node.stopping = [&] {
        display.end();
        server.reset();
    };
    if (request.node.serving) {
        request.node.serving->began = [&](const node::ServingView& view) {
            display.tell_serving(view);
        };
        request.node.serving->relay_answered = [&](const net::RelayedAddress& address,
                                                   bool passes_on) {
            display.tell_relay(address, passes_on);
        };
    }
    request.node.port_mapped = [&](const net::PortReport& report) { display.tell_port(report); };
    request.node.should_stop = [&] { return give_up; };
    RETURN_IF_ERROR(node::run_node(request.node));
    if (api_status.ok()) display.say_goodbye();
    return api_status;
}

void add_node_options(const Command& command, const std::shared_ptr<NodeRequest>& request) {
    node::NodeOptions& node = request->node;
    named_folder(command.add_option("--dir", node.directory, "The node's data directory"))
        .capture_default_str();
    command.add_option("--network", node.network_file,
                       "network.json to start from, when --dir has none; if it lists more upgrades "
                       "than the one there, they are taken over");
    command.add_option("--listen", node.listen, "HOST:PORT for other nodes; empty: do not listen")
        .capture_default_str();
    command.add_option("--map-port", request->map_port,
                       "How to ask the home's router to let others dial this node: off, natpmp, "
                       "upnp (any device of the home can answer that), any (both); default: "
                       "natpmp, and off on a private network");
    command.add_option("--connect", node.connect, "HOST:PORT of other nodes");
    command.add_option("--announce", node.announce,
                       "HOST:PORT of layer servers (cairn node --serve): the network is told of "
                       "them, by the address that they listen at");
    command
        .add_option("--train", node.train, "Text files to train on; they never leave this machine")
        .check(existing_file());
    const auto mine = command.add_flag("--mine", node.mine, "Mine blocks");
    command
        .add_option("--min-fee-rate", request->node.min_fee_rate,
                    "Payments with a lower fee are neither kept nor passed on: in the smallest "
                    "unit (0.00000001 coins) for each byte")
        .check(range(0, 1'000'000))
        .capture_default_str();
    command
        .add_option("--hash-rate", node.hash_rate,
                    "Nonces tried per second, at most: how much of this computer mining may take "
                    "(default: about a tenth of a core, 100000 of sha256d or 156 of argon2id)")
        .needs(mine)
        .check(range(50, 100'000'000));
    const auto wallet =
        command.add_flag("--wallet", request->use_wallet,
                         "Contribute and mine with the main key of the wallet in --dir");
    command
        .add_flag("--fresh-keys", request->fresh_keys,
                  "With --wallet: a key of its own for every block and every contribution, so that "
                  "strangers cannot tell which are yours")
        .needs(wallet);
    const auto password =
        command
            .add_option("--password-file", request->wallet.password_file,
                        "The wallet's password, on the first line of a file that only you can "
                        "read")
            .needs(wallet);
    command.add_flag("--no-password", request->wallet.no_password, "The wallet has none")
        .needs(wallet)
        .excludes(password);
    const auto api =
        command.add_option("--api", request->api, "HOST:PORT of the page and the JSON API")
            .capture_default_str();
    const auto no_api =
        command.add_flag("--no-api", request->no_api, "Offer neither").excludes(api);
    command.add_option("--sample-prompt", request->prompt, "What the page's samples continue")
        .excludes(no_api)
        .capture_default_str();
    command.add_option("--threads", node.threads, "Computing threads")
        .check(range(std::size_t{1}, kMaxThreads))
        .capture_default_str();
    command.add_option("--memory", node.memory_mib, "Memory limit in MiB; 0 (default): none")
        .check(range(std::uint64_t{0}, kMaxMemoryMib));
    command.add_option("--nice", node.nice, "How far to step back behind other programs")
        .check(range(0, 19))
        .capture_default_str();
    command.add_option("--seed", node.seed, "Of the trainer's choice of text (0: from the system)")
        .check(any_seed());
}

/// Whether only layers of a file are to be served, without a chain.
bool is_layer_server(const Command& command, const ServeLayersRequest& serve) {
    if (serve.layers.empty() || serve.model.empty()) return false;
    return std::ranges::all_of(command.get_options(), [](Option option) {
        return option.count() == 0 ||
               std::ranges::find(kServeOptions, option.get_name()) != kServeOptions.end();
    });
}

Status check_through(const std::vector<std::string>& relays) {
    for (const std::string& address : relays)
        RETURN_IF_ERROR(named("--through", net::parse_peer_address(address)));
    if (relays.size() > net::kMaxThrough)
        return misused("--through: " + std::to_string(net::kMaxThrough) + " nodes at most");
    return ok_status();
}

Status check_layer_server(const ServeLayersRequest& serve) {
    RETURN_IF_ERROR(check_through(serve.through));
    RETURN_IF_ERROR(check_parts(serve));
    return named("--listen", net::parse_address(serve.listen));
}

/// What a node that follows its chain is to serve.
Status take_serving(NodeRequest& request) {
    if (request.serve.layers.empty()) return ok_status();
    const ServeLayersRequest& serve = request.serve;
    if (serve.lie || !serve.from.empty() || serve.give_weights || !serve.weights_dir.empty() ||
        !serve.servers_of.empty() || serve.encoder)
        return misused(
            "--lie, --from, --servers-of, --give-weights, --weights-dir and --encoder belong to a "
            "layer server alone: start one with --serve and --model, and without options of a "
            "chain");
    if (!serve.parts.empty() || !serve.part_of.empty())
        return misused(
            "--part and --part-of belong to a layer server alone: start one with --serve and "
            "--model, and without options of a chain; a node tells others of it by --announce");
    RETURN_IF_ERROR(check_through(serve.through));
    node::NodeServing& serving = request.serving;
    serving.layers = request.serve.layers;
    serving.model_file = request.serve.model;
    serving.relay.max_circuits = serve.relay;
    serving.relay.bytes_per_s = serve.relay_kib * 1024;
    serving.through = serve.through;
    serving.prove_rows = serve.prove_rows;
    if (!request.price.empty()) {
        const auto price = parse_amount(request.price);
        if (!price.ok()) return misused("--price: " + price.error().message);
        serving.price = *price;
        if (serving.price > serve::kMaxPrice)
            return misused("--price: " + chain::amount_text(serve::kMaxPrice) +
                           " coins for 1,000 rows are the most");
    }
    request.node.serving = serving;
    return ok_status();
}

void add_serving_options(const Command& command, NodeRequest& request, Option serve) {
    command
        .add_option("--serve-listen", request.serving.listen,
                    "With --serve, of a node that follows its chain: HOST:PORT for clients")
        .needs(serve)
        .capture_default_str();
    command
        .add_option("--serve-address", request.serving.address,
                    "HOST:PORT by which clients reach it, if that is another")
        .needs(serve);
    command
        .add_option("--least-speed", request.serving.least_tokens_per_s,
                    "Serve only if this machine takes so many tokens a second through its layers")
        .needs(serve)
        .check(range(0.0, 1e6));
    command
        .add_option("--price", request.price,
                    "Coins for 1,000 tokens through one layer, from payment channels (default: it "
                    "is free)")
        .needs(serve);
}

void add_proof_option(const Command& command, ServeLayersRequest& serve, Option needed) {
    command
        .add_option("--prove-rows", serve.prove_rows,
                    "With --serve: prove attention (of sessions by --kv digits) to who shows a "
                    "receipt of at most so many rows; 512 take 184 MB and half a second a head "
                    "(0: prove none)")
        .needs(needed)
        .check(range(std::size_t{0}, argument::kMaxRows))
        .capture_default_str();
}

void add_weight_options(const Command& command, ServeLayersRequest& serve, Option needed) {
    command
        .add_option(
            "--from", serve.from,
            "With --serve and a model's name, and without a chain: HOST:PORT of servers that "
            "may give its layers; again for each")
        .needs(needed);
    command
        .add_flag(
            "--give-weights", serve.give_weights,
            "With --serve and --model, without a chain: let others fetch the weights that are "
            "here")
        .needs(needed);
    command
        .add_flag(
            "--encoder", serve.encoder,
            "With --serve and --model FILE, without a chain: of an encoder-decoder the layers "
            "of its encoder (default: of its decoder)")
        .needs(needed);
    command
        .add_option("--weights-dir", serve.weights_dir,
                    "Folder of what is fetched (default: ~/.cache/cairn/weights)")
        .needs(needed);
}

void add_relay_options(const Command& command, ServeLayersRequest& serve, Option needed) {
    const auto relay =
        command
            .add_option("--relay", serve.relay,
                        "With --serve: pass on this many links between others that "
                        "cannot dial each other, which this node can neither read nor "
                        "change (0: none)")
            .needs(needed)
            .check(range(0, 256))
            .capture_default_str();
    command
        .add_flag("--lie", serve.lie,
                  "With --serve: every answer is wrong in a bit, to show how `cairn verify` finds "
                  "that out")
        .needs(needed);
    command
        .add_option("--relay-rate", serve.relay_kib,
                    "KiB a second that may pass for all of them together")
        .needs(relay)
        .check(range(1, 1 << 20))
        .capture_default_str();
    command
        .add_option("--through", serve.through,
                    "With --serve, behind a router: HOST:PORT where nodes with --relay serve "
                    "layers, to which this one keeps a link and through which others reach it")
        .needs(needed);
}

}  // namespace

void add_node(const Command& app, Invocation& invocation) {
    const Command command =
        add_command(app, invocation, "node", "Run a node: follow the chain, train, mine, serve",
                    "cairn node --dir ~/guild --train letters.txt --mine --connect 192.0.2.7:8333\n"
                    "  cairn node --dir ~/guild --serve 0-2 --price 0.01 --serve-listen "
                    "0.0.0.0:8500\n"
                    "  cairn node --dir ~/guild --verify\n"
                    "  cairn node --serve 0-3 --model export/model.cairn --listen 127.0.0.1:8500\n"
                    "  cairn node --serve 3-6 --model HASH --from 192.0.2.7:8500   (fetches its "
                    "layers)\n"
                    "  cairn node --serve 0-6 --model a.gguf --part-of parts.key --listen "
                    "192.168.1.3:8600   (computes half of them)\n"
                    "  cairn node --serve 0-6 --model a.gguf --part 192.168.1.3:8600 --part-key "
                    "parts.key --listen 192.0.2.7:8500");
    auto request = std::make_shared<NodeRequest>();
    request->node.directory = default_directory();
    add_node_options(command, request);
    const auto serve =
        command.add_option("--serve", request->serve.layers,
                           "Layers A-B to compute for others; auto: of a model file all, of a "
                           "node's network those that are served most slowly");
    command
        .add_option("--model", request->serve.model,
                    "Model file for --serve, or the name (content hash) of a model that others "
                    "have; without, a node serves the chain's own model")
        .needs(serve);
    add_proof_option(command, request->serve, serve);
    add_weight_options(command, request->serve, serve);
    add_serving_options(command, *request, serve);
    add_part_options(command, request->serve, serve);
    add_relay_options(command, request->serve, serve);
    add_node_verify_options(command, request->verify);
    command.callback([request, command, &invocation] {
        request->json = invocation.json;
        request->wallet.directory = request->node.directory;
        if (!is_layer_server(command, request->serve)) {
            invocation.run = [request, &invocation](std::ostream& out) -> Status {
                RETURN_IF_ERROR(take_serving(*request));
                ASSIGN_OR_RETURN(request->node.verifying,
                                 node_verifying(request->verify, request->use_wallet));
                return run_node_command(*request, invocation.on_terminal, out);
            };
            return;
        }
        request->serve.listen = request->node.listen;
        request->serve.threads = request->node.threads;
        request->serve.json = invocation.json;
        invocation.run = [request](std::ostream& out) -> Status {
            RETURN_IF_ERROR(check_layer_server(request->serve));
            ASSIGN_OR_RETURN(const auto asking,
                             port_asking(request->map_port, request->serve.listen));
            request->serve.map_port = asking.value_or(net::PortAsking::kNatPmp);
            if (!request->serve.part_of.empty()) return run_serve_part(request->serve, out);
            return run_serve_layers(request->serve, out);
        };
    });
}

}  // namespace cairn::cli
