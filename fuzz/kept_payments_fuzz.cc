// Fuzzes the file of payments that a node keeps over a restart, with its checksum made to fit: what
// is accepted comes back unchanged.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "crypto/hash.h"
#include "node/kept_payments.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    Bytes bytes(data, data + size);
    const Hash256 hash = crypto::sha256(bytes);
    bytes.insert(bytes.end(), hash.bytes.begin(), hash.bytes.end());
    const auto payments = node::decode_kept_payments(bytes);
    if (payments.ok()) CHECK(node::encode_kept_payments(*payments) == bytes);
    return 0;
}
