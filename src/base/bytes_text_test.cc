// Proves that amounts of bytes change their unit where one decimal would say a thousand.
#include "base/bytes_text.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(BytesText, ChangesItsUnitBeforeItSaysAThousand) {
    EXPECT_EQ(bytes_text(0), "0.0 kB");
    EXPECT_EQ(bytes_text(1'500), "1.5 kB");
    EXPECT_EQ(bytes_text(999'949), "999.9 kB");
    EXPECT_EQ(bytes_text(999'950), "1.0 MB");
    EXPECT_EQ(bytes_text(33'249'999), "33.2 MB");
    EXPECT_EQ(bytes_text(999'950'000), "1.0 GB");
    EXPECT_EQ(bytes_text(23'400'000'000), "23.4 GB");
}

}  // namespace
}  // namespace cairn
