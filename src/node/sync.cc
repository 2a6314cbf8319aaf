#include "node/sync.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "crypto/hash.h"

namespace cairn::node {
namespace {

constexpr unsigned kMaxLapses = 6;
/// Bodies that everything else waits for: so many above the tip. A node that catches up has more
/// under way, and would fetch all of them twice if it did not wait for its slower peers.
constexpr std::uint32_t kNextBlocks = 2;

/// Between two questions about headers whose parent we do not know, to one peer.
constexpr std::uint64_t kAirPauseMs = 1'000;
/// Between two looks for bodies to ask for that peers bring about by messages which cost nothing.
constexpr std::uint64_t kRequestPauseMs = 20;
/// Blocks above the first one that lacks its body which are looked at for others that do.
constexpr std::uint32_t kMaxLookedAt = 512;

void note_lapse(Peer& peer) { peer.lapses = std::min(peer.lapses + 1, kMaxLapses); }

}  // namespace

Sync::Sync(const Clock& clock, Random& random, Loop& loop, net::Network& network,
           ActiveChain& chain, PeerTable& peers, PeerReads& reads, SyncOptions options)
    : clock_(clock),
      random_(random),
      loop_(loop),
      network_(network),
      chain_(chain),
      peers_(peers),
      reads_(reads),
      options_(options),
      header_work_(
          loop, chain.network().work,
          {.screen = [this](net::PeerId id, HeaderWork::Message& message) -> Result<std::size_t> {
               return screen(peers_.at(id), message);
           },
           .done = [this](net::PeerId id, const HeaderWork::Message& message,
                          const Status& judged) { on_work(id, message, judged); },
           .chosen =
               [this](net::PeerId id) {
                   const auto found = peers_.find(id);
                   return found != peers_.end() && found->second.info.outbound;
               }}) {}

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
    if (!network_.has_room(peer.id, kMaxHeadersPerMessage * chain::kHeaderBytes))
        return ok_status();
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
    ASSIGN_OR_RETURN(Headers message, decode_headers(body));
    for (std::size_t i = 1; i < message.headers.size(); ++i)
        if (message.headers[i].previous != chain::block_hash(message.headers[i - 1]))
            return invalid("headers that do not follow each other");
    // A single header may be an announcement that crossed our question.
    if (message.headers.size() != 1) peer.headers_asked_ms = 0;
    HeaderWork::Message read{std::move(message.headers), false};
    read.is_full = read.headers.size() == kMaxHeadersPerMessage;
    if (chain::cost_of(chain_.network().work) == 1)
        return on_judged(peer, read, consensus::Work::kUnknown);
    // What is not taken is asked for again.
    if (!header_work_.add(peer.id, std::move(read))) peer.ask_again = true;
    return ok_status();
}

Result<std::size_t> Sync::screen(const Peer& peer, HeaderWork::Message& message) {
    auto& headers = message.headers;
    const BlockTree& tree = chain_.tree();
    std::size_t known = 0;
    std::optional<HeaderWalk> walk;
    if (headers.empty()) return known;
    if (peer.presync && headers.front().previous == peer.presync->last()) {
        walk = peer.presync->walk();
    } else {
        while (known < headers.size() && tree.find(chain::block_hash(headers[known]))) ++known;
        if (known == headers.size()) return known;
        const BlockNode* parent = tree.find(headers[known].previous);
        if (!parent || parent->invalid) return headers.size();  // nobody will look at the rest
        walk.emplace(parent);
    }
    for (std::size_t i = known; i < headers.size(); ++i) {
        const Verdict verdict = walk->step(chain_.network(), chain_.newest(), headers[i],
                                           clock_.wall_ms(), consensus::Work::kKnown);
        if (verdict.is_invalid()) return invalid(verdict.reason());
        if (!verdict.is_valid()) headers.resize(i + 1);
    }
    return known;
}

