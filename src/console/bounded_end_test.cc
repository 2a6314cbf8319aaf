// Proves that what does not end in time is ended, and that what does is left alone.
#include "console/bounded_end.h"

#include <gtest/gtest.h>

namespace cairn::console {
namespace {

TEST(BoundedEndDeathTest, WhatHangsIsEnded) {
    EXPECT_EXIT(
        {
            BoundedEnd end;
            end.begin(std::chrono::milliseconds(50));
            std::this_thread::sleep_for(std::chrono::seconds(60));
        },
        testing::ExitedWithCode(0), "");
}

TEST(BoundedEndDeathTest, WhatEndsInTimeGoesOn) {
    EXPECT_EXIT(
        {
            {
                BoundedEnd end;
                end.begin(std::chrono::milliseconds(1'000));
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1'200));
            std::_Exit(7);
        },
        testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace cairn::console
