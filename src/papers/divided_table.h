// What it costs to divide a layer over machines (papers B: section 4.3), by divided_layer.h.
#pragma once

#include <cstdint>
#include <vector>

#include "papers/result_table.h"

namespace cairn::papers {

/// A layer of Llama 2's 7B with 4-bit weights (4.5 bits each), on machines that read 20 GB/s.
struct DividedRequest {
    double dim = 4096, queries = 4096, keys = 4096, columns = 11008;
    double weight_bits = 4.5;
    double memory_gb = 20;
    double trip_ms = 0.2;
    std::vector<double> gigabits = {1, 10};
    std::vector<std::uint64_t> machines = {1, 2, 4, 8};
};

/// By line and number of machines. At least one line, and one number of machines.
ResultTable divided_table(const DividedRequest& request);

}  // namespace cairn::papers
