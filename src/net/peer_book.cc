#include "net/peer_book.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/encoding.h"
#include "net/address.h"

namespace cairn::net {
namespace {

constexpr std::uint64_t kAttemptPauseMs = 60'000;
constexpr std::uint64_t kFirstPauseMs = 1'000;
constexpr std::uint64_t kMaxPauseMs = 600'000;
constexpr std::uint64_t kMaxUserPauseMs = 60'000;
constexpr std::uint32_t kBookVersion = 1;

void shuffle(std::vector<std::string>& items, Random& random) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

bool can_be_dialled(const std::string& address) { return parse_peer_address(address).ok(); }

}  // namespace

PeerBook::Entry PeerBook::entry_of(const std::string& address, AddressSource source) {
    Entry entry;
    entry.source = source;
    entry.host = parse_peer_address(address).value().host;
    entry.group = netgroup(entry.host);
    return entry;
}

PeerBook::Entry* PeerBook::find(const std::string& address) {
    const auto it = entries_.find(address);
    return it == entries_.end() ? nullptr : &it->second;
}

bool PeerBook::add(const std::string& address, AddressSource source, const std::string& teller) {
    if (!can_be_dialled(address)) return false;
    if (std::ranges::find(forgotten_, address) != forgotten_.end()) return false;
    if (Entry* known = find(address)) {
        known->source = std::max(known->source, source);
        return true;
    }
    Entry entry = entry_of(address, source);
    if (const auto from = parse_address(teller); from.ok()) entry.told_from = netgroup(from->host);
    if (!find_room(entry)) return false;
    entries_[address] = std::move(entry);
    return true;
}

void PeerBook::restore(const std::string& address, bool anchor) {
    add(address, AddressSource::kGossip);
    Entry* const entry = find(address);
    if (entry == nullptr) return;
    entry->worked = true;
    entry->anchor = anchor;
    bound_worked();
}

/// Whether the newcomer may be noted, once another has made room if need be.
bool PeerBook::find_room(const Entry& newcomer) {
    if (newcomer.source == AddressSource::kGossip) {
        const auto full = [this](std::size_t most, auto counted) {
            const auto told = [&counted](const auto& item) {
                return item.second.source == AddressSource::kGossip && counted(item.second);
            };
            const auto count = std::ranges::count_if(entries_, told);
            return static_cast<std::size_t>(count) >= most && !drop_failed(counted);
        };
        const auto same_host = [&](const Entry& entry) { return entry.host == newcomer.host; };
        const auto same_group = [&](const Entry& entry) { return entry.group == newcomer.group; };
        const auto same_teller = [&](const Entry& entry) {
            return !entry.worked && entry.told_from == newcomer.told_from;
        };
        if (full(kMaxToldPerHost, same_host) || full(kMaxToldPerGroup, same_group) ||
            full(kMaxToldByGroup, same_teller))
            return false;
    }
    return entries_.size() < kMaxKnownAddresses || make_room(newcomer);
}

/// Drops, of the counted addresses that peers told, the one that failed most often; never one that
/// worked.
template <typename Counted>
bool PeerBook::drop_failed(Counted counted) {
    auto worst = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        const Entry& entry = it->second;
        if (entry.source == AddressSource::kUser || entry.worked || entry.failures == 0) continue;
        if (!counted(entry)) continue;
        if (worst == entries_.end() || entry.failures > worst->second.failures) worst = it;
    }
    if (worst == entries_.end()) return false;
    entries_.erase(worst);
    return true;
}

/// Drops an address that failed, or else one told from the netgroup that told most, if that is more
/// than the newcomer's teller did.
bool PeerBook::make_room(const Entry& newcomer) {
    if (drop_failed([](const Entry&) { return true; })) return true;
    const auto may_go = [](const Entry& entry) {
        return entry.source == AddressSource::kGossip && !entry.worked;
    };
    std::map<std::string_view, std::size_t> told;
    for (const auto& [address, entry] : entries_)
        if (may_go(entry)) ++told[entry.told_from];
    const bool bounded = newcomer.source == AddressSource::kGossip;
    const std::size_t own = bounded ? told[newcomer.told_from] + 1 : 0;
    const auto most =
        std::ranges::max_element(told, {}, [](const auto& item) { return item.second; });
    if (most == told.end() || most->second <= own) return false;
    std::size_t before = random_->below(most->second);
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        if (!may_go(it->second) || it->second.told_from != most->first || before-- > 0) continue;
        entries_.erase(it);
        return true;
    }
    return false;
}

/// Makes hearsay again of one that worked, if these are too many: of the most crowded netgroup, the
/// one that has failed most often since.
void PeerBook::bound_worked() {
    std::map<std::string, std::size_t> crowd;
    std::size_t all = 0;
    for (const auto& [address, entry] : entries_)
        if (entry.worked && ++all > 0) ++crowd[entry.group];
    if (all <= kMaxWorked) return;
    Entry* yields = nullptr;
    const auto rank = [&crowd](const Entry& entry) {
        return std::pair(crowd.at(entry.group), entry.failures);
    };
    for (auto& [address, entry] : entries_)
        if (entry.worked && !entry.connected && !entry.anchor &&
            (yields == nullptr || rank(entry) > rank(*yields)))
            yields = &entry;
    if (yields != nullptr) yields->worked = false;
}

void PeerBook::on_attempt(const std::string& address, std::uint64_t now_ms) {
    if (Entry* entry = find(address)) entry->not_before_ms = now_ms + kAttemptPauseMs;
}

