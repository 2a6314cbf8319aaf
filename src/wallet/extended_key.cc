#include "wallet/extended_key.h"

#include <algorithm>

#include "crypto/hash.h"
#include "wallet/base58.h"

namespace cairn::wallet {
namespace {

constexpr std::size_t kMinSeed = 16;
constexpr std::size_t kMaxSeed = 64;
constexpr std::size_t kSerialised = 78;
constexpr FixedBytes<4> kPublicVersion{{0x04, 0x88, 0xB2, 0x1E}};
constexpr FixedBytes<4> kSecretVersion{{0x04, 0x88, 0xAD, 0xE4}};

// The two halves of an HMAC: the left one is added to the key, the right one is the chain code.
struct Halves {
    Hash256 left, right;
    explicit Halves(crypto::Hash512 both) {
        std::copy_n(both.bytes.begin(), 32, left.bytes.begin());
        std::copy_n(both.bytes.begin() + 32, 32, right.bytes.begin());
        crypto::wipe(both.bytes);
    }
    Halves(const Halves&) = delete;
    Halves& operator=(const Halves&) = delete;
    ~Halves() { crypto::wipe(left.bytes); }
};

void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void append_number(Bytes& out, std::uint32_t number) {  // big-endian, as BIP32 has it
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(number >> shift));
}

Result<KeyPosition> below(const KeyPosition& parent, const FixedBytes<4>& name,
                          std::uint32_t child) {
    if (parent.depth == 255) return invalid("no key lies deeper than 255");
    return KeyPosition{static_cast<std::uint8_t>(parent.depth + 1), name, child};
}

Bytes serialise(const FixedBytes<4>& version, const KeyPosition& position, const Hash256& chain,
                ByteView key) {
    Bytes out;
    out.reserve(kSerialised);
    append(out, version.view());
    out.push_back(position.depth);
    append(out, position.parent.view());
    append_number(out, position.child_number);
    append(out, chain.view());
    append(out, key);
    CHECK(out.size() == kSerialised);
    return out;
}

struct Parts {
    FixedBytes<4> version;
    KeyPosition position;
    Hash256 chain_code;
    crypto::Point key;
};

Result<Parts> take_apart(std::string_view text) {
    ASSIGN_OR_RETURN(const crypto::SecretBytes bytes, decode_base58check(text));
    const Bytes& all = bytes.bytes;
    if (all.size() != kSerialised)
        return invalid("an extended key has " + std::to_string(kSerialised) + " bytes, this has " +
                       std::to_string(all.size()));
    Parts parts;
    std::copy_n(all.begin(), 4, parts.version.bytes.begin());
    parts.position.depth = all[4];
    std::copy_n(all.begin() + 5, 4, parts.position.parent.bytes.begin());
    for (std::size_t i = 9; i < 13; ++i)
        parts.position.child_number = parts.position.child_number << 8 | all[i];
    std::copy_n(all.begin() + 13, 32, parts.chain_code.bytes.begin());
    std::copy_n(all.begin() + 45, 33, parts.key.bytes.begin());
    if (parts.position.depth == 0 &&
        (!parts.position.parent.is_zero() || parts.position.child_number != 0))
        return invalid("a master key has neither a parent nor a number; this one names them");
    return parts;
}

Error wrong_version(const Parts& parts, bool wanted_public) {
    if (parts.version == (wanted_public ? kSecretVersion : kPublicVersion))
        return invalid(wanted_public ? "this is a secret key (xprv): it must not be shown to "
                                       "anybody; an xpub is wanted"
                                     : "this is a public key (xpub); an xprv is wanted");
    return invalid("this is an extended key of something else: ours begin with xpub and xprv");
}

}  // namespace

Result<ExtendedSecretKey> master_key(ByteView seed) {
    if (seed.size() < kMinSeed || seed.size() > kMaxSeed)
        return invalid("a seed has 16 to 64 bytes, not " + std::to_string(seed.size()));
    const Halves halves(crypto::hmac_sha512(as_bytes("Bitcoin seed"), seed));
    ASSIGN_OR_RETURN(const crypto::SecretKey secret,
                     crypto::SecretKey::from_bytes(halves.left.view()));
    return ExtendedSecretKey{{}, halves.right, secret};
}

