// Proves that Argon2id is the one of RFC 9106: the hashes were computed by a second implementation
// (tools/chain_checker/argon2.py, which meets the vector of the RFC; that one has four lanes, a key
// and associated data, none of which the library offers).
#include "crypto/argon2.h"

#include <gtest/gtest.h>

namespace cairn::crypto {
namespace {

FixedBytes<16> salt_of(std::string_view text) {
    FixedBytes<16> salt;
    std::copy(text.begin(), text.end(), salt.bytes.begin());
    return salt;
}

TEST(Argon2, SecondImplementation) {
    const FixedBytes<16> salt = salt_of("somesaltsomesalt");
    EXPECT_EQ(to_hex(argon2id(as_bytes("password"), salt, {.passes = 1, .memory_kib = 1024})),
              "16253e23a29b20d7c7a0c05f9150e74baaa6cf1832edc838d484fc250a02bef9");
    EXPECT_EQ(to_hex(argon2id({}, salt, {.passes = 3, .memory_kib = 32})),
              "4b5c880d41f40afbe48224791d9807e30c851a443c96ca438f3d58c557bfa0d1");
    FixedBytes<16> ascending;
    for (std::uint8_t i = 0; i < 16; ++i) ascending.bytes[i] = i;
    EXPECT_EQ(to_hex(argon2id(Bytes(200, 0), ascending, {.passes = 2, .memory_kib = 72})),
              "538e6b66460896977fe394afd60a3d8b7a5431fc2aac10efe63721cce0b7ec50");
}

TEST(Argon2, EveryInputCounts) {
    const FixedBytes<16> salt = salt_of("somesaltsomesalt");
    const Hash256 hash = argon2id(as_bytes("password"), salt, {.passes = 1, .memory_kib = 64});
    EXPECT_EQ(argon2id(as_bytes("password"), salt, {.passes = 1, .memory_kib = 64}), hash);
    EXPECT_NE(argon2id(as_bytes("passwore"), salt, {.passes = 1, .memory_kib = 64}), hash);
    EXPECT_NE(argon2id(as_bytes("password"), salt_of("somesaltsomesalu"),
                       {.passes = 1, .memory_kib = 64}),
              hash);
    EXPECT_NE(argon2id(as_bytes("password"), salt, {.passes = 2, .memory_kib = 64}), hash);
    EXPECT_NE(argon2id(as_bytes("password"), salt, {.passes = 1, .memory_kib = 68}), hash);
}

}  // namespace
}  // namespace cairn::crypto
