#include "node/node.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "consensus/header_rules.h"
#include "node/assets.h"
#include "node/kept_payments.h"

namespace cairn::node {
namespace {

constexpr std::uint64_t kTickMs = 1'000;
constexpr std::uint64_t kHelloTimeoutMs = 60'000;
/// Of the peers that we dialled, how many are dialled first after a restart.
constexpr std::size_t kAnchors = 2;
constexpr std::uint64_t kTicksPerFiles = 4;
constexpr std::uint64_t kTicksPerClock = 600;  // ours may have been set since we last told it
/// When more blocks than this join at once we are catching up, and nobody waits to hear of them.
constexpr std::size_t kMaxAnnouncedAtOnce = 4;

/// Payments, commitments and contributions, and the news of them.
bool is_for_next_block(MessageKind kind) {
    return kind == MessageKind::kInventory || kind == MessageKind::kPayment ||
           kind == MessageKind::kCommitment || kind == MessageKind::kContribution;
}

}  // namespace

Node::Node(NodeConfig config, LedgerSeams ledger, NodeSeams seams)
    : config_(std::move(config)),
      seams_(std::move(seams)),
      store_(ledger.store),
      key_(crypto::public_key(config_.key)),
      miner_key_(key_),
      own_keys_(config_.key, config_.fresh),
      reads_(group_of_peers(seams_.group_of, peers_)),
      book_(seams_.random),
      chain_(config_.network, seams_.clock, seams_.loop, ledger.store, ledger.model, config_.chain),
      mempool_(config_.network, chain_.genesis_id(), config_.mempool, seams_.random.u64()),
      sync_(seams_.clock, seams_.random, seams_.loop, seams_.network, chain_, peers_, reads_,
            config_.sync),
      relay_(seams_.clock, seams_.loop, seams_.network, chain_, mempool_, peers_, config_.relay),
      miner_(
          seams_.clock, seams_.random, seams_.loop, chain_, mempool_,
          [this](const ChainState& state) { return own_keys_.coinbase(state); },
          [this](const BlockNode* parent) { return trainer_.own_work(parent); }, config_.miner,
          [this](const chain::Block& block) { on_found(block); },
          [this](const consensus::BlockReport& report) { explain_template(report); }),
      trainer_(
          seams_.random, seams_.loop, chain_, relay_, mempool_, seams_.source, seams_.reader,
          [this](std::uint32_t round, RoundTrainer::KeyAnswer answer) {
              if (!config_.fresh) return answer(config_.key);
              chain_.lane().on_lane(
                  [&keys = own_keys_, round](ChainState& state) {
                      return keys.contribution(state, round);
                  },
                  std::move(answer));
          },
          seams_.disk),
      own_conditions_(seams_.clock),
      conditions_(seams_.conditions ? *seams_.conditions : own_conditions_),
      clock_watch_(seams_.clock, consensus::allowed_drift_ms(config_.network)),
      mining_wanted_(config_.miner.enabled),
      invariants_(chain_.lane(), loop_view(), config_.invariants,
                  [this](const std::string& breach) { on_breach(breach); }),
      channels_(seams_.loop, seams_.random, chain_, mempool_, relay_, seams_.disk, config_.channels,
                [this](const crypto::PublicKey& key) -> std::optional<crypto::SecretKey> {
                    if (key == key_) return config_.key;
                    return config_.channel_secrets ? config_.channel_secrets(key) : std::nullopt;
                }),
      servers_(seams_.clock, seams_.network, peers_, chain_.genesis_id(), seams_.ask_server),
      theta_giver_(config_.network, seams_.clock, seams_.loop, seams_.network, chain_,
                   seams_.reader, {.group_of = seams_.group_of}),
      desk_(seams_.loop, seams_.clock, seams_.disk, config_.evidence.rules,
            config_.evidence.limits),
      evidence_(seams_.clock, seams_.network, peers_, servers_.table(), desk_, reads_,
                group_of_peers(seams_.group_of, peers_)) {
    for (serve::ModelSnapshot& model : config_.evidence.models) desk_.add_model(std::move(model));
    if (const auto kept = trainer_.kept()) own_keys_.prefer(kept->round, kept->key);
    chain_.set_observer(this);
    relay_.set_listener([this](const Item&) { miner_.on_item(); });
    if (config_.network.one_winner()) trainer_.watch_own_work([this] { miner_.on_item(); });
    relay_.set_keeper([this](const ItemPtr& payment, std::function<void(const Status&)> done) {
        keep_payment(payment, std::move(done));
    });
    relay_.set_refusal_listener(
        [this](const chain::Contribution& contribution, const std::string& reason) {
            explain_refusal(contribution, reason);
        });
    if (seams_.reader) {
        reporter_ =
            std::make_unique<MergeReporter>(seams_.loop, chain_.lane(), *seams_.reader,
                                            config_.reporter, [this] { learn_figures([] {}); });
        chain_.lane().set_merge_hook([this](const ChainState& state, const BlockNode* node) {
            reporter_->on_merge(state, node);
        });
    }
    for (const std::string& address : config_.connect)
        if (!book_.add(address, net::AddressSource::kUser))
            log_warn("{} is no address that can be dialled", address);
}

Node::~Node() = default;

Status Node::start(std::function<void()> ready) {
    const auto known = store_.peers();
    if (known.ok())
        for (std::size_t i = 0; i < known->size(); ++i)  // the latest seen come first
            book_.restore((*known)[i].address, i < kAnchors);
    seams_.network.set_handler(this);
    return chain_.start(alive_.guard([this, ready = std::move(ready)] { on_restored(ready); }));
}

void Node::on_restored(const std::function<void()>& ready) {
    for (auto& [id, peer] : peers_) {
        send(seams_.network, id, MessageKind::kHello, hello());
        if (peer.greeted) make_ready(peer);
    }
    check_upgrades();
    trainer_.on_tip();
    check_clock();
    miner_.on_tip();
    tick();
    learn_miner_key([this, ready] {
        learn_figures([ready] {
            if (ready) ready();
        });
    });
    // Once the chain has begun to move to what else is on disk, if that is better.
    seams_.loop.post(alive_.guard([this] { invariants_.on_start(); }));
}

void Node::learn_miner_key(std::function<void()> then) {
    if (!config_.fresh) return then();
    chain_.lane().on_lane(
        [&keys = own_keys_](ChainState& state) { return keys.coinbase(state); },
        alive_.guard([this, then = std::move(then)](const crypto::PublicKey& key) {
            miner_key_ = key;
            then();
        }));
}

void Node::tick() {
    seams_.loop.call_after(kTickMs, alive_.guard([this] { tick(); }));
    check_clock();
    if (++ticks_ % kTicksPerClock == 0) {
        tell_clock();
        for (const auto& [id, peer] : peers_)
            if (peer.ready) remember_peer(peer);
    }
    drop_mute();
    sync_.tick();
    relay_.tick();
    servers_.tick();
    evidence_.tick();
    if (ticks_ % kTicksPerFiles == 0) desk_.look();
    look_for_model();
    dial();
    check_conditions();
}

// Where both sides dialled, the link that lasts may be theirs.
bool Node::is_chosen(const Peer& peer) const {
    return peer.info.outbound ||
           std::ranges::find(config_.connect, peer.info.address) != config_.connect.end();
}

void Node::tell_clock() {
    for (auto& [id, peer] : peers_)
        if (peer.ready)
            send(seams_.network, id, MessageKind::kClock, encode_clock(seams_.clock.wall_ms()));
}

void Node::dial() {
    std::size_t outbound = 0;
    for (const auto& [id, peer] : peers_) outbound += peer.info.outbound;
    if (outbound >= config_.max_outbound) return;
    const std::uint64_t now = seams_.clock.monotonic_us() / 1000;
    for (const std::string& address : book_.due(now, config_.max_outbound - outbound)) {
        if (address == seams_.network.listen_address()) {
            reach_.on_failed(address, {ErrorCode::kRefused, "this is ourselves"});
            book_.forget(address);
            continue;
        }
        book_.on_attempt(address, now);
        seams_.network.connect(address);
    }
}

void Node::drop_mute() {
    const std::uint64_t now = seams_.clock.monotonic_us() / 1000;
    for (auto& [id, peer] : peers_)
        if (!peer.greeted && now >= peer.linked_ms + kHelloTimeoutMs)
            drop(peer, "it has not said hello");
}

void Node::on_dial_failed(const std::string& address, const Error& reason) {
    reach_.on_failed(address, reason);
    book_.on_failed(address, seams_.clock.monotonic_us() / 1000);
}

Bytes Node::hello() const {
    Hello hello;
    hello.genesis_id = chain_.genesis_id();
    const BlockNode* tip = chain_.tip()->node;
    hello.height = tip->height;
    hello.tip = tip->hash;
    hello.work = tip->work;
    return encode(hello);
}

void Node::on_peer_up(net::PeerId id, const net::PeerInfo& info) {
    Peer& peer = peers_[id];
    peer.id = id;
    peer.info = info;
    if (!config_.network.is_member(info.key)) return drop(peer, "not a member of this network");
    const std::uint64_t now = seams_.clock.monotonic_us() / 1000;
    peer.linked_ms = now;
    if (!info.address.empty()) {
        book_.add(info.address, net::AddressSource::kGossip, info.address);
        if (info.outbound) book_.on_connected(info.address, now);
    }
    // Before the chain is restored we would claim to be at genesis.
    if (chain_.is_ready()) send(seams_.network, id, MessageKind::kHello, hello());
}

void Node::on_peer_down(net::PeerId id, const std::string& reason) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    const net::PeerInfo& info = found->second.info;
    log_debug("peer {} is gone: {}", info.address, reason);
    if (info.outbound && !reach_.has_failed(info.address))
        reach_.on_failed(info.address, io_error("the link ended: " + reason));
    book_.on_disconnected(info.address, seams_.clock.monotonic_us() / 1000);
    peers_.erase(found);
    reads_.forget(id);
    clock_watch_.on_peer_down(id);
    relay_.on_peer_down(id);
    servers_.on_peer_down(id);
    theta_giver_.on_peer_down(id);
    evidence_.on_peer_down(id);
    sync_.on_peer_down(id);
}

