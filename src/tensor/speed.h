// Speeds of this machine, measured: memory's reading speed, dense products, products with a weight
// of any type. `cairn bench`, the benchmarks and placement by measured speed ask here, so that a
// figure means the same in all three: the best of several runs, as other programs slow some down.
#pragma once

#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "tensor/compute.h"
#include "tensor/weight.h"

namespace cairn::tensor {

/// Which product: A B^T (forward), A B (backward to the input), C += A^T B (to the weights).
enum class ProductKind { kNt, kNn, kTn };

struct WeightSpeed {
    double flops = 0.0;             ///< multiply-adds times two a second
    double bytes_per_second = 0.0;  ///< of the packed weight
};

/// How fast memory is read: one word of each cache line of a buffer far larger than the caches, by
/// all threads of a pool. Takes 512 MiB.
class MemoryReader {
  public:
    explicit MemoryReader(ThreadPool& pool);
    ~MemoryReader();
    MemoryReader(const MemoryReader&) = delete;
    MemoryReader& operator=(const MemoryReader&) = delete;

    /// Bytes a second of one pass, some 10 ms: what memory gives at this moment. On a shared
    /// machine that changes from second to second.
    double now(const Clock& clock);
    /// The best of several passes.
    double best(const Clock& clock);

  private:
    struct Buffer;
    ThreadPool& pool_;
    std::unique_ptr<Buffer> buffer_;
};

/// C[m,n] over k terms, fp32, neither operand packed: operations a second.
double measure_product(const Clock& clock, const Compute& compute, ProductKind kind, std::size_t m,
                       std::size_t n, std::size_t k);

/// m rows times a packed [rows, cols] weight. For few rows (decode) it goes through copies of the
/// weight in turn, 256 MiB of them, more than a cache holds.
WeightSpeed measure_weight(const Clock& clock, const Compute& compute, WeightType type,
                           std::size_t m, std::size_t rows, std::size_t cols);

}  // namespace cairn::tensor
