// Feeds arbitrary bytes to the readers of encrypted boxes and of set hashes. Boxes that ask for
// much work are left out: their bounds have a test of their own.
#include "base/check.h"
#include "crypto/keystore.h"
#include "crypto/lthash.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const ByteView input(data, size);
    const auto cost = crypto::cost_of(input);
    if (cost.ok() && cost->passes == 1 && cost->memory_kib <= 64)
        (void)crypto::open(input, "password").ok();
    if (const auto set = crypto::LtHash::from_state(input); set.ok())
        CHECK(set->state() == Bytes(input.begin(), input.end()));
    return 0;
}
