// Fuzzes inclusion proofs, which come as files of strangers: what is accepted must encode to the
// same bytes again, and checking it must end with a verdict.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "proof/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const auto decoded = proof::decode_inclusion(ByteView(data, size));
    if (!decoded.ok()) return 0;
    const Bytes again = proof::encode(*decoded);
    CHECK(std::equal(again.begin(), again.end(), data, data + size));
    (void)proof::check(*decoded);
    return 0;
}
