#include "node/light_client.h"

#include <algorithm>
#include <utility>

#include "consensus/state_root.h"
#include "net/address.h"
#include "net/relay_messages.h"
#include "node/served_model.h"

namespace cairn::node {

namespace {

constexpr std::uint64_t kTickMs = 100;
constexpr std::uint64_t kRedialMs = 2'000;
constexpr std::uint64_t kFirstLinkMs = 10'000;  // before anybody answered
constexpr std::uint64_t kAnswerMs = 15'000;     // for headers, and for a piece of a file
constexpr std::uint64_t kAskAgainMs = 500;      // a node whose model does not stand firm yet
constexpr std::uint64_t kLeavesMs = 12'000;     // without any leaf, where other nodes may be asked
constexpr std::uint64_t kServersMs = 1'500;     // to hear of layer servers, once all else is here
constexpr std::size_t kMaxServers = 256;
/// Of fetches that begin again so many count as new.
constexpr std::size_t kMostBegun = 8;
constexpr std::uint32_t kNewestRounds = 3;  // an older model is not taken (S25)

}  // namespace

std::vector<std::size_t> LightClient::tensors_of_clients(const model::ModelConfig& config) {
    std::vector<std::size_t> numbers;
    const model::ParameterLayout layout(config);
    for (std::size_t i = 0; i < layout.tensors().size(); ++i)
        if (!model::is_per_layer(layout.tensors()[i].kind)) numbers.push_back(i);
    return numbers;
}

LightClient::LightClient(Loop& loop, net::Network& network, const Clock& clock,
                         const LightOptions& options, Found done)
    : loop_(loop),
      network_(network),
      clock_(clock),
      options_(options),
      done_(std::move(done)),
      new_ms_(clock.monotonic_us() / 1000) {
    if (options.genesis) found_.genesis_id = *options.genesis;
    for (const std::string& address : options.nodes) {
        dial_at_ms_[address] = 0;
        known_[address] = false;
    }
}

LightClient::~LightClient() = default;

std::string LightClient::in_folder(const std::string& name) const {
    return options_.folder + "/" + to_hex(found_.genesis_id) + "/" + name;
}

void LightClient::start() {
    network_.set_handler(this);
    tick();
}

void LightClient::finish(Result<LightChain> result) {
    if (std::exchange(finished_, true)) return;
    loop_.post(
        alive_.guard([this, result = std::move(result)]() mutable { done_(std::move(result)); }));
}

void LightClient::tick() {
    if (finished_) return;
    loop_.call_after(kTickMs, alive_.guard([this] { tick(); }));
    dial();
    if (hashing_) new_ms_ = now_ms();
    std::vector<net::PeerId> slow;
    for (const auto& [peer, node] : nodes_) {
        if (node.headers_ms != 0 && now_ms() >= node.headers_ms + kAnswerMs) slow.push_back(peer);
        if (peer == file_from_ && now_ms() >= file_ms_ + kAnswerMs) slow.push_back(peer);
    }
    for (const net::PeerId peer : slow) leave_out(peer, "it does not answer");
    if (fetcher_ && !fetched_) {
        const fetch::LeafFetcher::Progress progress = fetcher_->progress();
        if (progress.done > done_bytes_) new_ms_ = leaves_ms_ = now_ms();
        done_bytes_ = std::max(done_bytes_, progress.done);
        if (now_ms() >= leaves_ms_ + kLeavesMs) leave_out_idle_sources();
        if (options_.progress) options_.progress("weights", progress.done, progress.total);
    }
    if (fetcher_ && is_fetch_lost()) begin_again();
    advance();
    const bool is_anybody_left = !nodes_.empty() || !dial_at_ms_.empty();
    const std::uint64_t patience_ms =
        was_linked_ ? options_.patience_ms : std::min(options_.patience_ms, kFirstLinkMs);
    if (is_anybody_left && now_ms() < new_ms_ + patience_ms) return;
    std::string lacks = "no node answers";
    if (fetcher_)
        lacks = "nobody gives the rest of the model's embedding, norm and head";
    else if (first_headers_ms_ != 0)
        lacks = "no node gives a model that the headers prove";
    else if (has_definition_)
        lacks = "no node gives tokenizer and headers";
    else if (!found_.genesis_id.is_zero() && !nodes_.empty())
        lacks = "no node gives the network's definition";
    else if (!nodes_.empty())
        lacks = "what answers there follows no chain (a layer server, perhaps)";
    finish(Error{ErrorCode::kTimeout,
                 lacks +
                     (last_trouble_.empty() ? "" : " (the latest trouble: " + last_trouble_ + ")") +
                     "; give the address where a node of the network listens for peers"});
}

void LightClient::dial() {
    for (auto& [address, due] : dial_at_ms_) {
        if (now_ms() < due) continue;
        due = now_ms() + options_.patience_ms;  // until it fails, or is up
        network_.connect(address);
    }
}

void LightClient::on_connect_failed(const std::string& address, const std::string& reason) {
    last_trouble_ = address + ": " + reason;
    const auto found = dial_at_ms_.find(address);
    if (found != dial_at_ms_.end()) found->second = now_ms() + kRedialMs;
}

void LightClient::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    dial_at_ms_.erase(info.address);
    if (is_left_out(info.address)) return network_.disconnect(peer);  // while it was dialled
    was_linked_ = true;
    nodes_[peer].address = info.address;  // its hello names the network: ours follows
}

