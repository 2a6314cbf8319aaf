#include "node/server_table.h"

#include <algorithm>

#include "net/address.h"
#include "net/relay_messages.h"

namespace cairn::node {
namespace {

constexpr std::size_t kMaxFailed = 1024;

std::string group_of(const serve::Announce& record) {
    return net::netgroup(net::dialled_host(record.address));
}

/// The group with the most; empty of none.
std::string most_crowded(const std::map<std::string, std::size_t>& counts) {
    const auto most =
        std::ranges::max_element(counts, {}, [](const auto& group) { return group.second; });
    return most == counts.end() ? "" : most->first;
}

std::size_t count_of(const std::map<std::string, std::size_t>& counts, const std::string& group) {
    const auto found = counts.find(group);
    return found == counts.end() ? 0 : found->second;
}

}  // namespace

// A stranger from afar could otherwise have this node dial what listens on its own machine.
bool ServerTable::is_fit(const serve::Announce& record, const std::string& teller_host) const {
    if (record.genesis != genesis_ && !record.genesis.is_zero()) return false;
    const std::string host = net::dialled_host(record.address);
    return !host.empty() && (!net::is_loopback(host) || net::is_loopback(teller_host));
}

bool ServerTable::wants(const serve::Announce& record, const std::string& teller_host,
                        std::uint64_t now_ms) const {
    if (!is_fit(record, teller_host)) return false;
    if (const auto known = known_.find(record.key); known != known_.end()) {
        if (known->second.own) return false;
        if (record.issued_ms < known->second.record.issued_ms + kMinAnnounceStepMs) return false;
        if (record.address == known->second.record.address) return true;
    }
    // Not while it is being asked: what is then taken must be what was asked about.
    if (const auto waits = waiting_.find(record.key); waits != waiting_.end())
        return record.issued_ms >= waits->second.record.issued_ms + kMinAnnounceStepMs &&
               !waits->second.asked;
    const auto failed = failed_.find(record.key);
    if (failed != failed_.end() && failed->second > now_ms) return false;
    return may_wait(net::netgroup(teller_host));
}

bool ServerTable::hear(const serve::Announce& record, const std::string& teller_host,
                       std::uint64_t now_ms) {
    if (!wants(record, teller_host, now_ms)) return false;
    const auto known = known_.find(record.key);
    if (known != known_.end() && known->second.record.address == record.address) {
        known->second.record = record;
        known->second.heard_ms = now_ms;
        known->second.has.clear();
        return true;
    }
    if (const auto waits = waiting_.find(record.key); waits != waiting_.end()) {
        waits->second.record = record;  // its turn and teller stay
        return false;
    }
    const std::string teller = net::netgroup(teller_host);
    make_waiting_room();
    waiting_[record.key] = {record, teller, next_serial_++, false};
    ++unasked_[teller];
    return false;
}

bool ServerTable::may_wait(const std::string& teller) const {
    return waiting_.size() < limits_.waiting ||
           count_of(unasked_, most_crowded(unasked_)) > count_of(unasked_, teller) + 1;
}

// Of the teller with the most the latest goes, so that who came first has his turn.
void ServerTable::make_waiting_room() {
    if (waiting_.size() < limits_.waiting) return;
    const std::string crowded = most_crowded(unasked_);
    auto last = waiting_.end();
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it)
        if (!it->second.asked && it->second.teller == crowded &&
            (last == waiting_.end() || it->second.serial > last->second.serial))
            last = it;
    waiting_.erase(last);
    count_off(crowded);
}

void ServerTable::count_off(const std::string& teller) {
    const auto found = unasked_.find(teller);
    if (--found->second == 0) unasked_.erase(found);
}

void ServerTable::put_own(const serve::Announce& record, std::uint64_t now_ms) {
    KnownServer& server = known_[record.key];
    if (server.joined_ms == 0) server.joined_ms = now_ms;
    server.record = record;
    server.heard_ms = now_ms;
    server.own = true;
    server.has.clear();
}

bool ServerTable::may_ask() const {
    return asking_ < limits_.asked_at_once && waiting_.size() > asking_;
}

bool ServerTable::may_ask_host(const std::string& host, std::uint64_t now_ms) const {
    const auto asked = rested_ms_.find(host);
    return asked == rested_ms_.end() ||
           asked->second < now_ms + limits_.asked_per_host * limits_.host_rest_ms;
}

