// Proves that 128-bit integers survive as decimal text and that there is one spelling of each.
#include "store/int128_text.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace cairn::store {
namespace {

TEST(Int128Text, RoundTrips) {
    const Int128 top = (((Int128{1} << 126) - 1) << 1) + 1;
    EXPECT_EQ(to_decimal(top), "170141183460469231731687303715884105727");
    EXPECT_EQ(to_decimal(-top - 1), "-170141183460469231731687303715884105728");
    EXPECT_EQ(to_decimal(0), "0");
    SeededRandom random(1);
    for (int i = 0; i < 1000; ++i) {
        const Int128 high = static_cast<std::int64_t>(random.u64());
        const Int128 value = (high << 63) ^ static_cast<Int128>(random.u64());
        const auto back = int128_from_decimal(to_decimal(value));
        ASSERT_TRUE(back.ok());
        ASSERT_TRUE(*back == value);
    }
    EXPECT_TRUE(*int128_from_decimal(to_decimal(top)) == top);
    EXPECT_TRUE(*int128_from_decimal(to_decimal(-top - 1)) == -top - 1);
}

TEST(Int128Text, RefusesOtherSpellings) {
    for (const char* text :
         {"", "-", "+1", "01", "-0", " 1", "1 ", "1e3", "0x1",
          "170141183460469231731687303715884105728", "340282366920938463463374607431768211456",
          "999999999999999999999999999999999999999", "1111111111111111111111111111111111111111"})
        EXPECT_FALSE(int128_from_decimal(text).ok()) << text;
}

}  // namespace
}  // namespace cairn::store
