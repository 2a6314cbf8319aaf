// CONSENSUS: changing a result here splits the network.
#include "tensor/loss.h"

#include <algorithm>
#include <bit>

#include "base/float_mode.h"
#include "tensor/elementary.h"
#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

void cross_entropy(const Compute& compute, ConstMatrix logits,
                   std::span<const std::uint32_t> targets, float* losses, Matrix dlogits) {
    check_float_mode();
    CHECK(targets.size() == logits.rows);
    const bool backward = dlogits.data != nullptr;
    CHECK(!backward || (dlogits.rows == logits.rows && dlogits.cols == logits.cols));
    for (const std::uint32_t target : targets) CHECK(target < logits.cols);
    split(compute, logits.rows, grain_for(8 * logits.cols),
          [&](std::size_t begin, std::size_t end) {
              compute.kernels->cross_entropy(
                  logits.row_range(begin, end - begin), targets.data() + begin, losses + begin,
                  backward ? dlogits.row_range(begin, end - begin) : Matrix());
          });
}

std::int64_t loss_to_fixed(float loss) {
    constexpr std::int64_t kLargest = std::int64_t{1} << 31;
    const double scaled = static_cast<double>(loss) * 0x1p20;
    if (!(scaled < 0x1p31 && scaled > -0x1p31)) return kLargest;  // NaN too
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(round_even_f64(scaled)));
}

std::int64_t sum_losses_fixed(std::span<const float> losses) {
    std::int64_t sum = 0;
    for (const float loss : losses) sum += loss_to_fixed(loss);
    return sum;
}

std::int32_t gradient_to_fixed(float g, int k) {
    std::int32_t result = 0;
    gradient_to_fixed(std::span(&g, 1), k, std::span(&result, 1));
    return result;
}

void gradient_to_fixed(std::span<const float> g, int k, std::span<std::int32_t> out) {
    CHECK(g.size() == out.size() && k >= -100 && k <= 100);
    constexpr double kLimit = 0x1.fffffffcp+30;  // 2^31 - 1
    const double factor = std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
    for (std::size_t i = 0; i < g.size(); ++i) {
        double scaled = static_cast<double>(g[i]) * factor;  // exact
        scaled = scaled == scaled ? scaled : 0.0;
        scaled = scaled > kLimit ? kLimit : scaled;
        scaled = scaled < -kLimit ? -kLimit : scaled;
        out[i] = static_cast<std::int32_t>(round_even_f64(scaled));
    }
}

}  // namespace cairn::tensor