void ServerTable::note_asked(const std::string& host, std::uint64_t now_ms) {
    std::erase_if(rested_ms_, [now_ms](const auto& asked) { return asked.second <= now_ms; });
    if (net::is_loopback(host)) return;
    std::uint64_t& rested = rested_ms_[host];
    rested = std::max(rested, now_ms) + limits_.host_rest_ms;
}

std::optional<ServerTable::Question> ServerTable::next_question(std::uint64_t now_ms) {
    if (!may_ask()) return std::nullopt;
    // The first of each teller; then the teller after the last one, around the circle.
    std::map<std::string, std::map<crypto::PublicKey, Waiting>::iterator> first;
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
        if (it->second.asked || !may_ask_host(net::dialled_host(it->second.record.address), now_ms))
            continue;
        const auto [of_teller, is_new] = first.emplace(it->second.teller, it);
        if (!is_new && it->second.serial < of_teller->second->second.serial) of_teller->second = it;
    }
    if (first.empty()) return std::nullopt;
    auto turn = first.upper_bound(last_teller_);
    if (turn == first.end()) turn = first.begin();
    last_teller_ = turn->first;
    auto& [key, waits] = *turn->second;
    waits.asked = true;
    count_off(waits.teller);
    note_asked(net::dialled_host(waits.record.address), now_ms);
    ++asking_;
    return Question{key, waits.record.address};
}

bool ServerTable::answered(const crypto::PublicKey& key, bool by_this_key, std::uint64_t now_ms) {
    const auto found = waiting_.find(key);
    if (found == waiting_.end() || !found->second.asked) return false;
    const serve::Announce record = found->second.record;
    waiting_.erase(found);
    --asking_;
    if (by_this_key && admit(record, now_ms)) return true;
    if (failed_.insert_or_assign(key, now_ms + limits_.ask_again_ms).second) {
        failed_order_.push_back(key);
        if (failed_order_.size() > kMaxFailed) {
            failed_.erase(failed_order_.front());
            failed_order_.pop_front();
        }
    }
    return false;
}

bool ServerTable::admit(const serve::Announce& record, std::uint64_t now_ms) {
    const std::string host = net::dialled_host(record.address), group = net::netgroup(host);
    std::map<std::string, std::size_t> groups;
    std::size_t of_host = 0, strangers = 0;
    for (const auto& [key, server] : known_) {
        if (server.own || key == record.key) continue;
        ++strangers;
        ++groups[group_of(server.record)];
        of_host += net::dialled_host(server.record.address) == host;
    }
    if (of_host >= limits_.known_per_host || count_of(groups, group) >= limits_.known_per_group)
        return false;
    if (strangers >= limits_.known) {
        const std::string crowded = most_crowded(groups);
        if (count_of(groups, crowded) <= count_of(groups, group) + 1) return false;
        auto youngest = known_.end();
        for (auto it = known_.begin(); it != known_.end(); ++it)
            if (!it->second.own && group_of(it->second.record) == crowded &&
                (youngest == known_.end() || it->second.joined_ms > youngest->second.joined_ms))
                youngest = it;
        known_.erase(youngest);
    }
    KnownServer& server = known_[record.key];
    if (server.joined_ms == 0) server.joined_ms = now_ms;
    server.record = record;
    server.heard_ms = now_ms;
    server.has.clear();
    return true;
}

void ServerTable::expire(std::uint64_t wall_ms, std::uint64_t now_ms) {
    std::erase_if(known_, [&](const auto& entry) {
        const serve::Announce& record = entry.second.record;
        return record.expires_ms + serve::kMaxClockSkewMs <= wall_ms ||
               now_ms - entry.second.heard_ms >= record.expires_ms - record.issued_ms;
    });
    std::erase_if(waiting_, [&](const auto& entry) {
        const Waiting& waits = entry.second;
        if (waits.asked || waits.record.expires_ms + serve::kMaxClockSkewMs > wall_ms) return false;
        count_off(waits.teller);
        return true;
    });
}

void ServerTable::note_has(const crypto::PublicKey& key, net::PeerId peer) {
    const auto known = known_.find(key);
    if (known != known_.end()) known->second.has.insert(peer);
}

void ServerTable::forget_peer(net::PeerId peer) {
    for (auto& [key, server] : known_) server.has.erase(peer);
}

}  // namespace cairn::node
