#include "node/wanted_items.h"

#include <algorithm>

namespace cairn::node {
namespace {

constexpr unsigned kMaxFailures = 6;
constexpr std::size_t kMaxUnanswered = 1'024;
constexpr std::uint64_t kLeastPatienceMs = 500;

}  // namespace

std::uint64_t WantedItems::patience_ms(const Source& source, ItemKind kind) const {
    const std::uint64_t most =
        kind == ItemKind::kContribution ? limits_.payload_timeout_ms : limits_.timeout_ms;
    return std::max<std::uint64_t>(most >> source.failures, kLeastPatienceMs);
}

void WantedItems::offer(net::PeerId peer, bool chosen, const Item& item) {
    Source& source = sources_[peer];
    source.chosen = chosen;
    if (source.offers.size() >= limits_.max_offers) return;
    Want& want = wants_[item];
    if (std::ranges::find(want.offered_by, peer) != want.offered_by.end()) return;
    want.offered_by.push_back(peer);
    source.offers.insert(item);
    source.queue.push_back(item);
    // Who was asked may still deliver, and then it is taken.
    if (want.asked != 0 && !want.arrived && takes_over(source, sources_.at(want.asked)))
        close_question(wants_.find(item));
}

bool WantedItems::takes_over(const Source& peer, const Source& asked) const {
    return peer.failures < asked.failures || (peer.chosen && !asked.chosen);
}

std::vector<net::PeerId> WantedItems::best_first() const {
    std::vector<net::PeerId> peers;
    for (const auto& [peer, source] : sources_) peers.push_back(peer);
    std::ranges::stable_sort(peers, {}, [this](net::PeerId peer) { return standing(peer); });
    return peers;
}

// What compares less is better.
std::pair<unsigned, bool> WantedItems::standing(net::PeerId peer) const {
    const Source& source = sources_.at(peer);
    return {source.failures, !source.chosen};
}

std::map<net::PeerId, std::vector<Item>> WantedItems::next_questions(std::uint64_t now_ms) {
    expire(now_ms);
    std::map<net::PeerId, std::vector<Item>> questions;
    for (const net::PeerId peer : best_first()) {
        Source& source = sources_.at(peer);
        const std::size_t window = std::max<std::size_t>(limits_.window >> source.failures, 1);
        while (source.open.size() < window && !source.queue.empty()) {
            const Item item = source.queue.front();
            source.queue.pop_front();
            const auto found = wants_.find(item);
            if (found == wants_.end() || found->second.asked != 0 || found->second.arrived)
                continue;
            Want& want = found->second;
            want.asked = peer;
            want.due_ms = now_ms + patience_ms(source, item.kind);
            due_.emplace(want.due_ms, item);
            source.open.insert(item);
            if (source.unanswered.size() == kMaxUnanswered)
                source.unanswered.erase(source.unanswered.begin());
            source.unanswered.insert(item);
            questions[peer].push_back(item);
        }
    }
    return questions;
}

void WantedItems::close_question(Wants::iterator want) {
    const net::PeerId asked = want->second.asked;
    if (asked == 0) return;
    due_.erase({want->second.due_ms, want->first});
    sources_.at(asked).open.erase(want->first);
    want->second.asked = 0;
}

void WantedItems::erase(Wants::iterator want) {
    close_question(want);
    for (const net::PeerId peer : want->second.offered_by)
        sources_.at(peer).offers.erase(want->first);
    wants_.erase(want);
}

void WantedItems::expire(std::uint64_t now_ms) {
    while (!due_.empty() && due_.begin()->first <= now_ms) {
        const auto want = wants_.find(due_.begin()->second);
        const net::PeerId failed = want->second.asked;
        close_question(want);
        fail(want, failed);
    }
}

// The offer is void; the peer may offer the item again.
void WantedItems::fail(Wants::iterator want, net::PeerId failed) {
    note_failure(failed);
    if (std::erase(want->second.offered_by, failed) > 0)
        sources_.at(failed).offers.erase(want->first);
    ask_another(want);
}

void WantedItems::note_failure(net::PeerId peer) {
    const auto source = sources_.find(peer);
    if (source != sources_.end())
        source->second.failures = std::min(source->second.failures + 1, kMaxFailures);
}

void WantedItems::ask_another(Wants::iterator want) {
    const std::vector<net::PeerId>& offered_by = want->second.offered_by;
    const auto best = std::ranges::min_element(offered_by, {},
                                               [this](net::PeerId peer) { return standing(peer); });
    if (best == offered_by.end()) return erase(want);
    sources_.at(*best).queue.push_front(want->first);
}

bool WantedItems::delivered(net::PeerId peer, const Item& item) {
    const auto source = sources_.find(peer);
    if (source == sources_.end() || source->second.unanswered.erase(item) == 0) return false;
    const auto want = wants_.find(item);
    if (want == wants_.end() || want->second.arrived) return true;
    // It may be late, and another asked by now.
    close_question(want);
    want->second.asked = peer;
    want->second.arrived = true;
    source->second.open.insert(item);
    return true;
}

void WantedItems::refused(net::PeerId peer, const Item& item) {
    const auto want = wants_.find(item);
    const bool judged = want != wants_.end() && want->second.arrived &&
                        (want->second.asked == 0 || want->second.asked == peer);
    if (!judged) return note_failure(peer);
    close_question(want);
    want->second.arrived = false;
    fail(want, peer);
}

void WantedItems::taken(net::PeerId from, const Item& item) {
    if (const auto source = sources_.find(from); source != sources_.end())
        source->second.failures /= 2;
    forget(item);
}

void WantedItems::forget(const Item& item) {
    const auto want = wants_.find(item);
    if (want != wants_.end()) erase(want);
}

void WantedItems::remove_peer(net::PeerId peer) {
    const auto source = sources_.find(peer);
    if (source == sources_.end()) return;
    // A question may outlive its offer, where the answer came late.
    std::set<Item> items = source->second.offers;
    items.insert(source->second.open.begin(), source->second.open.end());
    for (const Item& item : items) {
        const auto want = wants_.find(item);
        const bool offered = std::erase(want->second.offered_by, peer) > 0;
        if (want->second.asked == peer) close_question(want);
        // What was in its queue may be in nobody else's.
        if (offered && want->second.asked == 0 && !want->second.arrived) ask_another(want);
    }
    sources_.erase(source);
}

}  // namespace cairn::node