void Node::drop(Peer& peer, const std::string& reason) {
    log_info("dropping peer {}: {}", peer.info.address, reason);
    peer.ready = false;
    seams_.network.disconnect(peer.id);
}

void Node::on_message(net::PeerId id, std::uint16_t kind, Bytes body) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    Peer& peer = found->second;
    if (!peer.ready && static_cast<MessageKind>(kind) != MessageKind::kHello) return;
    speaking_ = id;
    const Status handled = handle(peer, static_cast<MessageKind>(kind), body);
    speaking_ = 0;
    if (handled.ok()) return;
    if (peer.info.outbound) reach_.on_failed(peer.info.address, handled.error());
    drop(peer, handled.error().message);
}

Status Node::handle(Peer& peer, MessageKind kind, ByteView body) {
    // By rules that we do not know, nothing can be said of it.
    if (is_for_next_block(kind) && !chain_.knows_next_block()) return ok_status();
    switch (kind) {
        case MessageKind::kHello:
            return on_hello(peer, body);
        case MessageKind::kGetHeaders:
            return sync_.on_get_headers(peer, body);
        case MessageKind::kHeaders:
            return sync_.on_headers(peer, body);
        case MessageKind::kGetBlock:
            return sync_.on_get_block(peer, body);
        case MessageKind::kBlock:
            return sync_.on_block(peer, body);
        case MessageKind::kNoBlock:
            return sync_.on_no_block(peer, body);
        case MessageKind::kInventory:
            return relay_.on_inventory(peer, body);
        case MessageKind::kGetItems:
            return relay_.on_get_items(peer, body);
        case MessageKind::kPayment:
            return relay_.on_item(peer, ItemKind::kPayment, body);
        case MessageKind::kCommitment:
            return relay_.on_item(peer, ItemKind::kCommitment, body);
        case MessageKind::kContribution:
            return relay_.on_item(peer, ItemKind::kContribution, body);
        case MessageKind::kGetAsset:
            return on_get_asset(peer, body);
        case MessageKind::kGetAddresses: {
            if (std::exchange(peer.told_addresses, true)) return ok_status();
            const Addresses known{book_.sample(kMaxAddresses)};
            send(seams_.network, peer.id, MessageKind::kAddresses, encode(known));
            return ok_status();
        }
        case MessageKind::kAddresses:
            return on_addresses(peer, body);
        case MessageKind::kClock: {
            ASSIGN_OR_RETURN(const std::uint64_t wall_ms, decode_clock(body));
            clock_watch_.on_peer_clock(peer.id, is_chosen(peer), wall_ms);
            check_clock();
            return ok_status();
        }
        case MessageKind::kGetServers:
            return servers_.on_get_servers(peer, body);
        case MessageKind::kServers:
            return servers_.on_servers(peer, body);
        case MessageKind::kExhibits:
            return evidence_.on_exhibits(peer, body);
        case MessageKind::kGetExhibit:
            return evidence_.on_get_exhibit(peer, body);
        case MessageKind::kExhibit:
            return evidence_.on_exhibit(peer, body);
        case MessageKind::kAsset:
            return ok_status();  // an answer that came after we had it
    }
    const auto number = static_cast<std::uint16_t>(kind);
    if (fetch::is_about_weights(number)) return theta_giver_.on_message(peer.id, number, body);
    return ok_status();  // other rooms share the link; their kinds are not ours
}

