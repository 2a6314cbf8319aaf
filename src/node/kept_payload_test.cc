// Proves that what was trained comes back from the disk as it was, or not at all.
#include "node/kept_payload.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "chain/contribution.h"
#include "crypto/keys.h"

namespace cairn::node {
namespace {

KeptPayload sample() {
    SeededRandom random(3);
    KeptPayload kept;
    kept.made = {Bytes(300, 7), 12, 3.25};
    kept.commitment.round = 5;
    kept.commitment.key = crypto::public_key(crypto::SecretKey::generate(random));
    kept.commitment.payload_commitment =
        chain::payload_commitment(kept.commitment.key, kept.made.payload);
    kept.start = random.hash256();
    return kept;
}

TEST(KeptPayload, ComesBackAsItWas) {
    MemoryDisk disk;
    EXPECT_FALSE(kept_payload(disk).has_value());
    const KeptPayload kept = sample();
    ASSERT_TRUE(keep_payload(disk, kept).ok());
    const auto back = kept_payload(disk);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(encode(*back), encode(kept));
    EXPECT_EQ(back->made.payload, kept.made.payload);
    EXPECT_EQ(back->made.last_loss, 3.25);
}

TEST(KeptPayload, WhatIsNotWholeIsNothing) {
    const Bytes good = encode(sample());
    for (std::size_t cut = 0; cut < good.size(); ++cut)
        EXPECT_FALSE(decode_kept_payload(ByteView(good).first(cut)).ok()) << cut;
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode_kept_payload(longer).ok());
    for (std::size_t at = 0; at < good.size(); at += 7) {
        Bytes changed = good;
        changed[at] ^= 1;
        EXPECT_FALSE(decode_kept_payload(changed).ok()) << at;
    }
    KeptPayload other = sample();
    other.made.payload[0] ^= 1;
    EXPECT_FALSE(decode_kept_payload(encode(other)).ok()) << "nobody committed to it";
    MemoryDisk disk;
    ASSERT_TRUE(disk.write_atomic(kKeptPayloadFile, as_bytes("something else")).ok());
    EXPECT_FALSE(kept_payload(disk).has_value());
}

}  // namespace
}  // namespace cairn::node
