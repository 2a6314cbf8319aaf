#include "net/relay.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace cairn::net {
namespace {

constexpr std::uint64_t kTickMs = 50;

/// As the other side of the link names the same circuit.
CircuitId seen_from_there(CircuitId id) {
    id.by_receiver = !id.by_receiver;
    return id;
}

}  // namespace

Relay::Relay(Loop& loop, RelayOptions options, SendToPeer send,
             std::function<PeerId(const crypto::PublicKey&)> peer_of)
    : loop_(loop),
      options_(options),
      send_(std::move(send)),
      peer_of_(std::move(peer_of)),
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
    const auto opened = std::ranges::count_if(
        circuits_, [peer](const auto& entry) { return entry.second.ends[0].peer == peer; });
    if (circuits_.size() >= options_.max_circuits ||
        static_cast<std::size_t>(opened) >= options_.max_per_opener)
        return refuse(peer, message.number, "all places for links that are passed on are taken");
    const End from{peer, {false, message.number}};
    if (sides_.contains(from)) return;  // the same number twice: it has its answer already
    while (circuits_.contains(next_) || next_ < kFirstNumber)
        next_ = std::max(next_ + 1, kFirstNumber);
    const std::uint32_t number = next_++;
    const End to{target, {true, number}};
    Circuit& circuit = circuits_[number];
    circuit.ends = {from, to};
    sides_[from] = {number, 0};
    sides_[to] = {number, 1};
    if (timer_ == 0) tick();
    if (!send(to, RelayKind::kIncoming, encode(CircuitKey{number, opener})))
        close(number, "the other end does not listen");
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
        way.held_bytes + way.under_way + message.bytes.size() > kCircuitWindow) {
        close(side->circuit, "more was sent than may be under way");
        return true;
    }
    circuit.idle_ms = 0;
    way.held_bytes += message.bytes.size();
    way.held.push_back(std::move(message.bytes));
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
    const End& other = circuit.ends[1 - side->end];
    send(other, RelayKind::kTaken, encode(CircuitTaken{seen_from_there(other.id), message.bytes}));
    return true;
}

bool Relay::on_closed(PeerId peer, const CircuitClosed& message) {
    const Side* side = find(peer, message.id);
    if (side == nullptr) return false;
    close(side->circuit, message.reason);
    return true;
}

void Relay::close(std::uint32_t number, const std::string& reason) {
    const auto found = circuits_.find(number);
    if (found == circuits_.end()) return;
    const Circuit circuit = std::move(found->second);
    circuits_.erase(found);
    for (const End& end : circuit.ends) {
        sides_.erase(end);
        send(end, RelayKind::kClosed, encode(CircuitClosed{seen_from_there(end.id), reason}));
    }
}

/// Sends what is held, a piece of each circuit in turn, as long as the rate allows.
void Relay::drain() {
    std::vector<std::uint32_t> stuck;
    for (bool sent = true; sent && allowance_ > 0;) {
        sent = false;
        auto at = circuits_.upper_bound(turn_);
        for (std::size_t i = 0; i < circuits_.size() && allowance_ > 0; ++i, ++at) {
            if (at == circuits_.end()) at = circuits_.begin();
            turn_ = at->first;
            Circuit& circuit = at->second;
            for (std::size_t end = 0; end < 2; ++end) {
                Way& way = circuit.ways[end];
                if (way.held.empty()) continue;
                const CircuitData piece{seen_from_there(circuit.ends[end].id),
                                        std::move(way.held.front())};
                way.held.pop_front();
                way.held_bytes -= piece.bytes.size();
                way.under_way += piece.bytes.size();
                allowance_ -= static_cast<std::int64_t>(piece.bytes.size());
                if (!send(circuit.ends[end], RelayKind::kData, encode(piece)))
                    stuck.push_back(at->first);
                sent = true;
            }
        }
    }
    for (const std::uint32_t number : stuck) close(number, "an end reads too slowly");
}

void Relay::tick() {
    timer_ = loop_.call_after(kTickMs, alive_.guard([this] {
        timer_ = 0;
        const auto share = static_cast<std::int64_t>(options_.bytes_per_s * kTickMs / 1000);
        allowance_ = std::min(allowance_ + share, share);
        std::vector<std::uint32_t> idle;
        for (auto& [number, circuit] : circuits_) {
            circuit.idle_ms += kTickMs;
            if (circuit.idle_ms >= (circuit.accepted ? options_.idle_ms : options_.open_ms))
                idle.push_back(number);
        }
        for (const std::uint32_t number : idle) close(number, "nothing came for too long");
        drain();
        if (!circuits_.empty()) tick();
    }));
}

}  // namespace cairn::net
