#include "net/relay.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "net/places.h"

namespace cairn::net {
namespace {

constexpr std::uint64_t kTickMs = 50;
/// What a piece costs beside its bytes, so that many small ones count too.
constexpr std::int64_t kPieceCost = 64;

/// As the other side of the link names the same circuit.
CircuitId seen_from_there(CircuitId id) {
    id.by_receiver = !id.by_receiver;
    return id;
}

}  // namespace

Relay::Relay(Loop& loop, RelayOptions options, SendToPeer send,
             std::function<PeerId(const crypto::PublicKey&)> peer_of,
             std::function<std::string(PeerId)> group_of)
    : loop_(loop),
      options_(options),
      send_(std::move(send)),
      peer_of_(std::move(peer_of)),
      group_of_(std::move(group_of)),
      allowance_(static_cast<std::int64_t>(options.bytes_per_s * kTickMs / 1000)) {}

std::size_t Relay::held_bytes() const {
    std::size_t sum = 0;
    for (const auto& [number, circuit] : circuits_)
        for (const Way& way : circuit.ways) sum += way.held_bytes;
    return sum;
}

Relay::Side* Relay::find(PeerId peer, const CircuitId& id) {
    const auto found = sides_.find({peer, id});
    return found == sides_.end() ? nullptr : &found->second;
}

bool Relay::send(const End& to, RelayKind kind, ByteView body) {
    return send_(to.peer, kind, body);
}

void Relay::on_offer(PeerId peer) {
    if (options_.max_circuits > 0) offered_.insert(peer);
    const Bytes answer(1, options_.max_circuits > 0 ? 1 : 0);
    send_(peer, RelayKind::kOfferAnswer, answer);
}

void Relay::on_peer_down(PeerId peer) {
    offered_.erase(peer);
    std::vector<std::uint32_t> lost;
    for (const auto& [number, circuit] : circuits_)
        if (circuit.ends[0].peer == peer || circuit.ends[1].peer == peer) lost.push_back(number);
    for (const std::uint32_t number : lost) close(number, "the other end lost its link");
}

void Relay::refuse(PeerId opener, std::uint32_t number, const std::string& reason) {
    send_(opener, RelayKind::kClosed, encode(CircuitClosed{{true, number}, reason}));
}

void Relay::on_open(PeerId peer, const crypto::PublicKey& opener, const CircuitKey& message) {
    if (options_.max_circuits == 0)
        return refuse(peer, message.number, "this node passes no links on");
    const PeerId target = peer_of_(message.key);
    // Who offered nothing looks the same as who is not here, so nobody learns who is linked.
    if (!offered_.contains(target) || target == peer)
        return refuse(peer, message.number, "nobody of that key takes links here");
    const End from{peer, {false, message.number}};
    if (sides_.contains(from)) return;  // the same number twice: it has its answer already
    const auto opened = std::ranges::count_if(
        circuits_, [peer](const auto& entry) { return entry.second.ends[0].peer == peer; });
    const std::string group = group_of_(peer);
    if (static_cast<std::size_t>(opened) >= options_.max_per_opener || !may_open(group) ||
        !find_place(group))
        return refuse(peer, message.number, "all places for links that are passed on are taken");
    ++opened_[group];
    while (circuits_.contains(next_) || next_ < kFirstNumber)
        next_ = std::max(next_ + 1, kFirstNumber);
    const std::uint32_t number = next_++;
    const End to{target, {true, number}};
    Circuit& circuit = circuits_[number];
    circuit.ends = {from, to};
    circuit.group = group;
    circuit.turn = ++turns_;
    sides_[from] = {number, 0};
    sides_[to] = {number, 1};
    if (timer_ == 0) tick();
    if (!send(to, RelayKind::kIncoming, encode(CircuitKey{number, opener})))
        close(number, "the other end does not listen");
}

bool Relay::may_open(const std::string& group) const {
    const auto found = opened_.find(group);
    return found == opened_.end() || found->second < options_.opens_per_s;
}

// Where all places are taken, the oldest circuit of the part of the network that has most of them
// yields to one that has fewer.
bool Relay::find_place(const std::string& group) {
    if (circuits_.size() < options_.max_circuits) return true;
    std::vector<Place> places;
    for (const auto& [number, circuit] : circuits_) places.push_back({number, circuit.group, 0});
    const auto yields = used_to_yield(places, group);
    if (!yields) return false;
    close(static_cast<std::uint32_t>(*yields), "its place is needed for somebody who has fewer");
    return true;
}

bool Relay::on_accepted(PeerId peer, const CircuitId& id) {
    const Side* side = find(peer, id);
    if (side == nullptr) return false;
    Circuit& circuit = circuits_.at(side->circuit);
    if (side->end != 1 || circuit.accepted) return true;
    circuit.accepted = true;
    circuit.idle_ms = 0;
    send(circuit.ends[0], RelayKind::kAccepted, encode(seen_from_there(circuit.ends[0].id)));
    return true;
}

bool Relay::on_data(PeerId peer, CircuitData& message) {
    const Side* side = find(peer, message.id);
    if (side == nullptr) return false;
    Circuit& circuit = circuits_.at(side->circuit);
    Way& way = circuit.ways[1 - side->end];
    if (!circuit.accepted ||
        way.held_bytes + way.under_way + way.taken + message.bytes.size() > kCircuitWindow) {
        close(side->circuit, "more was sent than may be under way");
        return true;
    }
    circuit.idle_ms = 0;
    way.held_bytes += message.bytes.size();
    hold(way.held, std::move(message.bytes));
    drain();
    return true;
}

bool Relay::on_taken(PeerId peer, const CircuitTaken& message) {
    const Side* side = find(peer, message.id);
    if (side == nullptr) return false;
    Circuit& circuit = circuits_.at(side->circuit);
    Way& way = circuit.ways[side->end];
    if (message.bytes > way.under_way) {
        close(side->circuit, "more was taken than was sent");
        return true;
    }
    circuit.idle_ms = 0;
    way.under_way -= message.bytes;
    way.taken += message.bytes;
    if (way.taken >= kMaxCircuitPiece) tell_taken(circuit, side->end);
    return true;
}

// Little is gathered until the next tick: whoever takes byte by byte would have a message passed on
// for each.
void Relay::tell_taken(Circuit& circuit, std::size_t end) {
    const std::uint32_t bytes = std::exchange(circuit.ways[end].taken, 0);
    const End& other = circuit.ends[1 - end];
    if (bytes > 0)
        send(other, RelayKind::kTaken, encode(CircuitTaken{seen_from_there(other.id), bytes}));
}

bool Relay::on_closed(PeerId peer, const CircuitClosed& message) {
    const Side* side = find(peer, message.id);
    if (side == nullptr) return false;
    // An answer would end whatever its sender has given the same number since (S36).
    close(side->circuit, message.reason, side->end);
    return true;
}

void Relay::close(std::uint32_t number, const std::string& reason,
                  std::optional<std::size_t> knows) {
    const auto found = circuits_.find(number);
    if (found == circuits_.end()) return;
    const Circuit circuit = std::move(found->second);
    circuits_.erase(found);
    for (std::size_t i = 0; i < circuit.ends.size(); ++i) {
        const End& end = circuit.ends[i];
        sides_.erase(end);
        if (knows != i)
            send(end, RelayKind::kClosed, encode(CircuitClosed{seen_from_there(end.id), reason}));
    }
}

std::uint32_t Relay::next_turn() const {
    std::map<std::string_view, std::uint64_t> served;  // when something of the group was sent on
    for (const auto& [number, circuit] : circuits_) {
        std::uint64_t& last = served[circuit.group];
        last = std::max(last, circuit.turn);
    }
    const auto rank = [&](const Circuit& circuit) {
        return std::pair(served.at(circuit.group), circuit.turn);
    };
    std::uint32_t next = 0;
    for (const auto& [number, circuit] : circuits_) {
        if (circuit.ways[0].held.empty() && circuit.ways[1].held.empty()) continue;
        if (next == 0 || rank(circuit) < rank(circuits_.at(next))) next = number;
    }
    return next;
}

/// False if the end reads too slowly.
bool Relay::send_piece(Circuit& circuit, std::size_t end) {
    Way& way = circuit.ways[end];
    if (way.held.empty()) return true;
    const CircuitData piece{seen_from_there(circuit.ends[end].id), std::move(way.held.front())};
    way.held.pop_front();
    way.held_bytes -= piece.bytes.size();
    way.under_way += piece.bytes.size();
    allowance_ -= static_cast<std::int64_t>(piece.bytes.size()) + kPieceCost;
    return send(circuit.ends[end], RelayKind::kData, encode(piece));
}

/// Sends what is held as long as the rate allows: a piece of each part of the network in turn, and
/// within it of each circuit.
void Relay::drain() {
    while (allowance_ > 0) {
        const std::uint32_t number = next_turn();
        if (number == 0) break;
        Circuit& circuit = circuits_.at(number);
        circuit.turn = ++turns_;
        const bool first = send_piece(circuit, 0);
        const bool second = send_piece(circuit, 1);
        if (!first || !second) close(number, "an end reads too slowly");
    }
}

void Relay::tick() {
    timer_ = loop_.call_after(kTickMs, alive_.guard([this] {
        timer_ = 0;
        on_tick();
        if (!circuits_.empty() || !opened_.empty()) tick();
    }));
}

void Relay::on_tick() {
    const auto share = static_cast<std::int64_t>(options_.bytes_per_s * kTickMs / 1000);
    allowance_ = std::min(allowance_ + share, share);
    second_ms_ += kTickMs;
    if (second_ms_ >= 1'000) {
        second_ms_ = 0;
        opened_.clear();
    }
    std::vector<std::uint32_t> idle;
    for (auto& [number, circuit] : circuits_) {
        for (std::size_t end = 0; end < 2; ++end) tell_taken(circuit, end);
        circuit.idle_ms += kTickMs;
        if (circuit.idle_ms >= (circuit.accepted ? options_.idle_ms : options_.open_ms))
            idle.push_back(number);
    }
    for (const std::uint32_t number : idle) close(number, "nothing came for too long");
    drain();
}

}  // namespace cairn::net
