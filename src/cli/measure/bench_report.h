// What `cairn bench` found, as a table for people and as JSON for scripts.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/measure/bench_models.h"
#include "cli/measure/bench_products.h"
#include "cli/measure/machine_facts.h"

namespace cairn::cli {

struct BenchResults {
    MachineFacts machine;
    std::size_t threads = 0;
    std::string kernels;
    std::optional<std::string> openblas;
    double read_one_thread = 0;  ///< bytes per second; 0: not measured
    double read_all_threads = 0;
    std::vector<ProductSpeed> products;
    std::vector<MatvecSpeed> matvec;
    std::vector<ModelSpeed> models;
    std::vector<TrainingSpeed> training;
    std::vector<std::string> skipped;  ///< what was not measured, and why
};

/// One JSON object; the schema stands at run_bench.
std::string bench_json(const BenchResults& results);

void print_bench(const BenchResults& results, std::ostream& out);

}  // namespace cairn::cli
