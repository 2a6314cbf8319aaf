// Heads for tests: random fixed-point numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "argument/statement.h"
#include "base/random.h"

namespace cairn::argument {

/// Numbers within +-range.
inline std::vector<std::int16_t> random_numbers(std::size_t count, std::uint16_t range,
                                                SeededRandom& random) {
    std::vector<std::int16_t> numbers(count);
    for (std::int16_t& number : numbers)
        number = static_cast<std::int16_t>(static_cast<int>(random.below(2U * range + 1U)) - range);
    return numbers;
}

inline Statement random_head(Sizes sizes, std::uint16_t range, std::uint64_t seed) {
    SeededRandom random(seed);
    const std::size_t count = std::size_t{sizes.rows} * sizes.head_dim;
    const auto queries = random_numbers(count, range, random);
    const auto keys = random_numbers(count, range, random);
    const auto values = random_numbers(count, 32767, random);
    return make_statement(sizes, queries, keys, values);
}

}  // namespace cairn::argument
