#include "crypto/stretch.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/hash.h"
#include "crypto/keys.h"

namespace cairn::crypto {

Hash512 hmac_sha512(ByteView key, ByteView message) {
    Hash512 result;
    unsigned int size = 0;
    CHECK(HMAC(EVP_sha512(), key.data(), static_cast<int>(key.size()), message.data(),
               message.size(), result.data(), &size) != nullptr);
    CHECK(size == result.size());
    return result;
}

Hash512 pbkdf2_sha512(ByteView password, ByteView salt, std::uint32_t rounds) {
    Hash512 result;
    CHECK(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()),
                            static_cast<int>(password.size()), salt.data(),
                            static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha512(),
                            static_cast<int>(result.size()), result.data()) == 1);
    return result;
}

FixedBytes<20> hash160(ByteView bytes) {
    const Hash256 inner = sha256(bytes);
    FixedBytes<20> result;
    unsigned int size = 0;
    CHECK(EVP_Digest(inner.data(), inner.size(), result.data(), &size, EVP_ripemd160(), nullptr) ==
          1);
    CHECK(size == result.size());
    return result;
}

SecretBytes& SecretBytes::operator=(const SecretBytes& other) {
    if (this == &other) return *this;
    wipe(bytes);
    bytes = other.bytes;
    return *this;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this == &other) return *this;
    wipe(bytes);
    bytes = std::move(other.bytes);
    return *this;
}

SecretBytes::~SecretBytes() { wipe(bytes); }

}  // namespace cairn::crypto