void Sync::on_work(net::PeerId id, const HeaderWork::Message& message, const Status& judged) {
    const auto found = peers_.find(id);
    if (found == peers_.end() || !found->second.ready) return;
    const Status status =
        judged.ok() ? on_judged(found->second, message, consensus::Work::kKnown) : judged;
    if (!status.ok()) drop(found->second, status.error().message);
}

void Sync::drop(Peer& peer, const std::string& reason) {
    log_info("dropping peer {}: {}", peer.info.address, reason);
    peer.ready = false;
    network_.disconnect(peer.id);
}

Status Sync::on_judged(Peer& peer, const HeaderWork::Message& message, consensus::Work work) {
    if (message.headers.empty()) {
        peer.ask_again = false;
        end_presync(peer, true);
        return ok_status();
    }
    if (peer.presync && message.headers.front().previous == peer.presync->last())
        return on_presync(peer, message, work);
    // An answer that does not go on there: the peer follows another branch by now.
    if (peer.presync && message.headers.size() > 1) end_presync(peer, false);

    const auto outcome = chain_.accept_headers(message.headers, ActiveChain::Counted::kNo, work);
    if (outcome.verdict.is_invalid()) return invalid(outcome.verdict.reason());
    if (outcome.verdict.is_undecided() && !std::exchange(peer.put_off_said, true))
        log_warn("a block of peer {} is put off: {}", peer.info.address, outcome.verdict.reason());
    // From our clock's future the same header may be fine in a moment; an upgrade that we do not
    // know will not pass.
    peer.ask_again = outcome.verdict.is_undecided() && !outcome.newer_versions;
    if (outcome.unknown_parent) {
        if (!outcome.newer_versions) ask_about_air(peer);
        return ok_status();
    }
    peer.headers_asked_ms = 0;
    if (outcome.on_invalid) {
        peer.hello.work = {};  // what it promises stands on what is worth nothing
        return ok_status();
    }
    if (outcome.too_little_work) {
        if (message.is_full)
            start_presync(peer, message, work);
        else if (message.headers.size() > 1)
            peer.hello.work = {};  // that was all it has
        return ok_status();
    }
    if (outcome.last) {
        peer.knows.insert(outcome.last->hash);
        peer.branches.add(outcome.last);
        const bool more = message.is_full || peer.hello.work > peer.branches.best()->work;
        if (more && outcome.added > 0 && outcome.verdict.is_valid())
            ask_headers(peer, outcome.last);
    }
    request_soon();
    return ok_status();
}

// Headers in the air cost their sender nothing.
void Sync::ask_about_air(Peer& peer) {
    if (now_ms() < peer.air_asked_ms + kAirPauseMs) {
        peer.ask_again = true;
        return;
    }
    peer.air_asked_ms = now_ms();
    ask_headers(peer, chain_.tree().best_header());
}

void Sync::start_presync(Peer& peer, const HeaderWork::Message& message, consensus::Work work) {
    // The message may begin with headers that we have.
    const BlockTree& tree = chain_.tree();
    std::span<const chain::BlockHeader> headers = message.headers;
    while (tree.find(chain::block_hash(headers.front()))) headers = headers.subspan(1);
    peer.presync = std::make_unique<Presync>(tree.find(headers.front().previous), random_.u64(),
                                             tree.best_header()->work);
    const Verdict verdict =
        peer.presync->count(chain_.network(), chain_.newest(), headers, clock_.wall_ms(), work);
    if (!verdict.is_valid()) return end_presync(peer, false);
    ask_on(peer);
}

void Sync::ask_on(Peer& peer) {
    GetHeaders message{chain_.tree().locator(peer.presync->from())};
    message.locator.resize(std::min(message.locator.size(), kMaxLocator - 1));
    if (peer.presync->last() != message.locator.front())
        message.locator.insert(message.locator.begin(), peer.presync->last());
    if (send(network_, peer.id, MessageKind::kGetHeaders, encode(message)))
        peer.headers_asked_ms = now_ms();
}

// A branch that is complete and has too little work refutes what the peer's hello said; so does an
// answer that nothing is above what we have.
void Sync::end_presync(Peer& peer, bool refuted) {
    peer.presync.reset();
    if (refuted) peer.hello.work = {};
}

