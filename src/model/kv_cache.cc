// CONSENSUS: changing a result here splits the network.
#include "model/kv_cache.h"

#include <algorithm>

namespace cairn::model {

KvCache::KvCache(const ModelConfig& config, LayerRange range, std::size_t capacity, KvType type)
    : range_(range), type_(type), capacity_(capacity), kv_dim_(config.kv_dim()) {
    CHECK(range.begin <= range.end && range.end <= config.layers);
    CHECK(capacity >= 1 && capacity <= config.context);
    data_.resize(range.size() * 2 * capacity * kv_dim_);
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
    return ((layer - range_.begin) * 2 + which) * capacity_ * kv_dim_;
}

void KvCache::write(std::uint32_t layer, tensor::ConstMatrix keys, tensor::ConstMatrix values) {
    CHECK(keys.rows == values.rows && keys.rows <= capacity_ - length_);
    CHECK(keys.cols == kv_dim_ && values.cols == kv_dim_);
    const tensor::ConstMatrix sources[] = {keys, values};
    for (std::size_t which = 0; which < 2; ++which) {
        float* target = data_.data() + plane(layer, which) + length_ * kv_dim_;
        for (std::size_t row = 0; row < keys.rows; ++row)
            std::copy_n(sources[which].row(row), kv_dim_, target + row * kv_dim_);
        tensor::round_to_kv_type(type_, keys.rows * kv_dim_, target);
    }
}

tensor::ConstMatrix KvCache::keys(std::uint32_t layer, std::size_t rows) const {
    CHECK(rows <= capacity_);
    return {data_.data() + plane(layer, 0), rows, kv_dim_};
}

tensor::ConstMatrix KvCache::values(std::uint32_t layer, std::size_t rows) const {
    CHECK(rows <= capacity_);
    return {data_.data() + plane(layer, 1), rows, kv_dim_};
}

}  // namespace cairn::model
