#include "net/relaying.h"

#include <algorithm>

namespace cairn::net {
namespace {

constexpr std::uint64_t kRedialMs = 1'000;
constexpr int kMaxDoublings = 6;

}  // namespace

Relaying::Relaying(boost::asio::io_context& io, Loop& loop, RelayOptions options,
                   std::vector<std::string> through, Owner owner)
    : loop_(loop),
      through_(std::move(through)),
      owner_(std::move(owner)),
      relay_(loop, options, owner_.send, owner_.peer_of, owner_.group_of),
      circuits_(io, loop, {owner_.send, owner_.opened, owner_.failed, owner_.incoming}) {}

bool Relaying::is_through(const std::string& address) const {
    return std::ranges::find(through_, address) != through_.end();
}

void Relaying::start() {
    for (const std::string& relay : through_) owner_.connect(relay);
}

void Relaying::dial_again(const std::string& address) {
    int& failures = failures_[address];
    const std::uint64_t pause_ms = kRedialMs << std::min(failures++, kMaxDoublings);
    loop_.call_after(pause_ms, alive_.guard([this, address] { owner_.connect(address); }));
}

void Relaying::connect(const std::string& address) {
    const auto relayed = parse_relayed(address);
    if (!relayed.ok()) return owner_.failed(address, relayed.error().message);
    if (circuits_.is_opening(address)) return;
    if (const PeerId relay = owner_.linked_at(relayed->relay))
        return circuits_.open(relay, *relayed);
    std::size_t count = 0;
    for (const auto& [relay, addresses] : waiting_) count += addresses.size();
    if (count >= kMaxWaitingCircuits)
        return owner_.failed(address, "too many links over relays are being made already");
    waiting_[relayed->relay].insert(address);
    owner_.connect(relayed->relay);
}

void Relaying::on_up(PeerId peer, const std::string& dialled) {
    if (dialled.empty()) return;
    if (is_through(dialled)) {
        failures_.erase(dialled);
        offered_[peer] = {dialled};
        owner_.send(peer, RelayKind::kOffer, {});
    }
    const auto found = waiting_.find(dialled);
    if (found == waiting_.end()) return;
    const std::set<std::string> addresses = std::move(found->second);
    waiting_.erase(found);
    for (const std::string& address : addresses)
        circuits_.open(peer, parse_relayed(address).value());
}

void Relaying::on_down(PeerId peer) {
    relay_.on_peer_down(peer);
    circuits_.on_peer_down(peer);
    const auto found = offered_.find(peer);
    if (found == offered_.end()) return;
    const Offered offered = std::move(found->second);
    offered_.erase(found);
    if (offered.passes_on == true && owner_.answered) owner_.answered(offered.address, false);
    dial_again(offered.address);
}

void Relaying::on_failed(const std::string& address, const std::string& reason) {
    if (is_through(address)) dial_again(address);
    const auto found = waiting_.find(address);
    if (found == waiting_.end()) return;
    const std::set<std::string> addresses = std::move(found->second);
    waiting_.erase(found);
    for (const std::string& relayed : addresses) owner_.failed(relayed, "the relay: " + reason);
}

Status Relaying::on_message(PeerId peer, const crypto::PublicKey& key, RelayKind kind,
                            ByteView body) {
    switch (kind) {
        case RelayKind::kOffer:
            if (!body.empty()) return invalid("an offer has no body");
            relay_.on_offer(peer);
            return ok_status();
        case RelayKind::kOfferAnswer: {
            if (body.size() != 1 || body[0] > 1) return invalid("an offer is answered by 0 or 1");
            const auto found = offered_.find(peer);
            if (found == offered_.end() || found->second.passes_on) return ok_status();  // once
            found->second.passes_on = body[0] == 1;
            if (owner_.answered) owner_.answered(found->second.address, body[0] == 1);
            return ok_status();
        }
        case RelayKind::kOpen: {
            ASSIGN_OR_RETURN(const CircuitKey message, decode_circuit_key(body));
            relay_.on_open(peer, key, message);
            return ok_status();
        }
        case RelayKind::kIncoming: {
            ASSIGN_OR_RETURN(const CircuitKey message, decode_circuit_key(body));
            circuits_.on_incoming(peer, message, offered_.contains(peer));
            return ok_status();
        }
        case RelayKind::kAccepted: {
            ASSIGN_OR_RETURN(const CircuitId id, decode_circuit_id(body));
            if (!relay_.on_accepted(peer, id)) circuits_.on_accepted(peer, id);
            return ok_status();
        }
        case RelayKind::kData: {
            ASSIGN_OR_RETURN(CircuitData message, decode_circuit_data(body));
            if (!relay_.on_data(peer, message)) circuits_.on_data(peer, std::move(message));
            return ok_status();
        }
        case RelayKind::kTaken: {
            ASSIGN_OR_RETURN(const CircuitTaken message, decode_circuit_taken(body));
            if (!relay_.on_taken(peer, message)) circuits_.on_taken(peer, message);
            return ok_status();
        }
        case RelayKind::kClosed: {
            ASSIGN_OR_RETURN(const CircuitClosed message, decode_circuit_closed(body));
            if (!relay_.on_closed(peer, message)) circuits_.on_closed(peer, message);
            return ok_status();
        }
    }
    return ok_status();  // of a version to come
}

}  // namespace cairn::net
