// What `cairn doctor` looks at, one function per finding. Each asks the machine itself; none
// changes anything.
#pragma once

#include "cli/measure/doctor_command.h"

namespace cairn::cli {

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
Diagnosis check_directory(const std::string& directory);
/// Blocks carry times: a wrong clock makes a node refuse its peers' blocks.
Diagnosis check_clock();
Diagnosis check_test_data();

}  // namespace cairn::cli
