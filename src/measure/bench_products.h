// How near our products come to what this machine can do. Matrix products are compared with
// OpenBLAS where it is installed (opened at run time, never linked), in alternating turns, best of
// several; matrix-vector products of every weight type with memory's reading speed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "measure/stopwatch.h"
#include "tensor/compute.h"
#include "tensor/weight.h"

namespace cairn::measure {

/// Called before each measurement with a line that tells people what comes.
using Note = std::function<void(const std::string&)>;

struct ProductSpeed {
    std::string name;       ///< where it occurs: "1024^3", "110m ffn forward"
    std::string operation;  ///< nt, nn, tn; "nt packed": B packed beforehand
    std::size_t m = 0, n = 0, k = 0;
    double gflops = 0;
    std::optional<double> openblas_gflops;
};

/// Products in fp32: 1024^3 and the shapes of training and prefill. `done` is called after each.
std::vector<ProductSpeed> measure_products(const tensor::Compute& compute, const Effort& effort,
                                           const Note& note,
                                           const std::function<void(const ProductSpeed&)>& done);
std::size_t product_count();

/// "OpenBLAS 0.3.21 ... SkylakeX", or nothing where libopenblas.so.0 cannot be opened.
std::optional<std::string> openblas_version();

struct MatvecSpeed {
    tensor::WeightType type{};
    std::size_t rows = 0, cols = 0;
    double bytes_per_second = 0;  ///< of the packed weights
    double memory_ratio = 0;      ///< to memory's speed, measured right before: median over turns
};

/// One row times a packed matrix that no cache holds (tensor/speed.h).
std::vector<MatvecSpeed> measure_matvec(const tensor::Compute& compute,
                                        const std::vector<tensor::WeightType>& types,
                                        const Note& note,
                                        const std::function<void(const MatvecSpeed&)>& done);

}  // namespace cairn::measure
