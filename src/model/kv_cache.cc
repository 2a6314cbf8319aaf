#include "model/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "base/large_pages.h"
#include "tensor/digits.h"

namespace cairn::model {

namespace {

static_assert(kMaxHeadDim <= tensor::kDigitWidest);

// Rounds `count` values into memory of the type; fixed-point ones are multiplied by `factor`.
void store(KvType type, float factor, std::size_t count, const float* from, std::uint8_t* to) {
    if (type == KvType::kF32) {
        std::memcpy(to, from, count * sizeof(float));
        return;
    }
    if (type == KvType::kDigits) {
        auto* fixed = reinterpret_cast<std::int16_t*>(to);
        for (std::size_t i = 0; i < count; ++i) fixed[i] = tensor::digit_fixed(from[i], factor);
        return;
    }
    auto* narrow = reinterpret_cast<std::uint16_t*>(to);
    for (std::size_t i = 0; i < count; ++i)
        narrow[i] =
            type == KvType::kF16 ? tensor::f32_to_f16(from[i]) : tensor::f32_to_bf16(from[i]);
}

}  // namespace

std::uint64_t kv_cache_bytes(const ModelConfig& config, LayerRange range, std::size_t capacity,
                             KvType type) {
    return std::uint64_t{2} * range.size() * capacity * config.kv_dim() *
           tensor::kv_type_bytes(type);
}

KvCache::KvCache(const ModelConfig& config, LayerRange range, std::size_t capacity, KvType type)
    : range_(range), type_(type), capacity_(capacity), kv_dim_(config.kv_dim()) {
    CHECK(config.causal);
    CHECK(range.begin <= range.end && range.end <= config.layers);
    CHECK(capacity >= 1 && capacity <= std::max(config.context, config.cross_context));
    data_ = large_page_bytes(kv_cache_bytes(config, range, capacity, type));
}

void KvCache::truncate(std::size_t length) {
    CHECK(length <= length_);
    length_ = length;
}

void KvCache::advance(std::size_t tokens) {
    CHECK(tokens <= capacity_ - length_);
    length_ += tokens;
}

std::size_t KvCache::plane(std::uint32_t layer, std::size_t which) const {
    CHECK(range_.contains(layer));
    return ((layer - range_.begin) * 2 + which) * capacity_ * kv_dim_ *
           tensor::kv_type_bytes(type_);
}

void KvCache::write(std::uint32_t layer, tensor::ConstMatrix keys, tensor::ConstMatrix values) {
    CHECK(keys.rows == values.rows && keys.rows <= capacity_ - length_);
    CHECK(keys.cols == kv_dim_ && values.cols == kv_dim_);
    const std::size_t row_bytes = kv_dim_ * tensor::kv_type_bytes(type_);
    const tensor::ConstMatrix sources[] = {keys, values};
    const float factors[] = {tensor::kDigitKeyFactor, tensor::kDigitValueFactor};
    for (std::size_t which = 0; which < 2; ++which) {
        std::uint8_t* target = data_.get() + plane(layer, which) + length_ * row_bytes;
        for (std::size_t row = 0; row < keys.rows; ++row)
            store(type_, factors[which], kv_dim_, sources[which].row(row),
                  target + row * row_bytes);
    }
}

void KvCache::copy_rows(std::size_t first, std::size_t rows, std::span<std::uint8_t> out) const {
    CHECK(first + rows <= length_);
    const std::size_t row_bytes = kv_dim_ * tensor::kv_type_bytes(type_);
    const std::size_t part = rows * row_bytes;
    CHECK(out.size() == std::size_t{2} * range_.size() * part);
    std::uint8_t* to = out.data();
    for (std::uint32_t layer = range_.begin; layer < range_.end; ++layer)
        for (std::size_t which = 0; which < 2; ++which, to += part)
            std::memcpy(to, data_.get() + plane(layer, which) + first * row_bytes, part);
}

void KvCache::append_rows(std::size_t rows, std::span<const std::uint8_t> from) {
    const std::size_t row_bytes = kv_dim_ * tensor::kv_type_bytes(type_);
    const std::size_t part = rows * row_bytes;
    CHECK(from.size() == std::size_t{2} * range_.size() * part);
    CHECK(rows <= capacity_ - length_);
    const std::uint8_t* at = from.data();
    for (std::uint32_t layer = range_.begin; layer < range_.end; ++layer)
        for (std::size_t which = 0; which < 2; ++which, at += part)
            std::memcpy(data_.get() + plane(layer, which) + length_ * row_bytes, at, part);
    advance(rows);
}

tensor::KvRows KvCache::rows_of(std::uint32_t layer, std::size_t which, std::size_t rows) const {
    CHECK(rows <= capacity_);
    return {type_, data_.get() + plane(layer, which), rows, kv_dim_};
}

tensor::KvRows KvCache::keys(std::uint32_t layer, std::size_t rows) const {
    return rows_of(layer, 0, rows);
}

tensor::KvRows KvCache::values(std::uint32_t layer, std::size_t rows) const {
    return rows_of(layer, 1, rows);
}

}  // namespace cairn::model
