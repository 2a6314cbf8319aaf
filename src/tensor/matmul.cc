// CONSENSUS: changing a result here splits the network.
#include "tensor/matmul.h"

#include "base/float_mode.h"
#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {

/// One share per thread, in multiples of `grain`: smaller ones would pack operands more often.
std::size_t share_of(std::size_t count, std::size_t threads, std::size_t grain) {
    return ((count + threads - 1) / threads + grain - 1) / grain * grain;
}

/// Runs product(rows of C, columns of C) on parts. Threads share the longer side: each packs the
/// operand of its own side for itself and the other side's operand whole.
template <typename Product>
void split_outputs(const Compute& compute, Matrix c, std::size_t depth, const Product& product) {
    check_float_mode();
    constexpr std::size_t kRowGrain = 12;
    constexpr std::size_t kColumnGrain = 32;
    constexpr std::size_t kWorthAThread = std::size_t{1} << 18;
    const std::size_t threads = compute.pool == nullptr ? 1 : compute.pool->size();
    const bool rows_suffice = c.rows >= kRowGrain * threads;
    const bool columns_suffice = c.cols >= kColumnGrain * threads;
    if (threads == 1 || c.rows * c.cols * depth < kWorthAThread) {
        product(0, c.rows, 0, c.cols);
    } else if (rows_suffice && (c.rows >= c.cols || !columns_suffice)) {
        split(compute, c.rows, share_of(c.rows, threads, kRowGrain),
              [&](std::size_t begin, std::size_t end) { product(begin, end, 0, c.cols); });
    } else {
        split(compute, c.cols, share_of(c.cols, threads, kColumnGrain),
              [&](std::size_t begin, std::size_t end) { product(0, c.rows, begin, end); });
    }
}

Matrix part_of(Matrix c, std::size_t row0, std::size_t row1, std::size_t col0, std::size_t col1) {
    return c.row_range(row0, row1 - row0).column_range(col0, col1 - col0);
}

}  // namespace

void matmul_nt(const Compute& compute, ConstMatrix a, ConstMatrix b, Matrix c) {
    CHECK(a.rows == c.rows && b.rows == c.cols && a.cols == b.cols);
    split_outputs(compute, c, a.cols,
                  [&](std::size_t row0, std::size_t row1, std::size_t col0, std::size_t col1) {
                      compute.kernels->matmul_nt(a.row_range(row0, row1 - row0),
                                                 b.row_range(col0, col1 - col0),
                                                 part_of(c, row0, row1, col0, col1));
                  });
}

void matmul_nn(const Compute& compute, ConstMatrix a, ConstMatrix b, Matrix c) {
    CHECK(a.rows == c.rows && b.cols == c.cols && a.cols == b.rows);
    split_outputs(compute, c, a.cols,
                  [&](std::size_t row0, std::size_t row1, std::size_t col0, std::size_t col1) {
                      compute.kernels->matmul_nn(a.row_range(row0, row1 - row0),
                                                 b.column_range(col0, col1 - col0),
                                                 part_of(c, row0, row1, col0, col1));
                  });
}

void matmul_tn_accumulate(const Compute& compute, ConstMatrix a, ConstMatrix b, Matrix c) {
    CHECK(a.cols == c.rows && b.cols == c.cols && a.rows == b.rows);
    split_outputs(compute, c, a.rows,
                  [&](std::size_t row0, std::size_t row1, std::size_t col0, std::size_t col1) {
                      compute.kernels->matmul_tn_accumulate(a.column_range(row0, row1 - row0),
                                                            b.column_range(col0, col1 - col0),
                                                            part_of(c, row0, row1, col0, col1));
                  });
}

}  // namespace cairn::tensor
