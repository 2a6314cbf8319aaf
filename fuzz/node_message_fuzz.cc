// Feeds arbitrary bytes to every decoder of what nodes send each other about the chain. What
// decodes must encode to the same bytes, and stay within the bounds that its answer is made by.
#include <cstddef>
#include <cstdint>

#include "node/messages.h"
#include "node/pooled_item.h"

#include "fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    using namespace cairn::node;
    if (size == 0) return 0;
    const ByteView body(data + 1, size - 1);
    switch (static_cast<MessageKind>(1 + data[0] % 37)) {
        case MessageKind::kHello:
            return check_round_trip(decode_hello(body), body), 0;
        case MessageKind::kGetHeaders:
            return check_round_trip(decode_get_headers(body), body), 0;
        case MessageKind::kHeaders:
            return check_round_trip(decode_headers(body), body), 0;
        case MessageKind::kGetBlock:
        case MessageKind::kNoBlock:
            return check_round_trip(decode_hash(body), body, encode_hash), 0;
        case MessageKind::kInventory:
        case MessageKind::kGetItems:
            return check_round_trip(decode_inventory(body), body), 0;
        case MessageKind::kPayment:
            return (void)read_item(ItemKind::kPayment, body), 0;
        case MessageKind::kCommitment:
            return (void)read_item(ItemKind::kCommitment, body), 0;
        case MessageKind::kContribution:
            return (void)read_item(ItemKind::kContribution, body), 0;
        case MessageKind::kGetAsset:
            return check_round_trip(decode_get_asset(body), body), 0;
        case MessageKind::kAsset:
            return check_round_trip(decode_asset_chunk(body), body), 0;
        case MessageKind::kAddresses:
            return check_round_trip(decode_addresses(body), body), 0;
        case MessageKind::kClock:
            return check_round_trip(decode_clock(body), body, encode_clock), 0;
        case MessageKind::kServers:
            return check_round_trip(decode_servers(body), body), 0;
        case MessageKind::kExhibits:
            return check_round_trip(decode_exhibits(body), body), 0;
        case MessageKind::kGetExhibit:
            return check_round_trip(decode_hash(body), body, encode_hash), 0;
        case MessageKind::kExhibit:       // serve_exhibit_fuzz
        case MessageKind::kBlock:         // block_fuzz
        case MessageKind::kGetAddresses:  // has no body, as GetServers
        case MessageKind::kGetServers:
            return 0;
    }
    return 0;
}
