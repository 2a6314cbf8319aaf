// What the scenarios share.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "sim/world.h"

namespace cairn::sim {

/// "Suite.Test" of the running test, for the line that replays it.
inline std::string scenario_name() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    return std::string(test->test_suite_name()) + "." + test->name();
}

/// Three nodes, each linked with both others; the later one dials.
inline void add_three(World& world) {
    world.add_node({});
    world.add_node({.connect = {0}});
    world.add_node({.connect = {0, 1}});
}

}  // namespace cairn::sim