Status Sync::on_presync(Peer& peer, const HeaderWork::Message& message, consensus::Work work) {
    peer.headers_asked_ms = 0;
    Presync& presync = *peer.presync;
    const auto& headers = message.headers;
    const bool more = message.is_full;
    if (!presync.is_second_reading()) {
        const Verdict verdict =
            presync.count(chain_.network(), chain_.newest(), headers, clock_.wall_ms(), work);
        if (verdict.is_invalid()) return invalid(verdict.reason());
        if (presync.has_enough()) {
            presync.read_again();
        } else if (!more || verdict.is_undecided()) {
            end_presync(peer, !more);
            return ok_status();
        }
        ask_on(peer);
        return ok_status();
    }
    if (!presync.matches(chain_.network(), chain_.newest(), headers, clock_.wall_ms()))
        return invalid("a branch that is another one when it is read again");
    const auto outcome = chain_.accept_headers(headers, ActiveChain::Counted::kYes, work);
    if (outcome.verdict.is_invalid()) return invalid(outcome.verdict.reason());
    if (outcome.last) peer.branches.add(outcome.last);
    if (presync.is_complete() || !more) {
        end_presync(peer, false);
        if (more && outcome.last) ask_headers(peer, outcome.last);
    } else {
        ask_on(peer);
    }
    request_soon();
    return ok_status();
}

Status Sync::on_get_block(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Hash256 hash, decode_hash(body));
    if (const auto bytes = chain_.body_in_memory(hash)) {
        send_block(peer.id, hash, bytes.get());
        return ok_status();
    }
    const BlockNode* node = chain_.tree().find(hash);
    if (node == nullptr || !node->has_body) {
        send_block(peer.id, hash, nullptr);
        return ok_status();
    }
    reads_.add({peer.id,
                [this, id = peer.id, hash](std::function<void()> finished) {
                    read_block(id, hash, std::move(finished));
                },
                [this, id = peer.id, hash] { send_block(id, hash, nullptr); }});
    return ok_status();
}

void Sync::read_block(net::PeerId id, const Hash256& hash, std::function<void()> finished) {
    if (!network_.has_room(id, chain_.network().max_block_bytes)) {
        send_block(id, hash, nullptr);
        return finished();
    }
    chain_.read_block(
        hash,
        alive_.guard([this, id, hash, finished = std::move(finished)](const Result<Bytes>& bytes) {
            send_block(id, hash, bytes.ok() ? &*bytes : nullptr);
            finished();
        }));
}

void Sync::send_block(net::PeerId id, const Hash256& hash, const Bytes* bytes) {
    const auto asker = peers_.find(id);
    if (asker == peers_.end()) return;  // gone meanwhile; ids do not come back
    if (bytes != nullptr && send(network_, id, MessageKind::kBlock, *bytes))
        asker->second.knows.insert(hash);
    else
        send(network_, id, MessageKind::kNoBlock, encode_hash(hash));
}

