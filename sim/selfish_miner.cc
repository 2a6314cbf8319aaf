#include "sim/selfish_miner.h"

#include <algorithm>

namespace cairn::sim {

using node::BlockNode;
using node::MessageKind;

namespace {

/// Long enough for the block that is shown first to be fetched and connected.
constexpr std::uint64_t kLaterMs = 60;

}  // namespace

SelfishMiner::SelfishMiner(World& world, int own, const std::vector<int>& honest,
                           SelfishOptions options)
    : world_(world),
      options_(options),
      random_(world.random().u64()),
      own_address_(world.address(own)),
      loop_(world.scheduler(), random_.u64()),
      network_(world.fabric(), loop_, "10.66.1.1:7000",
               crypto::public_key(crypto::SecretKey::generate(random_))),
      tree_(world.genesis()),
      public_tip_(tree_.genesis()),
      private_tip_(tree_.genesis()) {
    network_.set_handler(this);
    network_.connect(own_address_);
    for (const int number : honest) network_.connect(world.address(number));
}

void SelfishMiner::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    if (info.address == own_address_)
        own_ = peer;
    else
        honest_.insert(peer);
    node::Hello hello;
    hello.genesis_id = chain::genesis_id(world_.network());
    node::send(network_, peer, MessageKind::kHello, encode(hello));
}

void SelfishMiner::on_peer_down(net::PeerId peer, const std::string&) { honest_.erase(peer); }

void SelfishMiner::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::kHeaders:
            return on_headers(peer, body);
        case MessageKind::kBlock:
            return on_block(peer, std::move(body));
        case MessageKind::kGetBlock:
            return on_get_block(peer, body);
        case MessageKind::kGetHeaders:
            return on_get_headers(peer, body);
        default:
            return;
    }
}

void SelfishMiner::on_headers(net::PeerId from, ByteView body) {
    const auto told = node::decode_headers(body);
    CHECK(told.ok());
    for (const chain::BlockHeader& header : told->headers) {
        if (tree_.find(chain::block_hash(header))) continue;
        if (!tree_.find(header.previous)) {
            const node::GetHeaders question{tree_.locator(tree_.best_header())};
            node::send(network_, from, MessageKind::kGetHeaders, encode(question));
            return;
        }
        const BlockNode* added = tree_.add(header);
        node::send(network_, from, MessageKind::kGetBlock, node::encode_hash(added->hash));
    }
}

void SelfishMiner::on_block(net::PeerId from, Bytes body) {
    const auto block = chain::decode_block(body);
    CHECK(block.ok());
    BlockNode* found = tree_.find(chain::block_hash(block->header));
    if (!found || bodies_.contains(found->hash)) return;
    for (const net::PeerId asker : std::exchange(waiting_[found->hash], {}))
        node::send(network_, asker, MessageKind::kBlock, body);
    bodies_[found->hash] = std::move(body);
    if (from == own_)
        on_own(found);
    else
        on_honest(found, from);
}

void SelfishMiner::on_get_block(net::PeerId from, ByteView body) {
    const auto hash = node::decode_hash(body);
    CHECK(hash.ok());
    const auto known = bodies_.find(*hash);
    if (known == bodies_.end())
        waiting_[*hash].push_back(from);
    else
        node::send(network_, from, MessageKind::kBlock, known->second);
}

void SelfishMiner::on_get_headers(net::PeerId from, ByteView body) {
    const auto question = node::decode_get_headers(body);
    CHECK(question.ok());
    const BlockNode* tip = from == own_ ? tree_.best_header() : public_tip_;
    const BlockNode* at = tree_.genesis();
    for (const Hash256& hash : question->locator) {
        const BlockNode* known = tree_.find(hash);
        if (!known || node::ancestor_at(tip, known->height) != known) continue;
        at = known;
        break;
    }
    Header headers;
    for (const BlockNode* block : node::path(at, tip)) headers.push_back(block->header);
    headers.resize(std::min(headers.size(), node::kMaxHeadersPerMessage));
    send_headers(from, headers);
}

void SelfishMiner::on_own(BlockNode* block) {
    if (block->height < public_tip_->height) return;  // it had not heard of the public tip
    private_tip_ = block;
    ours_.insert(block->hash);
    const bool ends_race =
        racing_ && known_.contains(block->parent->hash) && block->height > public_tip_->height;
    const bool is_late = block->height == public_tip_->height;
    if (!options_.withholds || ends_race || is_late) {
        racing_ = is_late && options_.withholds;
        tell_honest(release(block), nullptr, 0);
    }
}

void SelfishMiner::on_honest(BlockNode* block, net::PeerId finder) {
    send_headers(own_, {block->header});
    known_.insert(block->hash);
    if (block->height <= public_tip_->height) {
        if (options_.owns_network) tell_honest({}, block, finder);
        return;
    }
    if (racing_) {
        ++race_blocks_;
        race_ours_ += ours_.contains(block->parent->hash);
    }
    public_tip_ = block;
    tell_honest(answer_to_growth(), block, finder);
}

SelfishMiner::Header SelfishMiner::answer_to_growth() {
    const std::uint32_t theirs = public_tip_->height;
    racing_ = false;
    if (private_tip_->height < theirs ||
        node::ancestor_at(public_tip_, private_tip_->height) == private_tip_) {
        private_tip_ = public_tip_;
        return {};
    }
    const std::uint32_t lead = private_tip_->height - theirs;
    racing_ = lead != 1;
    return release(lead <= 1 ? private_tip_ : node::ancestor_at(private_tip_, theirs));
}

SelfishMiner::Header SelfishMiner::release(const BlockNode* block) {
    Header headers;
    if (block->height > public_tip_->height) public_tip_ = block;
    for (const BlockNode* each = block; each->parent && known_.insert(each->hash).second;
         each = each->parent)
        headers.insert(headers.begin(), each->header);
    return headers;
}

void SelfishMiner::tell_honest(const Header& ours, const BlockNode* theirs, net::PeerId finder) {
    for (const net::PeerId peer : honest_) {
        const bool shows_theirs = options_.owns_network && theirs && peer != finder;
        if (!shows_theirs) {
            send_headers(peer, ours);
            continue;
        }
        const bool ours_first = random_.below(1'000) < options_.ours_first_per_mille;
        const Header public_header{theirs->header};
        send_headers(peer, ours_first ? ours : public_header);
        loop_.call_after(kLaterMs, [this, peer, later = ours_first ? public_header : ours] {
            send_headers(peer, later);
        });
    }
}

void SelfishMiner::send_headers(net::PeerId to, const Header& headers) {
    if (!headers.empty())
        node::send(network_, to, MessageKind::kHeaders, encode(node::Headers{headers}));
}

}  // namespace cairn::sim
