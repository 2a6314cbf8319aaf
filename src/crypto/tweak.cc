#include "crypto/tweak.h"

#include <secp256k1.h>

namespace cairn::crypto {
namespace {

// Blinded by fresh randomness, as in keys.cc; the tables are the library's own.
const secp256k1_context* context() {
    static const secp256k1_context* const instance = [] {
        secp256k1_context* made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
        CHECK(made != nullptr);
        Hash256 seed = SystemRandom().hash256();
        CHECK(secp256k1_context_randomize(made, seed.data()) == 1);
        wipe(seed.bytes);
        return made;
    }();
    return instance;
}

Point serialise(const secp256k1_pubkey& key) {
    Point point;
    std::size_t size = point.size();
    CHECK(secp256k1_ec_pubkey_serialize(context(), point.data(), &size, &key,
                                        SECP256K1_EC_COMPRESSED) == 1);
    CHECK(size == point.size());
    return point;
}

Error no_key() { return invalid("the sum of key and tweak is no key"); }

}  // namespace

Point point_of(const SecretKey& secret) {
    secp256k1_pubkey key;
    CHECK(secp256k1_ec_pubkey_create(context(), &key, secret.bytes().data()) == 1);
    return serialise(key);
}

bool is_valid(const Point& point) {
    secp256k1_pubkey key;
    return secp256k1_ec_pubkey_parse(context(), &key, point.data(), point.size()) == 1;
}

PublicKey x_only(const Point& point) {
    PublicKey key;
    std::memcpy(key.data(), point.data() + 1, key.size());
    return key;
}

Result<SecretKey> add_tweak(const SecretKey& secret, const Hash256& tweak) {
    FixedBytes<32> sum;
    std::memcpy(sum.data(), secret.bytes().data(), sum.size());
    const bool added = secp256k1_ec_seckey_tweak_add(context(), sum.data(), tweak.data()) == 1;
    auto result = added ? SecretKey::from_bytes(sum.view()) : Result<SecretKey>(no_key());
    wipe(sum.bytes);
    return result;
}

Result<Point> add_tweak(const Point& point, const Hash256& tweak) {
    secp256k1_pubkey key;
    if (secp256k1_ec_pubkey_parse(context(), &key, point.data(), point.size()) != 1)
        return invalid("not a point on the curve");
    if (secp256k1_ec_pubkey_tweak_add(context(), &key, tweak.data()) != 1) return no_key();
    return serialise(key);
}

}  // namespace cairn::crypto
