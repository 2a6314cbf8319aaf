#include "crypto/argon2.h"

#include <sodium.h>

#include "base/check.h"

namespace cairn::crypto {

Hash256 argon2id(ByteView password, const FixedBytes<16>& salt, const Argon2Cost& cost) {
    static_assert(sizeof(salt.bytes) == crypto_pwhash_SALTBYTES);
    static const int ready = sodium_init();
    CHECK(ready >= 0);
    Hash256 hash;
    // The library takes no null pointer, also for no bytes.
    const auto* bytes = password.empty() ? "" : reinterpret_cast<const char*>(password.data());
    const int failed = crypto_pwhash(
        hash.bytes.data(), hash.bytes.size(), bytes, password.size(), salt.bytes.data(),
        cost.passes, std::size_t{cost.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13);
    CHECK(failed == 0);
    return hash;
}

}  // namespace cairn::crypto