void LightClient::on_peer_down(net::PeerId peer, const std::string& reason) {
    const auto found = nodes_.find(peer);
    if (found == nodes_.end()) return;
    last_trouble_ = found->second.address + ": " + reason;
    dial_at_ms_[found->second.address] = now_ms() + kRedialMs;
    nodes_.erase(found);
    if (fetcher_) fetcher_->remove_source(peer);
    forget_file_of(peer);
}

// The next node begins the file anew: it does not answer for what this one sent.
void LightClient::forget_file_of(net::PeerId peer) {
    if (file_from_ != peer) return;
    file_from_ = 0;
    file_.clear();
}

bool LightClient::is_left_out(const std::string& address) const {
    const auto found = known_.find(address);
    return found != known_.end() && found->second;
}

// For good: it is not dialled again.
void LightClient::leave_out(net::PeerId peer, const std::string& why) {
    const auto found = nodes_.find(peer);
    if (found == nodes_.end()) return;
    last_trouble_ = found->second.address + ": " + why;
    note(found->second.address + " is not asked any more: " + why);
    known_[found->second.address] = true;
    if (peer == file_from_) file_most_ = 0;  // for the next one
    nodes_.erase(found);
    if (fetcher_) fetcher_->remove_source(peer);
    forget_file_of(peer);
    network_.disconnect(peer);
}

void LightClient::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    const auto found = nodes_.find(peer);
    if (finished_ || found == nodes_.end()) return;
    const Status handled = handle(peer, found->second, kind, body);
    if (!handled.ok()) {
        // What our own disk does is nobody's fault.
        if (handled.error().code == ErrorCode::kIo) return finish(handled.error());
        if (handled.error().code == ErrorCode::kFull && headers_)
            make_room(peer, handled.error().message);
        else
            leave_out(peer, handled.error().message);
    }
    if (!finished_) advance();
}

Status LightClient::handle(net::PeerId peer, Node& node, std::uint16_t kind, ByteView body) {
    if (kind == static_cast<std::uint16_t>(MessageKind::kHello)) return on_hello(peer, node, body);
    if (!node.greeted) return ok_status();
    if (fetch::is_about_weights(kind)) {
        if (static_cast<fetch::MessageKind>(kind) == fetch::MessageKind::kWeights)
            return on_weights(peer, node, body);
        return on_leaves(peer, node, kind, body);
    }
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::kAsset:
            return on_asset(peer, body);
        case MessageKind::kHeaders:
            return on_headers(peer, node, body);
        case MessageKind::kAddresses:
            return on_addresses(node, body);
        case MessageKind::kServers:
            return on_servers(node, body);
        default:
            return ok_status();  // what nodes tell each other
    }
}

Status LightClient::on_hello(net::PeerId peer, Node& node, ByteView body) {
    ASSIGN_OR_RETURN(const Hello theirs, decode_hello(body));
    if (found_.genesis_id.is_zero()) found_.genesis_id = theirs.genesis_id;
    if (theirs.genesis_id != found_.genesis_id)
        return invalid("it is of network " + short_hex(theirs.genesis_id) + ", not " +
                       short_hex(found_.genesis_id));
    if (theirs.protocol != kChainProtocolVersion)
        return Error{ErrorCode::kUnsupported, "it speaks another version of the chain's messages"};
    if (std::exchange(node.greeted, true)) return ok_status();
    if (heard_.insert(node.address).second) new_ms_ = now_ms();
    Hello ours;
    ours.genesis_id = found_.genesis_id;
    send(network_, peer, MessageKind::kHello, encode(ours));
    send(network_, peer, MessageKind::kGetServers, {});
    node.told_addresses = known_.size() >= options_.max_nodes;
    if (!node.told_addresses) send(network_, peer, MessageKind::kGetAddresses, {});
    return ok_status();
}

