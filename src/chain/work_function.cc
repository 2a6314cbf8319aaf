// CONSENSUS: changing a result here splits the network.
#include "chain/work_function.h"

#include "base/check.h"
#include "crypto/argon2.h"
#include "crypto/hash.h"

namespace cairn::chain {
namespace {

constexpr std::string_view kSalt = "cairn/proof/work";
constexpr crypto::Argon2Cost kCost = {.passes = 1, .memory_kib = 1024};
static_assert(kSalt.size() == 16);

FixedBytes<16> salt() {
    FixedBytes<16> bytes;
    std::copy(kSalt.begin(), kSalt.end(), bytes.bytes.begin());
    return bytes;
}

}  // namespace

Hash256 work_hash(WorkFunction work, ByteView bytes) {
    switch (work) {
        case WorkFunction::kSha256d:
            return crypto::sha256d(bytes);
        case WorkFunction::kArgon2id:
            return crypto::argon2id(bytes, salt(), kCost);
    }
    CHECK(false);
}

std::uint64_t cost_of(WorkFunction work) { return work == WorkFunction::kSha256d ? 1 : 640; }

}  // namespace cairn::chain
