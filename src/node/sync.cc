#include "node/sync.h"

#include "base/log.h"

namespace cairn::node {

Sync::Sync(const Clock& clock, net::Network& network, ActiveChain& chain, PeerTable& peers,
           SyncOptions options)
    : clock_(clock), network_(network), chain_(chain), peers_(peers), options_(options) {}

void Sync::ask_headers(Peer& peer, const BlockNode* from) {
    if (peer.headers_asked_ms != 0) return;
    const GetHeaders message{chain_.tree().locator(from)};
    if (send(network_, peer.id, MessageKind::kGetHeaders, encode(message)))
        peer.headers_asked_ms = now_ms();
}

void Sync::on_peer_ready(Peer& peer) {
    const BlockNode* best = chain_.tree().best_header();
    if (peer.hello.work > chain_.tip()->node->work) ask_headers(peer, best);
}

Status Sync::on_get_headers(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const GetHeaders message, decode_get_headers(body));
    const BlockNode* from = chain_.tree().genesis();
    for (const Hash256& hash : message.locator) {
        const BlockNode* known = chain_.tree().find(hash);
        if (!known || !chain_.is_active(known)) continue;
        from = known;
        break;
    }
    Headers answer;
    for (std::uint32_t height = from->height + 1; answer.headers.size() < kMaxHeadersPerMessage;
         ++height) {
        const BlockNode* next = chain_.active_at(height);
        if (!next) break;
        answer.headers.push_back(next->header);
    }
    send(network_, peer.id, MessageKind::kHeaders, encode(answer));
    return ok_status();
}

Status Sync::on_headers(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Headers message, decode_headers(body));
    for (std::size_t i = 1; i < message.headers.size(); ++i)
        if (message.headers[i].previous != chain::block_hash(message.headers[i - 1]))
            return invalid("headers that do not follow each other");
    // A single header may be an announcement that crossed our question.
    if (message.headers.size() != 1) peer.headers_asked_ms = 0;
    if (message.headers.empty()) return ok_status();

    const auto outcome = chain_.accept_headers(message.headers);
    if (outcome.verdict.is_invalid()) return invalid(outcome.verdict.reason());
    // It comes from our clock's future: the same header may be fine in a moment.
    if (outcome.verdict.is_undecided() && !std::exchange(peer.put_off_said, true))
        log_warn("a block of peer {} is put off: {}", peer.info.address, outcome.verdict.reason());
    peer.ask_again = outcome.verdict.is_undecided();
    if (outcome.unknown_parent) {
        ask_headers(peer, chain_.tree().best_header());
        return ok_status();
    }
    peer.headers_asked_ms = 0;
    if (outcome.last) {
        peer.knows.insert(outcome.last->hash);
        if (!peer.best || outcome.last->work > peer.best->work) peer.best = outcome.last;
        const bool more =
            message.headers.size() == kMaxHeadersPerMessage || peer.hello.work > peer.best->work;
        if (more && outcome.added > 0 && outcome.verdict.is_valid())
            ask_headers(peer, outcome.last);
    }
    request_bodies();
    return ok_status();
}

Status Sync::on_get_block(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Hash256 hash, decode_hash(body));
    if (peer.blocks_read >= options_.max_reads_per_peer) {
        send(network_, peer.id, MessageKind::kNoBlock, encode_hash(hash));
        return ok_status();
    }
    ++peer.blocks_read;
    chain_.read_block(hash, alive_.guard([this, id = peer.id, hash](const Result<Bytes>& bytes) {
        send_block(id, hash, bytes);
    }));
    return ok_status();
}

void Sync::send_block(net::PeerId id, const Hash256& hash, const Result<Bytes>& bytes) {
    const auto asker = peers_.find(id);
    if (asker == peers_.end()) return;  // gone meanwhile; ids do not come back
    Peer& peer = asker->second;
    --peer.blocks_read;
    if (bytes.ok() && send(network_, id, MessageKind::kBlock, *bytes))
        peer.knows.insert(hash);
    else
        send(network_, id, MessageKind::kNoBlock, encode_hash(hash));
}

Status Sync::on_block(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const chain::Block block, chain::decode_block(body));
    const Hash256 hash = chain::block_hash(block.header);
    peer.blocks_asked_ms.erase(hash);
    peer.knows.insert(hash);
    switch (chain_.accept_block(block)) {
        case ActiveChain::BodyOutcome::kMismatch:
            return invalid("a body that is not its header's");
        case ActiveChain::BodyOutcome::kBroken:
            return invalid("a body that breaks C2");
        case ActiveChain::BodyOutcome::kAccepted:
        case ActiveChain::BodyOutcome::kKnown:
        case ActiveChain::BodyOutcome::kUnknownHeader:
        case ActiveChain::BodyOutcome::kBusy:
            break;
    }
    request_bodies();
    return ok_status();
}

Status Sync::on_no_block(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Hash256 hash, decode_hash(body));
    peer.blocks_asked_ms.erase(hash);
    // It cannot help with this branch for now; what it tells us next starts afresh.
    peer.best = nullptr;
    request_bodies();
    return ok_status();
}

void Sync::announce(const BlockNode* node) {
    Headers message;
    message.headers.push_back(node->header);
    const Bytes body = encode(message);
    for (auto& [id, peer] : peers_)
        if (peer.ready && peer.knows.insert(node->hash))
            send(network_, id, MessageKind::kHeaders, body);
}

bool Sync::is_asked(const Hash256& hash) const {
    for (const auto& [id, peer] : peers_)
        if (peer.blocks_asked_ms.contains(hash)) return true;
    return false;
}

void Sync::request_from(Peer& peer) {
    if (!peer.ready || !peer.best || peer.best->invalid) return;
    const BlockNode* tip = chain_.tip()->node;
    if (!(peer.best->work > tip->work)) return;
    if (peer.blocks_asked_ms.size() > options_.max_blocks_per_peer / 2) return;
    std::size_t seen = 0;
    for (const BlockNode* node : path(common_ancestor(peer.best, tip), peer.best)) {
        if (peer.blocks_asked_ms.size() >= options_.max_blocks_per_peer) return;
        if (node->has_body || node->body_coming) continue;
        if (++seen > options_.max_ahead) return;
        if (is_asked(node->hash)) continue;
        if (!send(network_, peer.id, MessageKind::kGetBlock, encode_hash(node->hash))) return;
        peer.blocks_asked_ms[node->hash] = now_ms();
    }
}

void Sync::request_bodies() {
    if (!chain_.takes_bodies()) return;
    for (auto& [id, peer] : peers_) request_from(peer);
}

void Sync::tick() {
    const std::uint64_t now = now_ms();
    for (auto& [id, peer] : peers_) {
        bool stalled =
            peer.headers_asked_ms != 0 && now > peer.headers_asked_ms + options_.timeout_ms;
        for (const auto& [hash, asked] : peer.blocks_asked_ms)
            stalled = stalled || now > asked + options_.timeout_ms;
        if (stalled) {
            log_info("peer {} does not answer; asking others", peer.info.address);
            peer.headers_asked_ms = 0;
            peer.blocks_asked_ms.clear();
            peer.best = nullptr;
            peer.ready = false;
            network_.disconnect(id);
        } else if (peer.ready &&
                   (peer.ask_again || (!peer.best && peer.hello.work > chain_.tip()->node->work))) {
            ask_headers(peer, chain_.tip()->node);
        }
    }
    request_bodies();
}

}  // namespace cairn::node
