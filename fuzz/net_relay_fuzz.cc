// Messages about circuits, as any peer can send them: what decodes has one spelling. And relayed
// addresses, as they stand in announcements and routes.
#include <cstdint>
#include <string>

#include "net/relay_messages.h"

#include "fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    if (size == 0) return 0;
    const ByteView body(data + 1, size - 1);
    switch (data[0] % 6) {
        case 0:
            check_round_trip(net::decode_circuit_key(body), body);
            break;
        case 1:
            check_round_trip(net::decode_circuit_id(body), body);
            break;
        case 2:
            check_round_trip(net::decode_circuit_data(body), body);
            break;
        case 3:
            check_round_trip(net::decode_circuit_taken(body), body);
            break;
        case 4:
            check_round_trip(net::decode_circuit_closed(body), body);
            break;
        default: {
            const std::string text(as_text(body));
            const auto address = net::parse_relayed(text);
            if (address.ok()) CHECK(to_string(*address) == text);
        }
    }
    return 0;
}
