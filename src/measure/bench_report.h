// What `cairn bench` found, as a table for people and as JSON for scripts.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "measure/bench_models.h"
#include "measure/bench_products.h"
#include "measure/machine_facts.h"

namespace cairn::measure {

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

/// One JSON object on a line; the schema stands at run_bench.
std::string bench_json(const BenchResults& results);

/// The table for people, a line as soon as it is measured: minutes pass before the last one.
class BenchTable {
  public:
    /// Null: nothing is printed. `longest_name` of a model, in characters.
    BenchTable(std::ostream* out, std::size_t longest_name);

    void machine(const BenchResults& results);
    void limits(const BenchResults& results);
    void product(const ProductSpeed& speed);
    void openblas(const BenchResults& results);
    void matvec(const MatvecSpeed& speed);
    void model(const ModelSpeed& speed);
    void training(const TrainingSpeed& speed, const BenchResults& results);
    void skipped(const std::string& what);

  private:
    enum class Part { kNone, kProducts, kMatvec, kModels, kTraining };
    void begin(Part part, const std::string& heading);
    void line(const std::string& text);

    std::ostream* out_;
    std::size_t name_;
    Part part_ = Part::kNone;
};

}  // namespace cairn::measure
