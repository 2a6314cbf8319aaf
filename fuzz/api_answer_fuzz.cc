// Fuzzes the readers of a node's answers, which any program may send: what they accept comes back
// unchanged from its own JSON.
#include <cstddef>
#include <cstdint>

#include "api/json_views.h"
#include "base/check.h"

namespace {

template <typename Read, typename Write>
void check(const std::string& text, Read read, Write write) {
    const auto first = read(text);
    if (!first) return;
    const std::string json = write(*first);
    const auto second = read(json);
    CHECK(second.has_value() && write(*second) == json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const std::string text(as_text(ByteView(data, size)));
    check(text, api::read_status, api::status_json);
    check(text, api::read_blocks, api::blocks_json);
    check(text, api::read_coins, api::coins_json);
    check(text, api::read_servers, api::servers_json);
    return 0;
}