Status Node::on_hello(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(peer.hello, decode_hello(body));
    if (peer.hello.genesis_id != chain_.genesis_id())
        return Error{ErrorCode::kRefused, "it is of another network"};
    if (peer.hello.protocol != kChainProtocolVersion)
        return Error{ErrorCode::kUnsupported,
                     "it speaks version " + std::to_string(peer.hello.protocol) +
                         " of the chain's messages, this program version " +
                         std::to_string(kChainProtocolVersion)};
    if (peer.greeted) return ok_status();
    peer.greeted = true;
    if (chain_.is_ready()) make_ready(peer);
    return ok_status();
}

void Node::make_ready(Peer& peer) {
    peer.ready = true;
    reach_.on_linked(peer.info.address);
    send(seams_.network, peer.id, MessageKind::kClock, encode_clock(seams_.clock.wall_ms()));
    peer.awaits_addresses = send(seams_.network, peer.id, MessageKind::kGetAddresses, {});
    sync_.on_peer_ready(peer);
    relay_.on_peer_ready(peer);
    servers_.on_peer_ready(peer);
    evidence_.on_peer_ready(peer);
    remember_peer(peer);
}

void Node::remember_peer(const Peer& peer) {
    if (!peer.info.outbound) return;
    const store::PeerRecord record{peer.info.address, peer.info.key, seams_.clock.wall_ms(), 0};
    chain_.lane().on_lane([record](ChainState& state) {
        const Status put = state.store().put_peer(record);
        if (!put.ok()) log_warn("{}", put.error().message);
    });
}

