#include "tensor/positions.h"

#include "base/check.h"
#include "tensor/elementary.h"
#include "tensor/embedding.h"
#include "tensor/kernels.h"
#include "tensor/rope.h"
#include "tensor/split.h"

namespace cairn::tensor {

std::vector<float> sinusoidal_positions(std::size_t positions, std::size_t columns,
                                        SinusoidLayout layout, double base) {
    const std::vector<double> frequencies = rope_frequencies(columns, base);
    std::vector<float> table(positions * columns);
    for (std::size_t position = 0; position < positions; ++position) {
        float* row = table.data() + position * columns;
        for (std::size_t i = 0; i < frequencies.size(); ++i) {
            const double angle = static_cast<double>(position) * frequencies[i];
            const bool interleaved = layout == SinusoidLayout::kInterleaved;
            row[interleaved ? 2 * i : i] = static_cast<float>(sin_f64(angle));
            row[interleaved ? 2 * i + 1 : i + columns / 2] = static_cast<float>(cos_f64(angle));
        }
    }
    return table;
}

std::vector<std::uint32_t> consecutive_positions(std::size_t rows, std::size_t tokens,
                                                 std::size_t first) {
    CHECK(tokens > 0 && first + tokens <= UINT32_MAX);
    std::vector<std::uint32_t> positions(rows);
    for (std::size_t t = 0; t < rows; ++t)
        positions[t] = static_cast<std::uint32_t>(first + t % tokens);
    return positions;
}

void add_position_rows(const Compute& compute, ConstMatrix table,
                       std::span<const std::uint32_t> rows, Matrix x) {
    CHECK(x.rows == rows.size() && x.cols == table.cols);
    for (const std::uint32_t row : rows) CHECK(row < table.rows);
    split(compute, x.rows, grain_for(x.cols), [&](std::size_t begin, std::size_t end) {
        for (std::size_t t = begin; t < end; ++t)
            compute.kernels->add(x.cols, x.row(t), table.row(rows[t]), x.row(t));
    });
}

void position_rows_backward_accumulate(const Compute& compute, std::span<const std::uint32_t> rows,
                                       ConstMatrix dx, Matrix dtable) {
    embedding_backward_accumulate(compute, rows, dx, dtable);
}

}  // namespace cairn::tensor
