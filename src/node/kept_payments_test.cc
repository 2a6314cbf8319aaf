// Proves that payments come back from their file as they were, and that a damaged, cut or foreign
// file gives none.
#include "node/kept_payments.h"

#include <gtest/gtest.h>

#include "base/disk.h"

namespace cairn::node {
namespace {

std::vector<chain::Payment> some_payments() {
    std::vector<chain::Payment> payments(3);
    for (std::size_t i = 0; i < payments.size(); ++i) {
        payments[i].inputs.resize(i + 1);
        for (std::size_t j = 0; j <= i; ++j)
            payments[i].inputs[j].index = static_cast<std::uint32_t>(j);
        payments[i].signatures.resize(i + 1);
        payments[i].outputs.resize(1);
        payments[i].outputs[0].amount = 7 + i;
    }
    return payments;
}

std::vector<Hash256> ids_of(const std::vector<chain::Payment>& payments) {
    std::vector<Hash256> ids;
    for (const chain::Payment& payment : payments) ids.push_back(chain::payment_id(payment));
    return ids;
}

TEST(KeptPayments, ComeBackAndGoWithAnEmptyPool) {
    MemoryDisk disk;
    EXPECT_TRUE(kept_payments(disk).empty());
    ASSERT_TRUE(keep_payments(disk, some_payments()).ok());
    EXPECT_EQ(ids_of(kept_payments(disk)), ids_of(some_payments()));
    ASSERT_TRUE(keep_payments(disk, {}).ok());
    EXPECT_FALSE(disk.exists(kKeptPaymentsFile));
}

TEST(KeptPayments, DamageGivesNone) {
    const Bytes good = encode_kept_payments(some_payments());
    EXPECT_TRUE(decode_kept_payments(good).ok());
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(decode_kept_payments(ByteView(good).first(size)).ok()) << size;
    for (std::size_t bit = 0; bit < good.size() * 8; bit += 7) {
        Bytes bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
        EXPECT_FALSE(decode_kept_payments(bad).ok()) << bit;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode_kept_payments(longer).ok());
    MemoryDisk disk;
    ASSERT_TRUE(disk.write_atomic(kKeptPaymentsFile, as_bytes("no such thing")).ok());
    EXPECT_TRUE(kept_payments(disk).empty());
}

}  // namespace
}  // namespace cairn::node