Status LightClient::on_addresses(Node& node, ByteView body) {
    ASSIGN_OR_RETURN(const Addresses told, decode_addresses(body));
    node.told_addresses = true;
    for (const std::string& address : told.addresses) {
        if (known_.size() >= options_.max_nodes) break;
        if (!net::parse_peer_address(address).ok() || known_.contains(address)) continue;
        if (net::is_loopback(net::dialled_host(address)) &&
            !net::is_loopback(net::dialled_host(node.address)))
            continue;
        known_[address] = false;
        dial_at_ms_[address] = 0;
    }
    return ok_status();
}

Status LightClient::on_servers(Node& node, ByteView body) {
    ASSIGN_OR_RETURN(const Servers told, decode_servers(body));
    node.told_servers = true;
    std::vector<std::string>& named = servers_of_[node.address];
    for (const serve::Announce& record : told.records) {
        if (!record.genesis.is_zero() && record.genesis != found_.genesis_id) continue;
        const std::string host = net::dialled_host(record.address);
        if (host.empty()) continue;
        if (net::is_loopback(host) && !net::is_loopback(net::dialled_host(node.address))) continue;
        if (named.size() >= kMaxServers) break;
        if (std::ranges::find(named, record.address) == named.end())
            named.push_back(record.address);
    }
    return ok_status();
}

std::vector<std::string> LightClient::servers() const {
    std::vector<std::string> all;
    for (std::size_t place = 0; place < kMaxServers; ++place)
        for (const auto& [address, named] : servers_of_) {
            if (place >= named.size() || all.size() >= kMaxServers) continue;
            if (std::ranges::find(all, named[place]) == all.end()) all.push_back(named[place]);
        }
    return all;
}

void LightClient::advance() {
    if (found_.genesis_id.is_zero() || finished_) return;
    if (!wanted_file().is_zero()) ask_file();
    if (!headers_ || finished_) return;
    for (auto& [peer, node] : nodes_)
        if (node.greeted && !node.headers_done && node.headers_ms == 0) ask_headers(peer, node);
    if (fetched_) return finish_when_heard();
    if (!are_headers_compared() || !has_tokenizer_) return;
    for (auto& [peer, node] : nodes_) {
        if (!node.headers_done || node.is_source || now_ms() < node.weights_ms + kAskAgainMs)
            continue;
        node.weights_ms = now_ms();
        const Hash256 name = fetcher_ ? kept_->name() : Hash256{};
        send(network_, peer, fetch::MessageKind::kAskWeights, fetch::encode_ask_weights(name));
    }
}

Status LightClient::check_weights(const fetch::Manifest& manifest, const fetch::Anchor& anchor) {
    if (manifest.form != fetch::Form::kChain || manifest.config != config_)
        return invalid("it gives a model that is not the network's");
    const BlockNode* block = headers_->find(anchor.block);
    if (block == nullptr)
        return Error{ErrorCode::kTimeout,
                     "its block is not known here yet, or not on the chain with most work"};
    if (consensus::state_root(manifest.root, anchor.coins_root, anchor.rules_root) !=
        block->header.state_root)
        return invalid("it gives a model that its block's state root is not made of");
    const BlockNode* best = headers_->best();
    if (!headers_->is_on_best(block))
        return Error{ErrorCode::kTimeout, "its block is not on the chain with most work"};
    const chain::NetworkDefinition& network = found_.network;
    const std::uint32_t merge = block->height - block->height % network.round_length;
    const std::uint32_t newest =
        settled_height(network, best->height, best->header.time_ms, clock_.wall_ms());
    // Of the block that names the model, not of the merge block below it: a block on top of honest
    // ones that names another model costs no more than its own work.
    if (!is_settled(network, block->height, best->height, best->header.time_ms, clock_.wall_ms()))
        return Error{ErrorCode::kTimeout, "its model does not stand firm yet"};
    if (newest > merge + kNewestRounds * network.round_length)
        return Error{ErrorCode::kTimeout, "its model is older than the newest three"};
    return ok_status();
}

