// CONSENSUS: changing a result here splits the network.
#include "crypto/keys.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>

namespace cairn::crypto {
namespace {

secp256k1_context* make_context() {
    secp256k1_context* context =
        secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    CHECK(context != nullptr);
    // Blinding against side channels; it changes no result.
    Hash256 seed = SystemRandom().hash256();
    CHECK(secp256k1_context_randomize(context, seed.data()) == 1);
    wipe(seed.bytes);
    return context;
}

/// Made once; using it from many threads is safe as nothing changes it afterwards.
const secp256k1_context* context() {
    static const secp256k1_context* const instance = make_context();
    return instance;
}

/// The library's form of a key pair, wiped at the end of the scope.
class KeyPair {
  public:
    explicit KeyPair(const SecretKey& secret) {
        CHECK(secp256k1_keypair_create(context(), &pair_, secret.bytes().data()) == 1);
    }
    KeyPair(const KeyPair&) = delete;
    KeyPair& operator=(const KeyPair&) = delete;
    ~KeyPair() { wipe(pair_.data); }
    const secp256k1_keypair* get() const { return &pair_; }

  private:
    secp256k1_keypair pair_;
};

}  // namespace

void wipe(std::span<std::uint8_t> bytes) { sodium_memzero(bytes.data(), bytes.size()); }

SecretKey::~SecretKey() { wipe(bytes_.bytes); }

Result<SecretKey> SecretKey::from_bytes(ByteView bytes) {
    if (bytes.size() != 32 || secp256k1_ec_seckey_verify(context(), bytes.data()) != 1)
        return invalid("not a secret key: it must be 32 bytes, not zero, below the group order");
    SecretKey key;
    std::memcpy(key.bytes_.data(), bytes.data(), 32);
    return key;
}

SecretKey SecretKey::generate(Random& random) {
    for (;;) {  // a second draw has a chance of 2^-128
        Hash256 draw = random.hash256();
        Result<SecretKey> key = from_bytes(draw.view());
        wipe(draw.bytes);
        if (key.ok()) return *key;
    }
}

PublicKey public_key(const SecretKey& secret) {
    const KeyPair pair(secret);
    secp256k1_xonly_pubkey point;
    CHECK(secp256k1_keypair_xonly_pub(context(), &point, nullptr, pair.get()) == 1);
    PublicKey key;
    CHECK(secp256k1_xonly_pubkey_serialize(context(), key.data(), &point) == 1);
    return key;
}

bool is_valid(const PublicKey& key) {
    secp256k1_xonly_pubkey point;
    return secp256k1_xonly_pubkey_parse(context(), &point, key.data()) == 1;
}

Signature sign(const SecretKey& secret, const Hash256& message, Random& random) {
    return sign(secret, message, random.hash256());
}

Signature sign(const SecretKey& secret, const Hash256& message, const Hash256& aux) {
    const KeyPair pair(secret);
    Signature signature;
    CHECK(secp256k1_schnorrsig_sign32(context(), signature.data(), message.data(), pair.get(),
                                      aux.data()) == 1);
    return signature;
}

bool verify(const PublicKey& key, const Hash256& message, const Signature& signature) {
    return verify_bytes(key, message.view(), signature);
}

bool verify_bytes(const PublicKey& key, ByteView message, const Signature& signature) {
    secp256k1_xonly_pubkey point;
    if (secp256k1_xonly_pubkey_parse(context(), &point, key.data()) != 1) return false;
    static const std::uint8_t kNothing = 0;  // the library wants a pointer even for no bytes
    const std::uint8_t* const data = message.empty() ? &kNothing : message.data();
    return secp256k1_schnorrsig_verify(context(), signature.data(), data, message.size(), &point) ==
           1;
}

}  // namespace cairn::crypto
