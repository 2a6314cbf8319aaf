// Whether this machine is fit, for `cairn doctor`: one function per finding. Each asks the machine
// itself; none changes anything.
#pragma once

#include <string>
#include <vector>

namespace cairn::measure {

enum class Health { kOk, kWarning, kProblem };

/// "ok", "warning", "problem".
const char* health_name(Health health);

struct Diagnosis {
    std::string name;  ///< "processor", "self-check avx512", ...
    Health health = Health::kOk;
    std::string found;
    std::string advice;  ///< what to do next; empty when ok
};

Diagnosis check_processor();
/// Which kernel set computes, and why that one.
Diagnosis check_kernel_choice();
/// The self-check, one finding per kernel set that this machine has.
std::vector<Diagnosis> check_arithmetic(std::size_t threads);
/// Rounding and subnormal numbers, by computing with them.
Diagnosis check_float_arithmetic();
Diagnosis check_threads(std::size_t threads);
Diagnosis check_memory();
/// Space where `directory` is or would be; where the command runs if empty.
Diagnosis check_disk(const std::string& directory);
/// Blocks carry times: a wrong clock makes a node refuse its peers' blocks.
Diagnosis check_clock();
Diagnosis check_test_data();

}  // namespace cairn::measure
