// Private to this room: the range finder of svd.h, orthonormal rows whose span holds the large
// singular directions of a matrix W, by random projections and power steps.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lowrank/svd.h"
#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::lowrank {

struct Rows {
    Rows(std::size_t rows, std::size_t cols)
        : values(rows * cols), view(values.data(), rows, cols) {}
    std::vector<float> values;
    tensor::Matrix view;
};

/// Between vectors of W's long side and of its short one: rows times W or W^T.
struct Sides {
    const tensor::Compute& compute;
    tensor::ConstMatrix w;
    bool tall;  // m > n: the long side is that of outputs

    std::size_t longer() const { return tall ? w.rows : w.cols; }
    std::size_t shorter() const { return tall ? w.cols : w.rows; }
    void to_long(tensor::ConstMatrix x, tensor::Matrix y) const;
    void to_short(tensor::ConstMatrix x, tensor::Matrix y) const;
    /// A random projection of W's short side, on its long one: y [count, longer].
    void project(std::uint64_t seed, tensor::Matrix y) const;
    /// W W^T on the short side, [shorter, shorter].
    Rows gram() const;
};

/// [count, longer]: orthonormal rows on the long side. Takes 2 * power_steps products of `count`
/// rows with W, and works for any spectrum.
Rows range_of_products(const Sides& sides, std::size_t count, const SvdOptions& options);

/// [count, shorter]: orthonormal rows on the short side, from W W^T, which costs once what its
/// steps then save. None where the spectrum is too steep for fp32 to square.
std::optional<Rows> range_of_gram(const Sides& sides, std::size_t count, const SvdOptions& options);

}  // namespace cairn::lowrank
