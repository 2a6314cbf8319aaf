#include "node/evidence_gossip.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "crypto/hash.h"

namespace cairn::node {
namespace {

constexpr std::size_t kMaxGroups = 1024;
constexpr std::size_t kMaxLate = 8;

}  // namespace

EvidenceGossip::EvidenceGossip(const Clock& clock, net::Network& network, PeerTable& peers,
                               const ServerTable& servers, serve::EvidenceDesk& desk,
                               PeerReads& reads, GroupOf group_of,
                               const EvidenceGossipLimits& limits)
    : clock_(clock),
      network_(network),
      peers_(peers),
      servers_(servers),
      desk_(desk),
      reads_(reads),
      limits_(limits),
      group_of_(std::move(group_of)) {
    desk_.on_kept(alive_.guard([this](const serve::ExhibitNote& note) {
        unchecked_.erase(note.server);
        for (const auto& [id, peer] : peers_)
            if (peer.ready) tell({note}, id);
    }));
    desk_.set_address_of([this](const crypto::PublicKey& server) {
        const auto known = servers_.known().find(server);
        return known == servers_.known().end() ? std::string() : known->second.record.address;
    });
}

bool EvidenceGossip::is_chosen(net::PeerId peer) const {
    const auto found = peers_.find(peer);
    return found != peers_.end() && found->second.info.outbound;
}

// A neighbour of those that we chose does not silence them.
bool EvidenceGossip::may_offer(const Peer& peer) const {
    const auto state = states_.find(peer.id);
    if (state == states_.end() || state->second.lost_right) return false;
    if (peer.info.outbound) return true;
    const auto group = lost_until_ms_.find(group_of_(peer.id));
    return group == lost_until_ms_.end() || group->second <= now_ms();
}

void EvidenceGossip::on_peer_ready(Peer& peer) {
    states_[peer.id];
    std::vector<serve::ExhibitNote> all;
    for (const auto& [id, note] : desk_.kept()) all.push_back(note);
    tell(all, peer.id);
}

void EvidenceGossip::on_peer_down(net::PeerId peer) {
    for (auto it = offers_.begin(); it != offers_.end();) {
        Offer& offer = (it++)->second;
        if (offer.by.contains(peer)) take_back(peer, offer);
    }
    states_.erase(peer);
}

Status EvidenceGossip::on_exhibits(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Exhibits told, decode_exhibits(body));
    const auto state = states_.find(peer.id);
    if (state == states_.end() || !may_offer(peer)) return ok_status();
    bool is_new = false;
    for (const serve::ExhibitNote& note : told.notes) {
        if (!state->second.notes.take(now_ms())) break;
        is_new = hear(peer, state->second, note) || is_new;
    }
    if (is_new) ask();  // looks at all offers, so not for every message
    return ok_status();
}

bool EvidenceGossip::hear(Peer& peer, PeerState& state, const serve::ExhibitNote& note) {
    state.has.insert(note.id);
    if (desk_.kept().contains(note.id) || in_vain_.contains(note.id) ||
        desk_.is_convicted(note.server))
        return false;
    const Hash256 key = crypto::sha256(encode(Exhibits{{note}}));
    if (!offers_.contains(key)) {
        if (!make_room(peer.id, state)) return false;
        offers_[key].note = note;
        offers_[key].serial = next_serial_++;
    }
    if (!offers_[key].by.insert(peer.id).second) return false;
    ++state.offers;
    return true;
}

// Several who offer the same give way one after another.
bool EvidenceGossip::make_room(net::PeerId peer, const PeerState& state) {
    if (state.offers >= limits_.offers_per_peer && !take_back_one_of(peer)) return false;
    while (offers_.size() >= limits_.offers) {
        const auto most = std::ranges::max_element(
            states_, {}, [](const auto& each) { return each.second.offers; });
        if (most->second.offers <= state.offers + 1 || !take_back_one_of(most->first)) return false;
    }
    return true;
}

bool EvidenceGossip::take_back_one_of(net::PeerId peer) {
    Offer* latest = nullptr;
    for (auto& [key, offer] : offers_)
        if (offer.by.contains(peer) && offer.asked == 0 && !offer.judged &&
            (latest == nullptr || offer.serial > latest->serial))
            latest = &offer;
    if (latest == nullptr) return false;
    take_back(peer, *latest);
    return true;
}

EvidenceGossip::Want EvidenceGossip::wants(const serve::ExhibitNote& note) {
    if (desk_.is_convicted(note.server) || desk_.kept().contains(note.id)) return Want::kNever;
    if (!servers_.known().contains(note.server)) return Want::kNotNow;
    if (desk_.can_judge(note)) return Want::kYes;
    unchecked_.emplace(note.server, note);
    return Want::kNotNow;
}

