// `cairn lab selfish` and `cairn lab timewarp`: what a miner gains who withholds blocks, or who
// lies about the time, beside what the literature says of Bitcoin.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "base/result.h"

namespace cairn::cli {

class Command;

struct Invocation;

struct LabMiningRequest {
    std::uint32_t blocks = 3'000;
    std::uint64_t seed = 1;
    bool json = false;
};

Status run_lab_selfish(const LabMiningRequest& request, std::ostream& out);
Status run_lab_timewarp(const LabMiningRequest& request, std::ostream& out);
void add_lab_mining(const Command& group, Invocation& invocation);

}  // namespace cairn::cli