Status Node::on_get_asset(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const GetAsset wanted, decode_get_asset(body));
    if (!seams_.network.has_room(peer.id, kAssetChunkBytes)) return ok_status();
    AssetChunk chunk;
    chunk.hash = wanted.hash;
    // No other hash: looking for it on disk is work that strangers could ask for.
    const bool named = names_asset(config_.network, wanted.hash);
    auto bytes = named && seams_.assets ? seams_.assets(wanted.hash) : nullptr;
    if (wanted.hash == chain_.genesis_id())
        bytes = std::make_shared<const Bytes>(chain::encode(config_.network));
    if (bytes && wanted.offset < bytes->size()) {
        chunk.total = bytes->size();
        chunk.offset = wanted.offset;
        const ByteView rest = ByteView(*bytes).subspan(wanted.offset);
        const ByteView part = rest.first(std::min(rest.size(), kAssetChunkBytes));
        chunk.bytes = Bytes(part.begin(), part.end());
    }
    send(seams_.network, peer.id, MessageKind::kAsset, encode(chunk));
    return ok_status();
}

Status Node::on_addresses(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Addresses told, decode_addresses(body));
    if (!std::exchange(peer.awaits_addresses, false)) return ok_status();  // nobody asked
    for (const std::string& address : told.addresses)
        if (address != seams_.network.listen_address())
            book_.add(address, net::AddressSource::kGossip, peer.info.address);
    return ok_status();
}

