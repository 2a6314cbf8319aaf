#include "crypto/keystore.h"

#include <sodium.h>

#include "base/encoding.h"
#include "crypto/keys.h"

namespace cairn::crypto {
namespace {

constexpr std::string_view kMagic = "cairnbox";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kMaxPasses = 16;
constexpr std::uint32_t kMinMemoryKib = crypto_pwhash_MEMLIMIT_MIN / 1024;
constexpr std::uint32_t kMaxMemoryKib = 512 * 1024;
constexpr std::size_t kMaxPassword = 1024;
constexpr std::size_t kSaltBytes = crypto_pwhash_SALTBYTES;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kHeaderBytes = kMagic.size() + 3 * 4 + kSaltBytes + kNonceBytes;

void initialise() {
    static const int ready = sodium_init();
    CHECK(ready >= 0);
}

Status check_cost(const KeystoreCost& cost) {
    if (cost.passes < 1 || cost.passes > kMaxPasses || cost.memory_kib < kMinMemoryKib ||
        cost.memory_kib > kMaxMemoryKib)
        return invalid("the encrypted file asks for " + std::to_string(cost.passes) +
                       " passes over " + std::to_string(cost.memory_kib) +
                       " KiB, outside of what this program allows");
    return ok_status();
}

Status check_password(std::string_view password) {
    if (password.size() > kMaxPassword)
        return invalid("the password is longer than " + std::to_string(kMaxPassword) + " bytes");
    return ok_status();
}

/// A box as it is written, still sealed.
struct Box {
    KeystoreCost cost;
    FixedBytes<kSaltBytes> salt;
    FixedBytes<kNonceBytes> nonce;
    ByteView sealed;  ///< into the box
};

Result<Box> take_apart(ByteView box) {
    if (box.size() < kHeaderBytes + kTagBytes ||
        box.size() > kHeaderBytes + kMaxKeystoreSecret + kTagBytes)
        return invalid("not an encrypted key file: wrong size");
    Reader reader(box);
    if (as_text(reader.raw(kMagic.size())) != kMagic) return invalid("not an encrypted key file");
    if (const std::uint32_t version = reader.u32(); version != kVersion)
        return Error{ErrorCode::kUnsupported,
                     "the key file has version " + std::to_string(version) +
                         ", which this program does not know; a newer one may"};
    Box parts;
    parts.cost.passes = reader.u32();
    parts.cost.memory_kib = reader.u32();
    RETURN_IF_ERROR(check_cost(parts.cost));
    parts.salt = reader.fixed<kSaltBytes>();
    parts.nonce = reader.fixed<kNonceBytes>();
    parts.sealed = reader.raw(reader.remaining());
    RETURN_IF_ERROR(reader.finish());
    return parts;
}

/// The key that a password makes; wiped at the end of the scope.
struct BoxKey {
    FixedBytes<kKeyBytes> bytes;
    BoxKey() = default;
    BoxKey(const BoxKey&) = default;
    BoxKey& operator=(const BoxKey&) = default;
    ~BoxKey() { wipe(bytes.bytes); }
};

Result<BoxKey> stretch(std::string_view password, ByteView salt, const KeystoreCost& cost) {
    BoxKey key;
    // The library takes no null pointer, also for no bytes.
    const char* bytes = password.empty() ? "" : password.data();
    if (crypto_pwhash(key.bytes.data(), kKeyBytes, bytes, password.size(), salt.data(), cost.passes,
                      std::size_t{cost.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return Error{ErrorCode::kFull, "not enough memory to check the password (" +
                                           std::to_string(cost.memory_kib / 1024) +
                                           " MiB needed); close something and try again"};
    return key;
}

}  // namespace

Result<Bytes> seal(ByteView secret, std::string_view password, Random& random, KeystoreCost cost) {
    initialise();
    if (secret.size() > kMaxKeystoreSecret) return invalid("the secret is too long to seal");
    RETURN_IF_ERROR(check_cost(cost));
    RETURN_IF_ERROR(check_password(password));
    FixedBytes<kSaltBytes> salt;
    FixedBytes<kNonceBytes> nonce;
    random.fill(salt.bytes);
    random.fill(nonce.bytes);

    Writer header;
    header.raw(as_bytes(kMagic));
    header.u32(kVersion);
    header.u32(cost.passes);
    header.u32(cost.memory_kib);
    header.fixed(salt);
    header.fixed(nonce);
    CHECK(header.out().size() == kHeaderBytes);

    ASSIGN_OR_RETURN(const BoxKey key, stretch(password, salt.view(), cost));
    Bytes box = std::move(header).take();
    box.resize(kHeaderBytes + secret.size() + kTagBytes);
    unsigned long long written = 0;
    CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(
              box.data() + kHeaderBytes, &written, secret.data(), secret.size(), box.data(),
              kHeaderBytes, nullptr, nonce.data(), key.bytes.data()) == 0);
    CHECK(written == secret.size() + kTagBytes);
    return box;
}

Result<KeystoreCost> cost_of(ByteView box) {
    ASSIGN_OR_RETURN(const Box parts, take_apart(box));
    return parts.cost;
}

Result<Bytes> open(ByteView box, std::string_view password) {
    initialise();
    ASSIGN_OR_RETURN(const Box parts, take_apart(box));
    RETURN_IF_ERROR(check_password(password));
    ASSIGN_OR_RETURN(const BoxKey key, stretch(password, parts.salt.view(), parts.cost));
    Bytes secret(parts.sealed.size() - kTagBytes);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret.data(), nullptr, nullptr, parts.sealed.data(), parts.sealed.size(), box.data(),
            kHeaderBytes, parts.nonce.data(), key.bytes.data()) != 0)
        return Error{ErrorCode::kRefused, "wrong password, or the file is damaged"};
    return secret;
}

}  // namespace cairn::crypto
