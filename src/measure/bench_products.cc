#include "measure/bench_products.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include <fmt/core.h>

#include "measure/openblas.h"
#include "measure/random_weight.h"
#include "tensor/matmul.h"
#include "tensor/speed.h"

namespace cairn::measure {

namespace {

struct Shape {
    const char* name;
    const char* operation;
    std::size_t m, n, k;
};

// Prefill of 256 tokens and training on 1024; the demo's, 110 million and 1.1 billion parameters.
constexpr Shape kShapes[] = {
    {"1024^3", "nt", 1024, 1024, 1024},
    {"1024^3", "nn", 1024, 1024, 1024},
    {"1024^3", "tn", 1024, 1024, 1024},
    {"demo ffn, forward", "nt", 1024, 256, 96},
    {"demo ffn, backward", "nn", 1024, 96, 256},
    {"demo ffn, weights", "tn", 256, 96, 1024},
    {"110m attention, forward", "nt", 1024, 768, 768},
    {"110m ffn, forward", "nt", 1024, 2048, 768},
    {"110m ffn, backward", "nn", 1024, 768, 2048},
    {"110m ffn, weights", "tn", 2048, 768, 1024},
    {"110m head, forward", "nt", 256, 32000, 768},
    {"110m ffn, prefill", "nt packed", 256, 2048, 768},
    {"1.1b ffn, forward", "nt", 256, 5632, 2048},
    {"1.1b ffn, prefill", "nt packed", 256, 5632, 2048},
};

// A library's threads spin for a while after its last product; let them go to sleep.
void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(60)); }

template <typename Body>
double best_seconds(const Effort& effort, const Body& body) {
    const std::vector<double> runs = timed_runs(effort, body);
    return *std::min_element(runs.begin(), runs.end());
}

// One product with its operands, for us and for OpenBLAS.
class Product {
  public:
    Product(const tensor::Compute& compute, const Shape& shape)
        : compute_(compute),
          shape_(shape),
          operation_(shape.operation),
          a_(compute, tensor::WeightType::kF32, rows_a(), operation_ == "tn" ? shape.m : shape.k),
          b_(compute, tensor::WeightType::kF32, operation_.starts_with("nt") ? shape.n : shape.k,
             operation_.starts_with("nt") ? shape.k : shape.n),
          c_(shape.m * shape.n) {
        if (operation_ == "nt packed") packed_.emplace(compute, b_.weight());
    }

    void ours() {
        if (operation_ == "nt")
            tensor::matmul_nt(compute_, a_.weight().f32(), b_.weight().f32(), c());
        else if (operation_ == "nn")
            tensor::matmul_nn(compute_, a_.weight().f32(), b_.weight().f32(), c());
        else if (operation_ == "tn")
            tensor::matmul_tn_accumulate(compute_, a_.weight().f32(), b_.weight().f32(), c());
        else
            tensor::matmul_nt(compute_, a_.weight().f32(), packed_->weight(), c());
    }

    void theirs(const OpenBlas& blas) {
        if (operation_ == "nn")
            blas.nn(a_.weight().f32(), b_.weight().f32(), c());
        else if (operation_ == "tn")
            blas.tn_accumulate(a_.weight().f32(), b_.weight().f32(), c());
        else
            blas.nt(a_.weight().f32(), b_.weight().f32(), c());
    }

  private:
    std::size_t rows_a() const { return operation_ == "tn" ? shape_.k : shape_.m; }
    tensor::Matrix c() { return {c_.data(), shape_.m, shape_.n}; }

    const tensor::Compute& compute_;
    Shape shape_;
    std::string operation_;
    RandomWeight a_, b_;
    std::optional<PackedWeight> packed_;
    std::vector<float> c_;
};

}  // namespace

std::optional<std::string> openblas_version() {
    const auto blas = OpenBlas::open(1);
    if (!blas) return std::nullopt;
    return blas->version();
}

std::size_t product_count() { return std::size(kShapes); }

std::vector<ProductSpeed> measure_products(const tensor::Compute& compute, const Effort& effort,
                                           const Note& note,
                                           const std::function<void(const ProductSpeed&)>& done) {
    const auto blas = OpenBlas::open(compute.pool->size());
    // The two libraries take turns, so that a disturbance affects both.
    constexpr std::size_t kTurns = 3;
    const Effort turn{effort.seconds / (2 * kTurns), 3};
    std::vector<ProductSpeed> speeds;
    for (const Shape& shape : kShapes) {
        note(fmt::format("{} ({} {}x{}x{})", shape.name, shape.operation, shape.m, shape.n,
                         shape.k));
        Product product(compute, shape);
        double ours = std::numeric_limits<double>::infinity();
        double theirs = ours;
        for (std::size_t i = 0; i < kTurns; ++i) {
            rest();
            ours = std::min(ours, best_seconds(turn, [&] { product.ours(); }));
            if (!blas) continue;
            rest();
            theirs = std::min(theirs, best_seconds(turn, [&] { product.theirs(*blas); }));
        }
        const double operations = 2.0 * static_cast<double>(shape.m * shape.n * shape.k);
        ProductSpeed speed{shape.name, shape.operation, shape.m, shape.n, shape.k, 0, {}};
        speed.gflops = operations / ours / 1e9;
        if (blas) speed.openblas_gflops = operations / theirs / 1e9;
        done(speed);
        speeds.push_back(std::move(speed));
    }
    return speeds;
}

std::vector<MatvecSpeed> measure_matvec(const tensor::Compute& compute,
                                        const std::vector<tensor::WeightType>& types,
                                        const Note& note,
                                        const std::function<void(const MatvecSpeed&)>& done) {
    // A feed-forward matrix of a model of 1.1 billion parameters.
    constexpr std::size_t kRows = 5632, kCols = 2048;
    constexpr std::size_t kTurns = 5;
    const SystemClock clock;
    tensor::MemoryReader memory(*compute.pool);
    std::vector<MatvecSpeed> speeds;
    for (const tensor::WeightType type : types) {
        note(fmt::format("matrix-vector {}", tensor::weight_type_name(type)));
        std::vector<double> rates;
        std::vector<double> shares;
        for (std::size_t turn = 0; turn < kTurns; ++turn) {
            const double reading = memory.best(clock);
            rates.push_back(
                tensor::measure_weight(clock, compute, type, 1, kRows, kCols).bytes_per_second);
            shares.push_back(rates.back() / reading);
        }
        speeds.push_back({type, kRows, kCols, median(std::move(rates)), median(std::move(shares))});
        done(speeds.back());
    }
    return speeds;
}

}  // namespace cairn::measure
