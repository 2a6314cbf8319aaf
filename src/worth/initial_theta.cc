// CONSENSUS: changing a result here splits the network.
//
// theta^0 by integers alone. The sum of four 16-bit uniforms centred on 0 has standard deviation
// 65536 / sqrt(3); a multiplier with 16 fraction bits brings it to 0.02 in units of 2^-24.
#include "codec/codec.h"
#include "consensus/exact_dot.h"
#include "tensor/philox.h"
#include "worth/integer_bytes.h"
#include "worth/model_state.h"

namespace cairn::worth {

namespace {

// round(0.02 * 2^24 / (65536 / sqrt(3)) * 2^16)
constexpr std::int64_t kMultiplier = 581'180;
constexpr int kMultiplierBits = 16;

std::int32_t scaled(std::int64_t sum, std::int64_t multiplier) {
    const std::int64_t product = sum * multiplier;
    const std::int64_t magnitude = product < 0 ? -product : product;
    const std::int64_t rounded =
        (magnitude + (std::int64_t{1} << (kMultiplierBits - 1))) >> kMultiplierBits;
    return static_cast<std::int32_t>(product < 0 ? -rounded : rounded);
}

/// Four uniforms in [-32768, 32767], half a unit below centre on average: 2 words, summed.
std::int64_t centred_sum(std::uint32_t a, std::uint32_t b) {
    const std::int64_t sum = std::int64_t{a & 0xFFFFU} + (a >> 16) + (b & 0xFFFFU) + (b >> 16);
    return sum - 4 * 32768 + 2;
}

bool is_output_projection(model::TensorKind kind) {
    return kind == model::TensorKind::kWo || kind == model::TensorKind::kWDown;
}

/// The values of tensor number `stream` from an even one on, as many as it has of them in `out`.
void fill_tensor(const model::ParameterLayout& layout, std::uint64_t weights_seed,
                 std::size_t stream, std::uint64_t first, std::span<std::int32_t> out) {
    const std::int64_t layers = layout.config().layers;
    const model::TensorInfo& tensor = layout.tensors()[stream];
    const std::uint64_t count = std::min<std::uint64_t>(out.size(), tensor.size() - first);
    if (!tensor.is_matrix) {
        for (std::uint64_t i = 0; i < count; ++i) out[i] = std::int32_t{1} << codec::kFractionBits;
        return;
    }
    const auto smaller = static_cast<std::int64_t>(
        consensus::integer_sqrt(static_cast<Int128>(kMultiplier) * kMultiplier / (2 * layers)));
    const std::int64_t multiplier = is_output_projection(tensor.kind) ? smaller : kMultiplier;
    for (std::uint64_t i = 0; i < count; i += 2) {
        const auto words = tensor::philox(weights_seed, stream, (first + i) / 2);
        out[i] = scaled(centred_sum(words[0], words[1]), multiplier);
        if (i + 1 < count) out[i + 1] = scaled(centred_sum(words[2], words[3]), multiplier);
    }
}

}  // namespace

std::vector<std::int32_t> initial_theta(const model::ParameterLayout& layout,
                                        std::uint64_t weights_seed) {
    std::vector<std::int32_t> theta(layout.size(), 0);
    for (std::size_t stream = 0; stream < layout.tensors().size(); ++stream)
        fill_tensor(layout, weights_seed, stream, 0,
                    std::span(theta).subspan(layout.tensors()[stream].offset));
    return theta;
}

Hash256 initial_model_root(const model::ParameterLayout& layout, std::uint64_t weights_seed) {
    CHECK(layout.tile() == codec::kTile);
    std::vector<Hash256> leaves;
    for (std::size_t stream = 0; stream < layout.tensors().size(); ++stream) {
        for (std::uint64_t at = 0; at < layout.tensors()[stream].size(); at += codec::kTile) {
            std::vector<std::int32_t> tile(codec::kTile);
            fill_tensor(layout, weights_seed, stream, at, tile);
            leaves.push_back(hash_int32("cairn/theta-tile", tile));
        }
    }
    return crypto::merkle_root(leaves);
}

}  // namespace cairn::worth
