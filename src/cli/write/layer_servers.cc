#include "cli/write/layer_servers.h"

#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/serve/servers_command.h"
#include "cli/write/own_layers.h"
#include "serve/model_snapshot.h"

namespace cairn::cli {

namespace {

constexpr double kMostWaitS = 86'400;
constexpr std::size_t kMostStandbys = 4;
/// Of those that a node knows, how many are asked.
constexpr std::size_t kMostAsked = 32;

/// What the book says of servers, and what the node has found of them.
Standings with_nodes(Standings by_book, const std::vector<node::ServerView>& known) {
    std::map<crypto::PublicKey, node::ServerView> found;
    for (const node::ServerView& server : known)
        if (server.standing) found.emplace(server.record.key, server);
    if (found.empty()) return by_book;
    return [by_book = std::move(by_book), found = std::move(found)](
               const crypto::PublicKey& key) -> std::optional<trust::Standing> {
        const auto standing = by_book ? by_book(key) : std::nullopt;
        const auto by_node = found.find(key);
        return by_node == found.end() ? standing : standing_here(by_node->second, standing);
    };
}

/// Adds to `servers` those of the node that hold layers of the model and are worth asking, and to
/// the choice what the node knows of them.
Status add_known(const LayerServerOptions& options, const Hash256& model, model::LayerRange layers,
                 serve::RouteChoice& choice, std::vector<std::string>& servers) {
    ASSIGN_OR_RETURN(const auto known, known_servers(options.servers_of));
    std::vector<serve::Announce> offers;
    for (const node::ServerView& server : known) offers.push_back(server.record);
    choice.standing = with_nodes(std::move(choice.standing), known);
    const std::vector<std::string> worth =
        serve::worth_asking(offers, model, layers, choice, kMostAsked);
    if (worth.empty() && servers.empty())
        return not_found("the node knows " + std::to_string(known.size()) +
                         " layer server(s), none of which holds layers of this model (" +
                         short_hex(model) + "): `cairn servers --dir DIR` shows what they hold");
    servers.insert(servers.end(), worth.begin(), worth.end());
    return ok_status();
}

/// How long, and how often, servers are asked that may be about to take up a network's newest
/// model: it is settled for all at the same moment, and packing it takes them some seconds.
constexpr std::uint64_t kTakeUpMs = 10'000;
constexpr std::chrono::seconds kTakeUpPause{1};

/// The servers that would be used; asks again, for so long, while nobody holds some layers.
Result<std::vector<serve::Hop>> look_for_a_while(const Hash256& hash,
                                                 const model::ModelConfig& config,
                                                 const serve::NetworkLayersOptions& network,
                                                 std::uint64_t patience_ms) {
    const SystemClock clock;
    const std::uint64_t end_us = clock.monotonic_us() + patience_ms * 1000;
    bool told = false;
    for (;;) {
        auto hops = serve::NetworkLayers::look(hash, config, network);
        if (hops.ok() || hops.error().code != ErrorCode::kNotFound ||
            clock.monotonic_us() >= end_us)
            return hops;
        if (!std::exchange(told, true))
            say("nobody holds some layers of this model yet: its servers are asked again");
        std::this_thread::sleep_for(kTakeUpPause);
    }
}

}  // namespace

std::array<Option, 2> add_layer_server_options(const Command& command,
                                               LayerServerOptions& options) {
    const auto server =
        command
            .add_option("--server", options.servers,
                        "Let servers compute the layers: HOST:PORT of one, or KEY@HOST:PORT "
                        "through a relay; again for each, spare ones too")
            .one_value_each();  // what follows may be a model
    const auto servers_of = command.add_option(
        "--servers-of", options.servers_of,
        "The same with the servers that a running node has heard of: its data directory, or "
        "HOST:PORT of its API. Without --model: with its network's own model, of which only what a "
        "client computes is fetched; then HOST:PORT is where any node of it listens for peers");
    command
        .add_option("--genesis", options.genesis,
                    "With --servers-of and without --model: genesis id that the network must have")
        .needs(servers_of);
    command
        .add_option("--cache", options.cache,
                    "Folder of what is fetched of a network (default: ~/.cache/cairn/networks)")
        .needs(servers_of);
    command
        .add_option("--most-mib", options.most_mib, "MiB of weights that may be fetched, at most")
        .needs(servers_of)
        .check(range(0.01, 1e6))
        .capture_default_str();
    command
        .add_option("--standby", options.standbys,
                    "With --server: spare servers for each stretch of layers that are fed the same "
                    "and take over at once; without, one that takes over computes the text so far")
        .check(range(std::size_t{0}, kMostStandbys))
        .capture_default_str();
    command
        .add_option("--wait", options.wait_s,
                    "With --server: seconds to wait in mid-sentence for a server when nobody holds "
                    "some layers any more")
        .check(range(0.0, kMostWaitS))
        .capture_default_str();
    add_pay_options(command, options.pay);
    command
        .add_option("--prefer", options.prefer,
                    "With --server: of the routes that can be trusted the fastest or the cheapest")
        .check(one_of({"fastest", "cheapest"}))
        .capture_default_str();
    command
        .add_option("--book", options.book,
                    "With --server: file of `cairn verify`; whom it found wanting is left out, and "
                    "whom it does not know comes last")
        .capture_default_str();
    add_trust_options(command, options.trust);
    command
        .add_option("--audit", options.audit,
                    "With --server: chance (0 to 1) with which a server's part of this text is "
                    "computed again here at the end; a server that signed for anything else is "
                    "convicted")
        .check(range(0.0, 1.0))
        .capture_default_str();
    return {server, servers_of};
}

Status check_layer_servers(const LayerServerOptions& options) {
    const LayerServerOptions usual;
    const bool given = options.standbys != usual.standbys || options.wait_s != usual.wait_s ||
                       options.prefer != usual.prefer || options.book != usual.book ||
                       options.trust.theta != usual.trust.theta ||
                       options.trust.policy != usual.trust.policy || options.pay.any() ||
                       options.audit != usual.audit || options.encoder;
    if (given && !options.any())
        return misused(
            "--encoder-too, --standby, --wait, --prefer, --book, --theta, --policy, --audit and "
            "--pay say how servers are used: name some by --server HOST:PORT, or a node that knows "
            "some by --servers-of DIR");
    return ok_status();
}

Result<LayerServers> LayerServers::of(const LayerServerOptions& options, model::Model& model,
                                      const std::optional<Hash256>& name,
                                      const SamplingOptions& sampling,
                                      std::shared_ptr<serve::Purse> purse, AuditedModel& audited) {
    LayerServers servers;
    servers.options_ = options;
    servers.sampling_ = sampling;
    servers.config_ = model.config;
    servers.is_network_model_ = name.has_value();
    // Servers know a model by its canonical weights.
    servers.model_ = name ? *name : serve::content_hash(model.config, model.weights);
    servers.purse_ = std::move(purse);
    if (options.audit > 0)
        audited.whole = {model.config, model.weights, model.storage, servers.model_};
    model.weights.layers.assign(model.config.layers, {});
    return servers;
}

Result<serve::NetworkLayersOptions> LayerServers::network_options() const {
    serve::NetworkLayersOptions network;
    serve::RouteChoice& choice = network.remote.choice;
    ASSIGN_OR_RETURN(choice.prefer, serve::parse_prefer(options_.prefer));
    ASSIGN_OR_RETURN(choice.standing, standings_of(options_.book, options_.trust));
    network.purse = purse_;
    choice.most_price = purse_ ? purse_->options().max_price : 0;
    network.remote.servers = options_.servers;
    network.remote.kv = sampling_.kv;
    network.remote.wire = sampling_.states;
    network.remote.standbys = options_.standbys;
    network.remote.wait_ms = static_cast<std::uint64_t>(options_.wait_s * 1000);
    network.remote.note = [](const std::string& line) { log_info("{}", line); };
    network.remote.left_out = [](const std::string& line) { log_warn("{}", line); };
    network.audit = options_.audit;
    if (!options_.servers_of.empty())
        RETURN_IF_ERROR(
            add_known(options_, model_, {0, config_.layers}, choice, network.remote.servers));
    return network;
}

Status LayerServers::look() const {
    ASSIGN_OR_RETURN(const serve::NetworkLayersOptions network, network_options());
    RETURN_IF_ERROR(serve::NetworkLayers::look(model_, config_, network));
    return ok_status();
}

Result<std::unique_ptr<serve::NetworkLayers>> LayerServers::connect(
    std::size_t positions, std::vector<float> source) const {
    ASSIGN_OR_RETURN(serve::NetworkLayersOptions network, network_options());
    network.remote.source = std::move(source);
    network.remote.max_positions = static_cast<std::uint32_t>(positions);
    if (purse_ || is_network_model_) {
        ASSIGN_OR_RETURN(
            const std::vector<serve::Hop> hops,
            look_for_a_while(model_, config_, network, is_network_model_ ? kTakeUpMs : 0));
        if (purse_) {
            if (const std::string price = price_sentence(hops); !price.empty()) say(price);
            RETURN_IF_ERROR(open_missing_channels(options_.pay, hops));
        }
    }
    return serve::NetworkLayers::connect(model_, config_, network);
}

namespace {

/// What servers of the encoder's layers make of the prompt.
Result<std::vector<float>> encode_over(const LayerServers& servers, const tensor::Compute& compute,
                                       const LocalModel& local, const std::string& prompt,
                                       tensor::StateType type, AuditedModel& audited) {
    ASSIGN_OR_RETURN(const text::Tokens tokens, source_tokens(local, prompt));
    const model::Model& half = local.encoder->encoder;
    // Embedding and final norm run here.
    model::Transformer ends(half.config, half.weights, {0, 0}, compute, {.max_batch = 1});
    std::vector<float> states(tokens.size() * half.config.dim);
    ends.embed(tokens, 0, states);
    ASSIGN_OR_RETURN(const auto layers, servers.connect(tokens.size()));
    RETURN_IF_ERROR(layers->forward(states));
    ends.finish(states);
    tensor::round_states(type, half.config.dim, states);
    audited.encoder_diaries = layers->diaries();
    return states;
}

}  // namespace

Result<std::unique_ptr<serve::NetworkLayers>> connect_layers(const LayerServerOptions& options,
                                                             const TextToWrite& text,
                                                             const tensor::Compute& compute,
                                                             LocalModel& local,
                                                             AuditedModel& audited) {
    const SamplingOptions& sampling = text.sampling;
    ASSIGN_OR_RETURN(const std::shared_ptr<serve::Purse> purse, open_purse(options.pay));
    ASSIGN_OR_RETURN(const LayerServers servers,
                     LayerServers::of(options, local.model, local.name, sampling, purse, audited));
    std::optional<LayerServers> encoder;
    if (options.encoder && local.encoder) {
        AuditedModel half;
        ASSIGN_OR_RETURN(encoder, LayerServers::of(options, local.encoder->encoder, std::nullopt,
                                                   sampling, purse, half));
        audited.encoder = std::move(half.whole);
    }
    pack_local_model(compute, local);
    std::vector<float> source;
    if (encoder) {
        ASSIGN_OR_RETURN(
            source, encode_over(*encoder, compute, local, text.prompt, sampling.states, audited));
    } else {
        ASSIGN_OR_RETURN(source, source_states(local, compute, text.prompt, sampling.states));
    }
    return servers.connect(text.positions, std::move(source));
}

}  // namespace cairn::cli