// Those that we dialled first: strangers chose us.
net::PeerId EvidenceGossip::whom(const Offer& offer, bool strangers_too) const {
    const std::uint64_t now = now_ms();
    std::set<std::string> busy;
    for (const auto& [id, state] : states_)
        if (!state.asked.is_zero()) busy.insert(group_of_(id));
    net::PeerId best = 0;
    for (const net::PeerId id : offer.by) {
        const auto peer = peers_.find(id);
        const auto state = states_.find(id);
        if (peer == peers_.end() || state == states_.end() || !may_offer(peer->second)) continue;
        const bool chosen = peer->second.info.outbound;
        if (!chosen && !strangers_too) continue;
        const std::string group = group_of_(id);
        const auto unasked = unasked_until_ms_.find(group);
        if (!state->second.asked.is_zero() || busy.contains(group) ||
            now < state->second.unasked_until_ms ||
            (!chosen && unasked != unasked_until_ms_.end() && now < unasked->second))
            continue;
        if (best == 0 || (chosen && !is_chosen(best))) best = id;
    }
    return best;
}

// What peers offer that we chose comes first, and of that what is quickly judged: a large one is
// cheap to make, and holds up all others.
void EvidenceGossip::ask() {
    std::size_t asked = 0, of_strangers = 0;
    std::vector<std::tuple<bool, std::uint32_t, std::uint64_t, Hash256>> open;
    for (const auto& [key, offer] : offers_) {
        if (offer.asked != 0 || offer.judged) {
            ++asked;
            of_strangers += offer.of_stranger;
            continue;
        }
        const bool strangers_alone =
            std::ranges::none_of(offer.by, [this](net::PeerId id) { return is_chosen(id); });
        open.emplace_back(strangers_alone, offer.note.bytes, offer.serial, key);
    }
    std::ranges::sort(open);
    for (const auto& [strangers_alone, bytes, serial, key] : open) {
        if (asked >= limits_.asked_at_once) return;
        const bool strangers_too = of_strangers < limits_.asked_of_strangers;
        if (strangers_alone && !strangers_too) return;
        Offer& offer = offers_.at(key);
        const Want want = wants(offer.note);
        if (want == Want::kNever) {
            forget(key);
            continue;
        }
        const net::PeerId peer = want == Want::kYes ? whom(offer, strangers_too) : 0;
        if (peer == 0 ||
            !send(network_, peer, MessageKind::kGetExhibit, encode_hash(offer.note.id)))
            continue;
        offer.asked = peer;
        offer.of_stranger = !is_chosen(peer);
        states_[peer].asked = key;
        states_[peer].asked_ms = now_ms();
        states_[peer].late.erase(offer.note.id);
        ++fetched_;
        ++asked;
        of_strangers += offer.of_stranger;
    }
}

Status EvidenceGossip::on_get_exhibit(Peer& peer, ByteView body) {
    ASSIGN_OR_RETURN(const Hash256 id, decode_hash(body));
    const auto state = states_.find(peer.id);
    if (state == states_.end() || !desk_.kept().contains(id)) return ok_status();
    if (!state->second.answers.take(now_ms()) || !state->second.given.insert(id))
        return ok_status();
    const auto read = [this, id, to = peer.id](std::function<void()> finished) {
        const auto note = desk_.kept().find(id);
        if (note == desk_.kept().end() || !network_.has_room(to, note->second.bytes))
            return finished();
        desk_.read(id, alive_.guard([this, to, finished](const Bytes& bytes) {
            if (!bytes.empty()) send(network_, to, MessageKind::kExhibit, bytes);
            finished();
        }));
    };
    reads_.add({peer.id, read, [] {}});  // others may give what there is no room for
    return ok_status();
}

Status EvidenceGossip::on_exhibit(Peer& peer, ByteView body) {
    const auto state = states_.find(peer.id);
    if (state == states_.end() || state->second.asked.is_zero()) return ok_status();  // not asked
    // It took its time, and is not what it was asked for since.
    if (!state->second.late.empty() && state->second.late.erase(serve::exhibit_id(body)) == 1)
        return ok_status();
    const Hash256 key = std::exchange(state->second.asked, Hash256{});
    const auto found = offers_.find(key);
    if (found == offers_.end()) return ok_status();
    Offer& offer = found->second;
    offer.asked = 0;
    const auto exhibit = serve::decode_exhibit(body);
    if (!exhibit.ok() || serve::note_of(*exhibit, body) != offer.note) {
        log_info("peer {} gave another exhibit than it offered", peer.info.address);
        lose_right(peer.id);
        return ok_status();
    }
    offer.judged = true;
    offer.held.assign(body.begin(), body.end());
    judge_held(key, offer);
    return ok_status();
}

// A peer gives each exhibit once, so what the desk has no room for is not asked for again.
void EvidenceGossip::judge_held(const Hash256& key, Offer& offer) {
    if (offer.held.empty() || !desk_.has_room()) return;
    if (wants(offer.note) == Want::kNever) return forget(key);  // by now
    desk_.submit(std::exchange(offer.held, {}), offer.of_stranger,
                 alive_.guard([this, key](serve::Judgement judgement, const std::string& why) {
                     on_judged(key, judgement, why);
                 }));
}

