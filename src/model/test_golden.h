// For this room's golden tests: the machines that must agree, and the comparison.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "model/test_model.h"
#include "tensor/golden.h"

namespace cairn::model {

using GoldenHashes = std::map<std::string, std::uint64_t>;

/// Calls body(machine) for each kernel set and number of threads.
template <typename Body>
void on_golden_machines(const Body& body) {
    for (const tensor::KernelSet set : tensor::golden_sets())
        for (const std::size_t threads : tensor::golden_threads({3})) body(Machine(set, threads));
}

inline void expect_golden(const Machine& machine, const GoldenHashes& hashes,
                          const std::string& name, std::uint64_t found) {
    const auto entry = hashes.find(name);
    EXPECT_EQ(found, entry == hashes.end() ? 0 : entry->second)
        << "{\"" << name << "\", " << found << "U} with "
        << tensor::kernel_set_name(tensor::kernel_set_of(*machine.compute.kernels)) << ", "
        << machine.pool.size() << " threads";
    tensor::print_golden(name, machine.compute, found);
}

}  // namespace cairn::model