Status Sync::on_block(Peer& peer, ByteView body) {
    if (body.size() < chain::kHeaderBytes) return invalid("a block without a header");
    const Hash256 hash = crypto::sha256d(body.first(chain::kHeaderBytes));
    if (!peer.bodies_asked.contains(hash)) return ok_status();  // nobody asked it
    ASSIGN_OR_RETURN(const chain::Block block, chain::decode_block(body));
    peer.bodies_asked.erase(hash);
    peer.lapses /= 2;
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
    if (peer.bodies_asked.erase(hash) == 0) return ok_status();  // nobody asked it
    note_lapse(peer);
    // It cannot help with this branch for now; what it tells us next starts afresh.
    if (const BlockNode* lacking = chain_.tree().find(hash)) peer.branches.remove(lacking);
    request_soon();
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

void Sync::note_lapses() {
    for (auto& [id, peer] : peers_)
        for (auto& [hash, question] : peer.bodies_asked)
            if (!question.late && now_ms() >= question.asked_ms + options_.patience_ms) {
                question.late = true;
                note_lapse(peer);
            }
}

std::vector<Peer*> Sync::best_first() {
    std::vector<Peer*> all;
    for (auto& [id, peer] : peers_) all.push_back(&peer);
    std::ranges::stable_sort(
        all, {}, [](const Peer* peer) { return std::pair(peer->lapses, !peer->info.outbound); });
    return all;
}

bool Sync::is_asked(const BlockNode* node, const Peer& by) const {
    const bool is_next = node->height <= chain_.tip()->node->height + kNextBlocks;
    std::size_t asked = 0;
    for (const auto& [id, peer] : peers_) {
        const auto question = peer.bodies_asked.find(node->hash);
        if (question == peer.bodies_asked.end()) continue;
        if (is_next && peer.lapses > by.lapses) continue;
        if (!question->second.late) return true;
        // Those who dialled us do not use up what we may ask of those that we chose.
        if (peer.info.outbound || !by.info.outbound) ++asked;
    }
    return asked >= options_.max_asked;
}

void Sync::request_from(Peer& peer) {
    // Blocks are told before all rules have judged them: one that fell may hide what else it has.
    if (peer.branches.drop_invalid()) peer.ask_again = true;
    if (!peer.ready || peer.bodies_asked.size() > options_.max_blocks_per_peer / 2) return;
    for (const BlockNode* best : peer.branches.tips()) request_branch(peer, best);
}

void Sync::request_branch(Peer& peer, const BlockNode* best) {
    if (!(best->work > chain_.tip()->node->work)) return;
    if (best->has_path) return;
    const BlockNode* first = lowest(best, [](const BlockNode* node) { return !node->has_path; });
    const std::uint32_t end = std::min(best->height, first->height + kMaxLookedAt);
    std::size_t seen = 0;
    for (const BlockNode* node : path(first->parent, ancestor_at(best, end))) {
        if (peer.bodies_asked.size() >= options_.max_blocks_per_peer) return;
        if (node->has_body || node->body_coming) continue;
        if (++seen > options_.max_ahead) return;
        if (peer.bodies_asked.contains(node->hash) || is_asked(node, peer)) continue;
        if (!send(network_, peer.id, MessageKind::kGetBlock, encode_hash(node->hash))) return;
        peer.bodies_asked[node->hash] = {now_ms()};
    }
}

void Sync::request_soon() {
    if (request_timer_ != 0) return;
    const std::uint64_t due = requested_ms_ + kRequestPauseMs;
    if (now_ms() >= due) return request_bodies();
    request_timer_ = loop_.call_after(due - now_ms(), alive_.guard([this] {
        request_timer_ = 0;
        request_bodies();
    }));
}

void Sync::on_peer_down(net::PeerId id) {
    header_work_.forget(id);
    request_soon();
}

void Sync::request_bodies() {
    if (!chain_.takes_bodies()) return;
    ++requests_;
    requested_ms_ = now_ms();
    note_lapses();
    for (Peer* peer : best_first()) request_from(*peer);
}

void Sync::tick() {
    const std::uint64_t now = now_ms();
    for (auto& [id, peer] : peers_) {
        bool stalled = peer.headers_asked_ms != 0 && !header_work_.has(id) &&
                       now > peer.headers_asked_ms + options_.timeout_ms;
        for (const auto& [hash, question] : peer.bodies_asked)
            stalled = stalled || now > question.asked_ms + options_.timeout_ms;
        if (stalled) {
            log_info("peer {} does not answer; asking others", peer.info.address);
            peer.headers_asked_ms = 0;
            peer.bodies_asked.clear();
            peer.branches.clear();
            peer.ready = false;
            network_.disconnect(id);
        } else if (peer.ready && !header_work_.has(id) &&
                   (peer.ask_again ||
                    (peer.branches.empty() && peer.hello.work > chain_.tip()->node->work))) {
            ask_headers(peer, chain_.tip()->node);
        }
    }
    request_bodies();
}

}  // namespace cairn::node
