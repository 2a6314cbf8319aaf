#include "measure/random_weight.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/large_pages.h"

namespace cairn::measure {

namespace {

using tensor::Weight;
using tensor::WeightType;

constexpr std::size_t kLine = 64;
constexpr float kHalfWidth = 0.035F;  // uniform in +-this has deviation 0.02

// SplitMix64: fast, and good enough where any numbers will do.
class Numbers {
  public:
    explicit Numbers(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL) {}
    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    float value() {
        const auto bits = static_cast<std::int32_t>(next() >> 40);  // 24 bits
        return (static_cast<float>(bits) * 0x1p-23F - 1.0F) * kHalfWidth;
    }

  private:
    std::uint64_t state_;
};

// A row of a quantised type: random integers in groups, each behind (or a row behind) its scale.
void fill_quantised_row(WeightType type, std::size_t cols, Numbers& numbers, std::uint8_t* row) {
    constexpr std::uint16_t kQ8Scale = 0x0C84;  // 0.035 / 127 as f16
    constexpr std::uint16_t kQ4Scale = 0x1C7B;  // 0.035 / 8
    constexpr std::uint16_t kQ5Scale = 0x187B;  // 0.035 / 16
    constexpr std::uint16_t kMinimum = 0xA87B;  // -0.035
    const std::size_t bytes = tensor::weight_row_bytes(type, cols);
    for (std::size_t i = 0; i < bytes; i += 8) {
        const std::uint64_t word = numbers.next();
        std::memcpy(row + i, &word, std::min<std::size_t>(8, bytes - i));
    }
    if (type == WeightType::kW8A8Row) {
        const float scale = kHalfWidth / 127;
        std::memcpy(row, &scale, sizeof scale);
        return;
    }
    const bool minima = type == WeightType::kQ4_1 || type == WeightType::kQ5_1;
    const bool five = type == WeightType::kQ5_0 || type == WeightType::kQ5_1;
    const std::uint16_t scale = type == WeightType::kQ8_0 ? kQ8Scale : five ? kQ5Scale : kQ4Scale;
    const std::size_t group = tensor::weight_row_bytes(type, tensor::weight_group(type));
    for (std::size_t i = 0; i < bytes; i += group) {
        std::memcpy(row + i, &scale, sizeof scale);
        if (minima) std::memcpy(row + i + sizeof scale, &kMinimum, sizeof kMinimum);
    }
}

void fill_row(WeightType type, std::size_t cols, Numbers& numbers, std::uint8_t* row) {
    if (type != WeightType::kF32 && type != WeightType::kF16 && type != WeightType::kBf16)
        return fill_quantised_row(type, cols, numbers, row);
    std::vector<float> values(cols);
    for (float& value : values) value = numbers.value();
    const Status narrowed =
        tensor::quantise_weight(tensor::ConstMatrix(values.data(), 1, cols), type, row);
    CHECK(narrowed.ok());
}

}  // namespace

RandomWeight::RandomWeight(const tensor::Compute& compute, WeightType type, std::size_t rows,
                           std::size_t cols) {
    const std::size_t row_bytes = tensor::weight_row_bytes(type, cols);
    memory_ = large_page_bytes(rows * row_bytes);
    compute.pool->parallel_for(rows, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row) {
            Numbers numbers(row + 1);
            fill_row(type, cols, numbers, memory_.get() + row * row_bytes);
        }
    });
    weight_ = Weight(type, rows, cols, memory_.get());
}

PackedWeight::PackedWeight(const tensor::Compute& compute, const Weight& canonical)
    : memory_(
          large_page_bytes(tensor::packed_bytes(canonical.type, canonical.rows, canonical.cols))),
      weight_(tensor::pack_weight(compute, canonical, memory_.get())) {}

model::Model random_model(const tensor::Compute& compute, const model::ModelConfig& config,
                          WeightType type) {
    const model::ParameterLayout layout(config);
    model::Model made;
    made.config = config;
    made.weights.layers.resize(config.layers);
    auto owned = std::make_shared<std::vector<std::shared_ptr<std::uint8_t[]>>>();
    // By the block, so that small tensors lie on large pages too, as in a model that is served.
    constexpr std::size_t kBlock = std::size_t{32} << 20;
    std::uint8_t* block = nullptr;
    std::size_t left = 0;
    const auto keep = [&](std::size_t bytes) {
        bytes = (bytes + kLine - 1) / kLine * kLine;
        if (bytes > left) {
            left = std::max(bytes, kBlock);
            owned->push_back(large_page_bytes(left));
            block = owned->back().get();
        }
        left -= bytes;
        return std::exchange(block, block + bytes);
    };
    // Tensor by tensor, so that only one of them is ever in memory twice.
    const auto packed = [&](std::size_t rows, std::size_t cols) {
        const RandomWeight canonical(compute, type, rows, cols);
        return tensor::pack_weight(compute, canonical.weight(),
                                   keep(tensor::packed_bytes(type, rows, cols)));
    };
    for (const model::TensorInfo& info : layout.tensors()) {
        Weight& weight = model::tensor_at(made.weights, info.kind, info.layer);
        const bool product =
            model::is_per_layer(info.kind) || info.kind == model::TensorKind::kHead;
        if (!info.is_matrix || !product) {
            auto* values = reinterpret_cast<float*>(keep(info.size() * sizeof(float)));
            std::fill(values, values + info.size(), info.is_matrix ? kHalfWidth : 1.0F);
            weight = Weight(WeightType::kF32, info.rows, info.cols, values);
        } else {
            weight = packed(info.rows, info.cols);
        }
    }
    if (config.has_head() && config.tied_head) made.weights.head = packed(config.vocab, config.dim);
    made.storage = owned;
    return made;
}

}  // namespace cairn::measure