Status LightClient::on_weights(net::PeerId peer, Node& node, ByteView body) {
    ASSIGN_OR_RETURN(const fetch::Weights weights, fetch::decode_weights(body));
    ASSIGN_OR_RETURN(fetch::Manifest manifest, fetch::decode_manifest(weights.manifest));
    if (!headers_ || node.weights_ms == 0) return ok_status();  // nobody asked
    if (fetcher_) {
        if (manifest.name() != kept_->name()) return ok_status();  // of another moment
        node.is_source = true;
        fetcher_->add_source(peer);
        return ok_status();
    }
    if (!weights.anchor) return invalid("it names no block for its model");
    const Status right = check_weights(manifest, *weights.anchor);
    if (!right.ok() && right.error().code == ErrorCode::kTimeout) {
        last_trouble_ = node.address + ": " + right.error().message;
        node.headers_done = false;  // it may have newer blocks
        return ok_status();
    }
    RETURN_IF_ERROR(right);
    const BlockNode* block = headers_->find(weights.anchor->block);
    if (const Status begun = begin_fetch(std::move(manifest), block); !begun.ok()) {
        finish(begun.error());
        return ok_status();
    }
    node.is_source = true;
    fetcher_->add_source(peer);
    return ok_status();
}

Status LightClient::on_leaves(net::PeerId peer, Node& node, std::uint16_t kind, ByteView body) {
    if (!fetcher_) return ok_status();
    fetcher_->on_message(peer, kind, body);  // which may leave the node out
    if (static_cast<fetch::MessageKind>(kind) != fetch::MessageKind::kNoWeights ||
        !nodes_.contains(peer))
        return ok_status();
    const auto lack = fetch::decode_no_weights(body);
    if (!lack.ok() || lack->name != kept_->name() || lack->lack != fetch::Lack::kNotHere)
        return ok_status();
    node.is_source = false;  // any more
    fetcher_->remove_source(peer);
    return ok_status();
}

void LightClient::leave_out_idle_sources() {
    std::vector<net::PeerId> idle;
    for (const auto& [peer, node] : nodes_)
        if (node.is_source) idle.push_back(peer);
    if (idle.size() == nodes_.size()) return;  // there is nobody else to ask
    for (const net::PeerId peer : idle)
        leave_out(peer, "it gives nothing of the model that it has");
}

bool LightClient::is_fetch_lost() const {
    if (!headers_->is_on_best(headers_->find(anchor_))) return true;
    return !fetched_ &&
           std::ranges::none_of(nodes_, [](const auto& node) { return node.second.is_source; });
}

// What has come is on disk, and counts if it is the same model again.
void LightClient::begin_again() {
    fetcher_.reset();
    kept_.reset();
    fetched_ = false;
    for (auto& [peer, node] : nodes_) node.is_source = false;
}

Status LightClient::begin_fetch(fetch::Manifest manifest, const BlockNode* anchor) {
    if (anchor_.is_zero()) new_ms_ = now_ms();  // once: whoever begins again gets no more time
    if (++begun_ <= kMostBegun) done_bytes_ = 0;
    leaves_ms_ = now_ms();
    anchor_ = anchor->hash;
    found_.height = anchor->height - anchor->height % found_.network.round_length;
    found_.nodes = 0;
    found_.tip_height = headers_->best()->height;
    found_.tip_time_ms = headers_->best()->header.time_ms;
    for (const auto& [peer, node] : nodes_) found_.nodes += node.is_compared;
    RETURN_IF_ERROR(headers_->save(in_folder("headers")));
    // Of a chain's models the older ones are of no use any more: a disk does not fill with them.
    const std::array<Hash256, 1> names{manifest.name()};
    RETURN_IF_ERROR(fetch::forget_others(in_folder("weights"), names));
    {
        ASSIGN_OR_RETURN(fetch::KeptWeights kept,
                         fetch::KeptWeights::open(in_folder("weights"), std::move(manifest)));
        kept_ = std::move(kept);
    }
    fetcher_ = std::make_unique<fetch::LeafFetcher>(
        loop_, network_, clock_, *kept_, tensors_of_clients(config_), fetch::FetcherOptions{},
        [this](const Status& status) {
            if (!status.ok()) return finish(status.error());
            const fetch::LeafFetcher::Progress progress = fetcher_->progress();
            found_.bytes_fetched = progress.fetched;
            if (options_.progress) options_.progress("weights", progress.done, progress.total);
            fetched_ = true;
            fetched_ms_ = now_ms();
            advance();
        },
        [this](net::PeerId peer, const std::string& why) { leave_out(peer, why); });
    fetcher_->start();
    return ok_status();
}

void LightClient::finish_when_heard() {
    const auto told = [](const auto& node) { return node.second.told_servers; };
    if (!std::ranges::all_of(nodes_, told) && now_ms() < fetched_ms_ + kServersMs) return;
    if (is_fetch_lost()) return;  // the next tick begins again
    found_.servers = servers();
    finish(found_);
}

}  // namespace cairn::node