void PeerBook::on_connected(const std::string& address, std::uint64_t) {
    Entry* entry = find(address);
    if (entry == nullptr && add(address, AddressSource::kGossip)) entry = find(address);
    if (entry == nullptr) return;
    entry->connected = true;
    entry->worked = true;
    entry->failures = 0;
    bound_worked();
}

void PeerBook::on_disconnected(const std::string& address, std::uint64_t now_ms) {
    Entry* entry = find(address);
    if (entry == nullptr) return;
    entry->connected = false;
    entry->not_before_ms = now_ms + jittered(kFirstPauseMs);
}

void PeerBook::on_failed(const std::string& address, std::uint64_t now_ms) {
    Entry* entry = find(address);
    if (entry == nullptr) return;
    const std::uint64_t longest =
        entry->source == AddressSource::kUser ? kMaxUserPauseMs : kMaxPauseMs;
    const std::uint64_t pause =
        std::min(longest, kFirstPauseMs << std::min<std::uint32_t>(entry->failures, 20));
    ++entry->failures;
    entry->not_before_ms = now_ms + jittered(pause);
}

void PeerBook::forget(const std::string& address) {
    entries_.erase(address);
    if (std::ranges::find(forgotten_, address) != forgotten_.end()) return;
    forgotten_.push_back(address);
    if (forgotten_.size() > kMaxForgotten) forgotten_.pop_front();
}

/// Between half and all of the pause, so that nodes which failed together do not retry together.
std::uint64_t PeerBook::jittered(std::uint64_t pause_ms) const {
    return pause_ms / 2 + random_->below(pause_ms / 2 + 1);
}

std::vector<std::string> PeerBook::due(std::uint64_t now_ms, std::size_t max) const {
    std::array<std::vector<std::string>, 4> classes;
    std::set<std::string> linked;
    for (const auto& [address, entry] : entries_) {
        if (entry.connected) linked.insert(entry.group);
        if (entry.connected || entry.not_before_ms > now_ms) continue;
        const std::size_t rank = entry.source == AddressSource::kUser ? 0
                                 : entry.anchor                       ? 1
                                 : entry.worked                       ? 2
                                                                      : 3;
        classes[rank].push_back(address);
    }
    std::vector<std::string> result;
    for (std::vector<std::string>& addresses : classes) {
        shuffle(addresses, *random_);
        std::map<std::string, std::vector<std::string>> by_group;
        for (std::string& address : addresses)
            by_group[entries_.at(address).group].push_back(std::move(address));
        std::vector<std::string> groups;
        for (const auto& [group, members] : by_group)
            if (!linked.contains(group)) groups.push_back(group);
        shuffle(groups, *random_);
        for (const std::string& group : groups) {
            result.push_back(std::move(by_group.at(group).back()));
            by_group.at(group).pop_back();
            linked.insert(group);
        }
        std::vector<std::string> rest;
        for (auto& [group, members] : by_group)
            std::ranges::move(members, std::back_inserter(rest));
        shuffle(rest, *random_);
        std::ranges::move(rest, std::back_inserter(result));
    }
    if (result.size() > max) result.resize(max);
    return result;
}

std::vector<std::string> PeerBook::sample(std::size_t max) const {
    std::vector<std::string> result;
    for (const auto& [address, entry] : entries_)
        if (entry.worked) result.push_back(address);
    shuffle(result, *random_);
    if (result.size() > max) result.resize(max);
    return result;
}

Bytes PeerBook::encode() const {
    Writer writer;
    writer.u32(kBookVersion);
    writer.count(entries_.size());
    for (const auto& [address, entry] : entries_) {
        writer.text(address);
        writer.u8(static_cast<std::uint8_t>(entry.source));
        writer.u8(entry.worked ? 1 : 0);
    }
    return std::move(writer).take();
}

Status PeerBook::decode(ByteView bytes) {
    Reader reader(bytes);
    if (reader.u32() != kBookVersion) reader.fail("unknown version of the list of addresses");
    const std::size_t count = reader.count(kMaxKnownAddresses, 6);
    std::map<std::string, Entry> entries;
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        const std::string address = reader.text(kMaxAddressBytes);
        const std::uint8_t source = reader.u8();
        const std::uint8_t worked = reader.u8();
        if (!can_be_dialled(address) || source > 1 || worked > 1)
            reader.fail("the list of addresses is damaged");
        if (!entries.empty() && entries.rbegin()->first >= address)
            reader.fail("the list of addresses is not in order");
        if (reader.failed()) break;
        Entry& entry = entries[address];
        entry = entry_of(address, static_cast<AddressSource>(source));
        entry.worked = worked == 1;
    }
    RETURN_IF_ERROR(reader.finish());
    entries_ = std::move(entries);
    return ok_status();
}

Bytes encode_addresses(const std::vector<std::string>& addresses) {
    CHECK(addresses.size() <= kMaxGossipAddresses);
    Writer writer;
    writer.count(addresses.size());
    for (const std::string& address : addresses) writer.text(address);
    return std::move(writer).take();
}

Result<std::vector<std::string>> decode_addresses(ByteView body) {
    Reader reader(body);
    const std::size_t count = reader.count(kMaxGossipAddresses, 4);
    std::vector<std::string> addresses;
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        addresses.push_back(reader.text(kMaxAddressBytes));
        if (!can_be_dialled(addresses.back())) reader.fail("not an address that can be dialled");
    }
    RETURN_IF_ERROR(reader.finish());
    return addresses;
}

}  // namespace cairn::net