void Node::on_found(const chain::Block& block) {
    const auto stored = [hash = chain::block_hash(block.header), height = block.coinbase.height] {
        log_info("mined block {} at height {}", short_hex(hash), height);
    };
    const auto headers = chain_.accept_headers({&block.header, 1});
    if (!headers.verdict.is_valid() ||
        chain_.accept_own_block(block, stored) != ActiveChain::BodyOutcome::kAccepted)
        log_error("our own block is not accepted: {}", headers.verdict.reason());
}

void Node::take_up_payments(std::vector<chain::Payment> payments,
                            std::function<void(std::size_t)> done) {
    std::vector<ItemPtr> items;
    for (chain::Payment& payment : payments) items.push_back(make_item(std::move(payment)));
    own_payments_.assign(items.begin(), items.end());
    return_payments(std::move(items), std::move(done));
}

// Not only those that still wait: a block that took one may leave the chain again. What can no
// longer be paid is found out when they are taken up.
void Node::keep_payment(const ItemPtr& payment, std::function<void(const Status&)> done) {
    const auto same = [&payment](const ItemPtr& own) { return own->name.id == payment->name.id; };
    if (!seams_.keep_payments) return done(ok_status());
    if (std::ranges::none_of(own_payments_, same)) own_payments_.push_back(payment);
    if (own_payments_.size() > kMaxKeptPayments) own_payments_.pop_front();
    std::vector<chain::Payment> all;
    for (const ItemPtr& own : own_payments_) all.push_back(own->payment());
    chain_.lane().on_lane(
        [keep = seams_.keep_payments, all = std::move(all)](ChainState&) { return keep(all); },
        alive_.guard([this, id = payment->name.id, done = std::move(done)](const Status& kept) {
            if (!kept.ok())
                std::erase_if(own_payments_,
                              [&id](const ItemPtr& own) { return own->name.id == id; });
            done(kept);
        }));
}

void Node::return_payments(std::vector<ItemPtr> payments, std::function<void(std::size_t)> done) {
    struct Checked {
        ItemPtr payment;
        bool valid = false;
        std::uint64_t fee = 0;
    };
    const std::uint64_t call = next_returning_++;
    returning_[call] = payments;
    chain_.lane().on_lane(
        [payments = std::move(payments)](ChainState& state) {
            std::vector<Checked> all;
            for (const ItemPtr& item : payments) {
                Checked checked{item};
                checked.valid = state.ledger().check_next(item->payment(), &checked.fee).is_valid();
                all.push_back(std::move(checked));
            }
            return all;
        },
        alive_.guard([this, call, done = std::move(done)](const std::vector<Checked>& all) {
            returning_.erase(call);
            std::size_t pooled = 0;
            for (const auto& [payment, valid, fee] : all) {
                if (!valid) {
                    mempool_.remove_payment(payment->name.id);
                } else if (mempool_.add_payment(payment, fee).added == Mempool::Added::kNew) {
                    relay_.announce(payment->name);
                    miner_.on_item();
                    ++pooled;
                }
            }
            if (done) done(pooled);
        }));
}

std::vector<chain::Payment> Node::payments_to_keep() const {
    std::vector<chain::Payment> payments;
    for (const ItemPtr& item : mempool_.payments().by_fee_rate())
        payments.push_back(item->payment());
    for (const auto& [call, judged] : returning_)
        for (const ItemPtr& item : judged)
            if (!mempool_.contains(ItemKind::kPayment, item->name.id))
                payments.push_back(item->payment());
    return payments;
}

void Node::on_tip(const SwitchOutcome& outcome) {
    Mempool::Changes changes = mempool_.on_tip(outcome);
    relay_.on_tip(std::move(changes.due));
    if (!changes.recheck.empty()) return_payments(std::move(changes.recheck));
    for (const Item& item : changes.fresh) relay_.announce(item);
    explain_left_out(changes.left_out);
    if (outcome.connected.size() <= kMaxAnnouncedAtOnce) sync_.announce(outcome.tip->node);
    check_upgrades();
    check_clock();  // may stop the miner
    trainer_.on_tip();
    miner_.on_tip();
    sync_.request_bodies();
    invariants_.on_tip();
    channels_.on_tip();
    learn_miner_key([] {});
    learn_figures([] {});
    if (tip_watch_) tip_watch_();
}

}  // namespace cairn::node
