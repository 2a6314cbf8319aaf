#include "sim/hostile_peer.h"

#include <algorithm>

#include "consensus/header_rules.h"
#include "node/miner.h"

namespace cairn::sim {
namespace {

using node::MessageKind;

constexpr std::uint64_t kActEveryMs = 300;
constexpr std::uint64_t kJustInTimeMs = 13'500;  // SyncOptions::timeout_ms less a second and a half
constexpr std::size_t kRemembered = 32;
constexpr std::uint16_t kKinds = 20;  // of the protocol, and a few that it does not have

}  // namespace

const char* name_of(Malice malice) {
    switch (malice) {
        case Malice::kMute:
            return "mute";
        case Malice::kGarbage:
            return "garbage";
        case Malice::kWithholder:
            return "withholder";
        case Malice::kAsker:
            return "asker";
        case Malice::kHeaderFlood:
            return "header flood";
        case Malice::kBadBlocks:
            return "bad blocks";
        case Malice::kBadMerges:
            return "bad merges";
        case Malice::kItemSpam:
            return "item spam";
        case Malice::kAddresses:
            return "addresses";
        case Malice::kOfferFlood:
            break;
    }
    return "offer flood";
}

HostilePeer::HostilePeer(const HostileSeat& seat, std::uint64_t seed, Malice malice,
                         std::vector<std::string> victims)
    : definition_(seat.definition),
      malice_(malice),
      victims_(std::move(victims)),
      random_(seed),
      key_(seat.key),
      loop_(seat.loop),
      network_(seat.network),
      genesis_id_(chain::genesis_id(definition_)),
      tree_(std::make_unique<node::BlockTree>(seat.genesis)) {
    network_.set_handler(this);
    act();
}

void HostilePeer::on_peer_up(net::PeerId peer, const net::PeerInfo&) {
    peers_[peer] = false;
    if (malice_ == Malice::kMute && random_.below(2) == 0) return;
    node::Hello hello;
    hello.genesis_id = genesis_id_;
    hello.height = random_.below(2) == 0 ? 0 : 1'000'000;
    if (hello.height > 0) hello.work.bytes.fill(0xff);
    send(peer, MessageKind::kHello, encode(hello));
}

void HostilePeer::on_peer_down(net::PeerId peer, const std::string&) { peers_.erase(peer); }

void HostilePeer::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    if (!peers_.contains(peer)) return;
    peers_[peer] = true;
    const auto message = static_cast<MessageKind>(kind);
    if (message == MessageKind::kHeaders)
        if (const auto headers = node::decode_headers(body); headers.ok()) learn(peer, *headers);
    if (message == MessageKind::kBlock && malice_ == Malice::kBadMerges) spoil_merge(body);
    if (malice_ == Malice::kWithholder || malice_ == Malice::kOfferFlood)
        spread(peer, message, body);
    if (malice_ == Malice::kWithholder && message == MessageKind::kGetBlock) withhold(peer, body);
    if (malice_ == Malice::kOfferFlood && message == MessageKind::kInventory) foretell(body);
    if (malice_ == Malice::kAddresses && message == MessageKind::kGetAddresses)
        send_addresses(peer);
    if (message == MessageKind::kInventory) note_payloads(body);
    if (message == MessageKind::kGetItems) deliver(peer, body);
    heard_.emplace_back(kind, std::move(body));
    if (heard_.size() > kRemembered) heard_.pop_front();
}

