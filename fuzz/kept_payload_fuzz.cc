// Fuzzes the file of what a trainer has committed to, with its checksum made to fit: what is
// accepted comes back unchanged.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "crypto/hash.h"
#include "node/kept_payload.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    Bytes bytes(data, data + size);
    const Hash256 hash = crypto::sha256(bytes);
    bytes.insert(bytes.end(), hash.bytes.begin(), hash.bytes.end());
    const auto kept = node::decode_kept_payload(bytes);
    if (kept.ok()) CHECK(node::encode(*kept) == bytes);
    return 0;
}