ExtendedPublicKey public_half(const ExtendedSecretKey& key) {
    return {key.position, key.chain_code, crypto::point_of(key.secret)};
}

FixedBytes<4> fingerprint(const ExtendedPublicKey& key) {
    const auto name = crypto::hash160(key.point.view());
    FixedBytes<4> first;
    std::copy_n(name.bytes.begin(), 4, first.bytes.begin());
    return first;
}

Result<ExtendedSecretKey> derive(const ExtendedSecretKey& parent, std::uint32_t child) {
    const ExtendedPublicKey half = public_half(parent);
    ASSIGN_OR_RETURN(const KeyPosition position, below(parent.position, fingerprint(half), child));
    crypto::SecretBytes message;
    if (child >= kHardened) {
        message.bytes.push_back(0);
        append(message.bytes, parent.secret.bytes());
    } else {
        append(message.bytes, half.point.view());
    }
    append_number(message.bytes, child);
    const Halves halves(crypto::hmac_sha512(parent.chain_code.view(), message.view()));
    ASSIGN_OR_RETURN(const crypto::SecretKey secret, crypto::add_tweak(parent.secret, halves.left));
    return ExtendedSecretKey{position, halves.right, secret};
}

Result<ExtendedPublicKey> derive(const ExtendedPublicKey& parent, std::uint32_t child) {
    if (child >= kHardened)
        return invalid("a hardened child (" + std::to_string(child - kHardened) +
                       "') follows from the secret key only");
    ASSIGN_OR_RETURN(const KeyPosition position,
                     below(parent.position, fingerprint(parent), child));
    Bytes message(parent.point.bytes.begin(), parent.point.bytes.end());
    append_number(message, child);
    const Halves halves(crypto::hmac_sha512(parent.chain_code.view(), message));
    ASSIGN_OR_RETURN(const crypto::Point point, crypto::add_tweak(parent.point, halves.left));
    return ExtendedPublicKey{position, halves.right, point};
}

Result<ExtendedSecretKey> derive(ExtendedSecretKey key, const std::vector<std::uint32_t>& path) {
    for (const std::uint32_t child : path) {
        ASSIGN_OR_RETURN(ExtendedSecretKey next, derive(key, child));
        key = std::move(next);
    }
    return key;
}

std::string encode_secret(const ExtendedSecretKey& key) {
    crypto::SecretBytes padded(Bytes(1, 0));
    append(padded.bytes, key.secret.bytes());
    const crypto::SecretBytes all(
        serialise(kSecretVersion, key.position, key.chain_code, padded.view()));
    return encode_base58check(all.view());
}

std::string encode_public(const ExtendedPublicKey& key) {
    return encode_base58check(
        serialise(kPublicVersion, key.position, key.chain_code, key.point.view()));
}

Result<ExtendedSecretKey> decode_secret(std::string_view text) {
    ASSIGN_OR_RETURN(Parts parts, take_apart(text));
    if (parts.version != kSecretVersion) return wrong_version(parts, false);
    if (parts.key.bytes[0] != 0) return invalid("the secret in this key is longer than 32 bytes");
    auto secret = crypto::SecretKey::from_bytes(parts.key.view().subspan(1));
    crypto::wipe(parts.key.bytes);
    if (!secret.ok()) return secret.error();
    return ExtendedSecretKey{parts.position, parts.chain_code, *secret};
}

Result<ExtendedPublicKey> decode_public(std::string_view text) {
    ASSIGN_OR_RETURN(const Parts parts, take_apart(text));
    if (parts.version != kPublicVersion) return wrong_version(parts, true);
    if (!crypto::is_valid(parts.key)) return invalid("the key inside is no point on the curve");
    return ExtendedPublicKey{parts.position, parts.chain_code, parts.key};
}

}  // namespace cairn::wallet