// By a list of keys: a judgement that is there at once forgets its offer.
void EvidenceGossip::judge_all_held() {
    std::vector<Hash256> held;
    for (const auto& [key, offer] : offers_)
        if (!offer.held.empty()) held.push_back(key);
    for (const Hash256& key : held)
        if (const auto offer = offers_.find(key); offer != offers_.end())
            judge_held(key, offer->second);
}

void EvidenceGossip::on_judged(const Hash256& key, serve::Judgement judgement,
                               const std::string& why) {
    const auto found = offers_.find(key);
    if (found == offers_.end()) return;
    const std::set<net::PeerId> offered_by = found->second.by;
    const serve::ExhibitNote note = found->second.note;
    switch (judgement) {
        case serve::Judgement::kConvicts:
            break;
        case serve::Judgement::kProvesNothing:
            log_info("exhibit {} against layer server {} proves nothing: {}", short_hex(note.id),
                     short_hex(note.server), why);
            in_vain_.insert(note.id);
            // Each of them said that it had judged it.
            for (const net::PeerId peer : offered_by) lose_right(peer);
            break;
        case serve::Judgement::kNotHere:
            if (servers_.known().contains(note.server)) unchecked_.emplace(note.server, note);
            break;
        case serve::Judgement::kFull:
            break;  // cannot be: judge_held() looked
    }
    forget(key);
    judge_all_held();
    ask();
}

void EvidenceGossip::lose_right(net::PeerId peer) {
    const auto state = states_.find(peer);
    if (state == states_.end()) return;
    state->second.lost_right = true;
    std::erase_if(lost_until_ms_, [&](const auto& lost) { return lost.second <= now_ms(); });
    if (!is_chosen(peer) && lost_until_ms_.size() < kMaxGroups)
        lost_until_ms_[group_of_(peer)] = now_ms() + limits_.lost_right_ms;
    for (auto it = offers_.begin(); it != offers_.end();) {
        Offer& offer = (it++)->second;
        if (offer.by.contains(peer) && !offer.judged) take_back(peer, offer);
    }
}

// An offer that nobody makes any more is gone, unless it is being judged.
void EvidenceGossip::take_back(net::PeerId peer, Offer& offer) {
    const auto state = states_.find(peer);
    if (offer.by.erase(peer) == 1 && state != states_.end()) --state->second.offers;
    if (offer.asked == peer) offer.asked = 0;
    if (offer.by.empty() && !offer.judged) forget(crypto::sha256(encode(Exhibits{{offer.note}})));
}

void EvidenceGossip::forget(const Hash256& key) {
    const auto found = offers_.find(key);
    if (found == offers_.end()) return;
    for (const net::PeerId peer : found->second.by)
        if (const auto state = states_.find(peer); state != states_.end()) --state->second.offers;
    offers_.erase(found);
}

void EvidenceGossip::tick() {
    const std::uint64_t now = now_ms();
    for (auto& [id, state] : states_) {
        if (state.asked.is_zero() || now < state.asked_ms + limits_.patience_ms) continue;
        state.unasked_until_ms = now + limits_.unasked_ms;
        if (!is_chosen(id) && unasked_until_ms_.size() < kMaxGroups)
            unasked_until_ms_[group_of_(id)] = now + limits_.unasked_ms;
        const auto offer = offers_.find(std::exchange(state.asked, Hash256{}));
        if (offer == offers_.end()) continue;
        if (state.late.size() >= kMaxLate) state.late.clear();
        state.late.insert(offer->second.note.id);
        take_back(id, offer->second);
    }
    judge_all_held();
    std::erase_if(unasked_until_ms_, [&](const auto& group) { return group.second <= now; });
    std::erase_if(unchecked_, [&](const auto& accused) {
        return !servers_.known().contains(accused.first) || desk_.is_convicted(accused.first);
    });
    ask();
}

const serve::ExhibitNote* EvidenceGossip::unchecked(const crypto::PublicKey& server) const {
    const auto found = unchecked_.find(server);
    return found == unchecked_.end() ? nullptr : &found->second;
}

void EvidenceGossip::tell(const std::vector<serve::ExhibitNote>& notes, net::PeerId to) {
    const auto state = states_.find(to);
    if (state == states_.end()) return;
    Exhibits message;
    const auto flush = [&] {
        if (message.notes.empty()) return;
        send(network_, to, MessageKind::kExhibits, encode(message));
        message.notes.clear();
    };
    for (const serve::ExhibitNote& note : notes) {
        if (note.bytes > serve::kMaxSharedExhibit || !state->second.has.insert(note.id)) continue;
        message.notes.push_back(note);
        if (message.notes.size() == kMaxExhibitsPerMessage) flush();
    }
    flush();
}

}  // namespace cairn::node
