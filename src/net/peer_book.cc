#include "net/peer_book.h"

#include <algorithm>
#include <array>

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

PeerBook::Entry* PeerBook::find(const std::string& address) {
    const auto it = entries_.find(address);
    return it == entries_.end() ? nullptr : &it->second;
}

bool PeerBook::add(const std::string& address, AddressSource source) {
    if (!can_be_dialled(address)) return false;
    if (std::ranges::find(forgotten_, address) != forgotten_.end()) return false;
    if (Entry* known = find(address)) {
        known->source = std::max(known->source, source);
        return true;
    }
    if (entries_.size() >= kMaxKnownAddresses && !make_room()) return false;
    entries_[address].source = source;
    return true;
}

/// Drops, of the addresses that peers told, the one that failed most often; never one that worked.
bool PeerBook::make_room() {
    auto worst = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        const Entry& entry = it->second;
        if (entry.source == AddressSource::kUser || entry.worked || entry.failures == 0) continue;
        if (worst == entries_.end() || entry.failures > worst->second.failures) worst = it;
    }
    if (worst == entries_.end()) return false;
    entries_.erase(worst);
    return true;
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
    std::array<std::vector<std::string>, 3> classes;
    for (const auto& [address, entry] : entries_) {
        if (entry.connected || entry.not_before_ms > now_ms) continue;
        const std::size_t rank = entry.source == AddressSource::kUser ? 0 : entry.worked ? 1 : 2;
        classes[rank].push_back(address);
    }
    std::vector<std::string> result;
    for (std::vector<std::string>& addresses : classes) {
        shuffle(addresses, *random_);
        for (std::string& address : addresses)
            if (result.size() < max) result.push_back(std::move(address));
    }
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
        Entry& entry = entries[address];
        entry.source = static_cast<AddressSource>(source);
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