void HostilePeer::learn(net::PeerId from, const node::Headers& headers) {
    for (const chain::BlockHeader& header : headers.headers) {
        if (!tree_->find(header.previous) || tree_->size() >= 10'000) continue;
        const node::BlockNode* node = tree_->add(header);
        if (malice_ == Malice::kBadMerges && definition_.is_merge_height(node->height))
            send(from, MessageKind::kGetBlock, node::encode_hash(node->hash));
    }
}

void HostilePeer::note_payloads(ByteView offer) {
    const auto told = node::decode_inventory(offer);
    if (!told.ok() || told->kind != node::ItemKind::kContribution) return;
    for (const Hash256& id : told->ids) payloads_heard_.push_back(id);
    while (payloads_heard_.size() > kRemembered) payloads_heard_.pop_front();
}

void HostilePeer::act() {
    loop_.call_after(kActEveryMs, alive_.guard([this] { act(); }));
    if (peers_.empty() || random_.below(20) == 0)
        for (const std::string& victim : victims_) network_.connect(victim);
    std::vector<net::PeerId> greeted;
    for (const auto& [peer, has] : peers_)
        if (has) greeted.push_back(peer);
    for (const net::PeerId peer : greeted) act_towards(peer);
}

void HostilePeer::act_towards(net::PeerId peer) {
    switch (malice_) {
        case Malice::kMute:
        case Malice::kWithholder:
        case Malice::kBadMerges:
            return;
        case Malice::kGarbage:
            return send_garbage(peer);
        case Malice::kAsker:
            return ask_everything(peer);
        case Malice::kHeaderFlood:
            return flood_headers(peer);
        case Malice::kBadBlocks:
            return send_bad_block(peer);
        case Malice::kItemSpam:
            return offer_bad_items(peer);
        case Malice::kAddresses:
            return send_addresses(peer);
        case Malice::kOfferFlood:
            return flood_offers(peer);
    }
}

void HostilePeer::send(net::PeerId peer, MessageKind kind, ByteView body) {
    ++sent_;
    node::send(network_, peer, kind, body);
}

void HostilePeer::send_headers(net::PeerId peer, const std::vector<chain::BlockHeader>& headers) {
    send(peer, MessageKind::kHeaders, encode(node::Headers{headers}));
}

Hash256 HostilePeer::random_hash() {
    Hash256 hash;
    random_.fill(hash.bytes);
    return hash;
}

Bytes HostilePeer::random_bytes(std::size_t most) {
    Bytes bytes(random_.below(most + 1));
    random_.fill(bytes);
    return bytes;
}

void HostilePeer::send_garbage(net::PeerId peer) {
    if (heard_.empty() || random_.below(2) == 0) {
        const auto kind = static_cast<MessageKind>(random_.below(kKinds));
        return send(peer, kind, random_bytes(300));
    }
    auto [kind, body] = heard_[random_.below(heard_.size())];
    if (!body.empty())
        body[random_.below(body.size())] ^= static_cast<std::uint8_t>(1U << random_.below(8));
    send(peer, static_cast<MessageKind>(kind), body);
}

void HostilePeer::ask_everything(net::PeerId peer) {
    const node::BlockNode* best = tree_->best_header();
    send(peer, MessageKind::kGetHeaders, encode(node::GetHeaders{tree_->locator(best)}));
    for (int i = 0; i < 40; ++i) {
        const node::BlockNode* wanted =
            node::ancestor_at(best, static_cast<std::uint32_t>(random_.below(best->height + 1)));
        send(peer, MessageKind::kGetBlock, node::encode_hash(wanted->hash));
    }
    node::Inventory items{static_cast<node::ItemKind>(1 + random_.below(3)), {}};
    for (int i = 0; i < 64; ++i) items.ids.push_back(random_hash());
    send(peer, MessageKind::kGetItems, encode(items));
    send(peer, MessageKind::kGetAsset, encode(node::GetAsset{random_hash(), random_.u64()}));
    send(peer, MessageKind::kGetAddresses, {});
}

// Learns of everything, offers it to everybody, and answers no question about it.
void HostilePeer::spread(net::PeerId from, MessageKind kind, ByteView body) {
    if (kind != MessageKind::kHeaders && kind != MessageKind::kInventory) return;
    for (const auto& [peer, greeted] : peers_)
        if (peer != from && greeted) send(peer, kind, body);
    if (random_.below(4) != 0) return;
    node::Inventory made_up{static_cast<node::ItemKind>(1 + random_.below(3)), {}};
    for (int i = 0; i < 64; ++i) made_up.ids.push_back(random_hash());
    send(from, MessageKind::kInventory, encode(made_up));
}

// Half of the questions it lets run out; to the others it says no just before it would be dropped,
// and then that it has it.
void HostilePeer::withhold(net::PeerId peer, const Bytes& hash) {
    if (random_.below(2) == 0) return;
    loop_.call_after(kJustInTimeMs, [this, peer, hash] {
        if (!peers_.contains(peer)) return;
        send(peer, MessageKind::kNoBlock, hash);
        const node::BlockNode* node = tree_->find(*node::decode_hash(hash));
        if (node) send_headers(peer, {node->header});
    });
}

// A payload's id is its commitment's, so it can be offered before anybody has it.
void HostilePeer::foretell(ByteView body) {
    auto told = node::decode_inventory(body);
    if (!told.ok() || told->kind != node::ItemKind::kCommitment) return;
    told->kind = node::ItemKind::kContribution;
    for (const auto& [peer, greeted] : peers_)
        if (greeted) send(peer, MessageKind::kInventory, encode(*told));
}

chain::BlockHeader HostilePeer::mine(const node::BlockNode* parent, const Hash256& body_root) {
    const auto context = node::context_after(parent);
    chain::BlockHeader header;
    header.versions = definition_.versions_at(context.height);
    header.previous = parent->hash;
    header.body_root = body_root;
    header.state_root = random_hash();
    header.time_ms = parent->header.time_ms + definition_.spacing_ms / 2;
    header.target = consensus::expected_target(definition_, context);
    node::search_nonce(definition_.work, header, 1 << 20);
    return header;
}

void HostilePeer::flood_headers(net::PeerId peer) {
    const node::BlockNode* best = tree_->best_header();
    const node::BlockNode* parent =
        node::ancestor_at(best, static_cast<std::uint32_t>(random_.below(best->height + 1)));
    // Siblings one by one, and now and then a branch.
    std::vector<chain::BlockHeader> headers;
    node::BlockTree* grows = random_.below(3) == 0 ? tree_.get() : nullptr;
    for (int i = 0; i < 6; ++i) {
        headers.push_back(mine(parent, random_hash()));
        if (!grows) {
            send_headers(peer, {headers.back()});
        } else if (tree_->size() < 10'000) {
            parent = grows->add(headers.back());
        }
    }
    if (grows) send_headers(peer, headers);
}

chain::Block HostilePeer::empty_block(std::uint32_t height) {
    chain::Block block;
    block.coinbase.height = height;
    block.coinbase.miner = crypto::public_key(key_);
    return block;
}

// With a block on top it has more work than the true one, so it is judged.
void HostilePeer::spoil_merge(ByteView body) {
    auto merge = chain::decode_block(body);
    if (!merge.ok() || merge->contributions.empty()) return;
    const node::BlockNode* parent = tree_->find(merge->header.previous);
    if (!parent) return;
    merge->header.state_root = random_hash();
    node::search_nonce(definition_.work, merge->header, 1 << 20);
    const node::BlockNode* spoilt = tree_->add(merge->header);
    chain::Block top = empty_block(spoilt->height + 1);
    top.header = mine(spoilt, chain::body_root(top));
    for (const auto& [peer, greeted] : peers_) {
        if (!greeted) continue;
        send_headers(peer, {merge->header, top.header});
        send(peer, MessageKind::kBlock, chain::encode(*merge));
        send(peer, MessageKind::kBlock, chain::encode(top));
    }
}

void HostilePeer::send_bad_block(net::PeerId peer) {
    if (random_.below(5) != 0) return;
    const node::BlockNode* parent = tree_->best_header();
    const std::uint32_t height = parent->height + 1;
    chain::Block block = empty_block(height);
    if (random_.below(2) == 0)
        block.coinbase.outputs = {{1'000'000, chain::OutputKind::kKey, crypto::public_key(key_)}};
    if (definition_.is_merge_height(height) && random_.below(2) == 0)
        block.contributions = {{random_hash(), random_bytes(64), {}}};
    block.header = mine(parent, chain::body_root(block));
    send_headers(peer, {block.header});
    send(peer, MessageKind::kBlock, chain::encode(block));
}

// Half of what it makes up goes under the id of something that others offer.
void HostilePeer::offer_bad_items(net::PeerId peer) {
    for (int i = 0; i < 8; ++i) {
        const std::uint32_t height = tree_->best_header()->height + 1;
        switch (random_.below(3)) {
            case 0: {
                chain::Payment payment;
                payment.inputs = {{random_hash(), 0}};
                payment.outputs = {
                    {1 + random_.below(1'000), chain::OutputKind::kKey, crypto::public_key(key_)}};
                payment.signatures.resize(1);
                offered_.push_back(node::make_item(payment));
                break;
            }
            case 1: {
                chain::Commitment commitment;
                commitment.round =
                    definition_.round_of(height) + static_cast<std::uint32_t>(random_.below(2));
                commitment.key = crypto::public_key(key_);
                commitment.payload_commitment = random_hash();
                commitment.nonce = random_.u64();
                offered_.push_back(node::make_item(commitment));
                break;
            }
            default: {
                const bool theirs = !payloads_heard_.empty() && random_.below(2) == 0;
                const Hash256 id = theirs ? payloads_heard_.back() : random_hash();
                offered_.push_back(
                    node::make_item(chain::Contribution{id, random_bytes(4'096), {}}));
            }
        }
        const node::Item& name = offered_.back()->name;
        send(peer, MessageKind::kInventory, encode(node::Inventory{name.kind, {name.id}}));
    }
    while (offered_.size() > kRemembered) offered_.pop_front();
}

void HostilePeer::deliver(net::PeerId peer, ByteView question) {
    const auto wanted = node::decode_inventory(question);
    if (!wanted.ok()) return;
    for (const node::ItemPtr& item : offered_) {
        if (item->name.kind != wanted->kind) continue;
        if (std::ranges::find(wanted->ids, item->name.id) == wanted->ids.end()) continue;
        const auto kind = item->name.kind == node::ItemKind::kPayment ? MessageKind::kPayment
                          : item->name.kind == node::ItemKind::kCommitment
                              ? MessageKind::kCommitment
                              : MessageKind::kContribution;
        send(peer, kind, item->encoded());
    }
}

void HostilePeer::flood_offers(net::PeerId peer) {
    for (int message = 0; message < 16; ++message) {
        node::Inventory made_up{static_cast<node::ItemKind>(1 + random_.below(3)), {}};
        for (std::size_t i = 0; i < node::kMaxInventory; ++i) made_up.ids.push_back(random_hash());
        send(peer, MessageKind::kInventory, encode(made_up));
    }
}

void HostilePeer::send_addresses(net::PeerId peer) {
    node::Addresses told;
    const bool one_host = random_.below(2) == 0;
    for (std::size_t i = 0; i < node::kMaxAddresses; ++i) {
        const std::string host = one_host ? "one.example"
                                          : "10.200." + std::to_string(random_.below(256)) + "." +
                                                std::to_string(random_.below(256));
        told.addresses.push_back(host + ":" + std::to_string(1 + random_.below(65'535)));
    }
    send(peer, MessageKind::kAddresses, encode(told));
}

}  // namespace cairn::sim
