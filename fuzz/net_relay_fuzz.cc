// Messages about circuits, as any peer can send them: what decodes has one spelling. And relayed
// addresses, as they stand in announcements and routes.
#include <algorithm>
#include <cstdint>
#include <string>

#include "net/relay_messages.h"

namespace {

using namespace cairn;

template <typename Message>
void round_trip(const Result<Message>& message, ByteView body) {
    if (!message.ok()) return;
    const Bytes again = net::encode(*message);
    CHECK(again.size() == body.size());
    CHECK(std::equal(again.begin(), again.end(), body.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const ByteView body(data + 1, size - 1);
    switch (data[0] % 6) {
        case 0:
            round_trip(net::decode_circuit_key(body), body);
            break;
        case 1:
            round_trip(net::decode_circuit_id(body), body);
            break;
        case 2:
            round_trip(net::decode_circuit_data(body), body);
            break;
        case 3:
            round_trip(net::decode_circuit_taken(body), body);
            break;
        case 4:
            round_trip(net::decode_circuit_closed(body), body);
            break;
        default: {
            const std::string text(as_text(body));
            const auto address = net::parse_relayed(text);
            if (address.ok()) CHECK(to_string(*address) == text);
        }
    }
    return 0;
}
