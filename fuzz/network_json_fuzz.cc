// Fuzzes the network.json reader: what it accepts is within bounds and comes back unchanged from
// its own JSON and bytes.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "chain/network.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const auto network = chain::network_from_json(as_text(ByteView(data, size)));
    if (!network.ok()) return 0;
    const auto from_json = chain::network_from_json(chain::to_json(*network));
    CHECK(from_json.ok() && *from_json == *network);
    const auto from_bytes = chain::decode_network(chain::encode(*network));
    CHECK(from_bytes.ok() && *from_bytes == *network);
    return 0;
}
