// `cairn bench`: what this machine can do, how near Cairn comes to it, and how fast models run.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "measure/bench_models.h"

namespace cairn::cli {

struct BenchRequest {
    std::vector<std::string> models;  ///< shapes by name, or model files; empty: all shapes
    std::vector<std::string> types;   ///< weight types; empty: f32, f16, q8_0, q4_0
    std::vector<std::string> parts;   ///< of kBenchParts; empty: all
    std::size_t threads = 0;
    measure::ModelWork work;
    double seconds = 1.0;  ///< for each figure
    bool quick = false;    ///< fewer models, a fifth of the time
    bool json = false;
};

inline constexpr const char* kBenchParts[] = {"machine", "products", "models", "training"};

/// JSON, schema 1: {schema, machine{}, products[], matvec[], models[], training[], skipped[]};
/// fields of a part that was not asked for are missing. Speeds are per second.
Status run_bench(const BenchRequest& request, std::ostream& out);

}  // namespace cairn::cli
