// Feeds arbitrary bytes to every decoder of what nodes send each other about the chain. What
// decodes must encode to the same bytes, and stay within the bounds that its answer is made by.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "node/messages.h"
#include "node/pooled_item.h"

namespace {

template <typename Decode, typename Encode>
void round_trip(cairn::ByteView body, Decode decode, Encode encode) {
    const auto message = decode(body);
    if (!message.ok()) return;
    const cairn::Bytes again = encode(*message);
    CHECK(std::equal(again.begin(), again.end(), body.begin(), body.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    using namespace cairn::node;
    if (size == 0) return 0;
    const ByteView body(data + 1, size - 1);
    const auto by_type = [](const auto& message) { return encode(message); };
    switch (static_cast<MessageKind>(1 + data[0] % 37)) {
        case MessageKind::kHello:
            return round_trip(body, decode_hello, by_type), 0;
        case MessageKind::kGetHeaders:
            return round_trip(body, decode_get_headers, by_type), 0;
        case MessageKind::kHeaders:
            return round_trip(body, decode_headers, by_type), 0;
        case MessageKind::kGetBlock:
        case MessageKind::kNoBlock:
            return round_trip(body, decode_hash, encode_hash), 0;
        case MessageKind::kInventory:
        case MessageKind::kGetItems:
            return round_trip(body, decode_inventory, by_type), 0;
        case MessageKind::kPayment:
            return (void)read_item(ItemKind::kPayment, body), 0;
        case MessageKind::kCommitment:
            return (void)read_item(ItemKind::kCommitment, body), 0;
        case MessageKind::kContribution:
            return (void)read_item(ItemKind::kContribution, body), 0;
        case MessageKind::kGetAsset:
            return round_trip(body, decode_get_asset, by_type), 0;
        case MessageKind::kAsset:
            return round_trip(body, decode_asset_chunk, by_type), 0;
        case MessageKind::kAddresses:
            return round_trip(body, decode_addresses, by_type), 0;
        case MessageKind::kClock:
            return round_trip(body, decode_clock, encode_clock), 0;
        case MessageKind::kServers:
            return round_trip(body, decode_servers, by_type), 0;
        case MessageKind::kExhibits:
            return round_trip(body, decode_exhibits, by_type), 0;
        case MessageKind::kGetExhibit:
            return round_trip(body, decode_hash, encode_hash), 0;
        case MessageKind::kExhibit:       // serve_exhibit_fuzz
        case MessageKind::kBlock:         // block_fuzz
        case MessageKind::kGetAddresses:  // has no body, as GetServers
        case MessageKind::kGetServers:
            return 0;
    }
    return 0;
}
