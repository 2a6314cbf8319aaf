// `cairn lab hashpower`: what one fast miner does to a network of laptops, as tables.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::cli {

class Command;

struct Invocation;

struct HashPowerRequest {
    std::string work = "sha256d";
    std::optional<double> attacker;  ///< hashes a second; absent: a graphics card's at that work
    std::optional<double> laptop;    ///< absent: what `cairn node --mine` takes unless told
    std::vector<std::uint64_t> laptops = {10, 100, 1'000, 10'000, 100'000, 1'000'000};
    std::uint32_t round_length = 4;
    std::uint64_t spacing_ms = 2'000;
    std::uint64_t halflife_ms = 120'000;
    std::uint32_t trials = 20'000;
    std::uint64_t seed = 1;
    bool json = false;
};

Status run_lab_hash_power(const HashPowerRequest& request, std::ostream& out);
void add_lab_hash_power(const Command& group, Invocation& invocation);

}  // namespace cairn::cli
