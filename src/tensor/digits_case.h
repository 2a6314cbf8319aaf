// For tests: one attention call by digits, on values from Philox. Keys and values are fixed-point,
// as a cache keeps them.
#pragma once

#include <vector>

#include "tensor/attention.h"
#include "tensor/digits.h"
#include "tensor/test_values.h"

namespace cairn::tensor {

struct DigitsCase {
    AttentionShape shape;
    std::vector<float> q;
    std::vector<std::int16_t> k, v;

    /// Inputs from streams `stream` to `stream + 2`; queries and keys are `spread` wide, so that a
    /// large spread has rows with one key that counts; values are `values` wide.
    DigitsCase(const AttentionShape& s, std::uint64_t stream, double spread = 1.0,
               double values = 1.0)
        : shape(s),
          q(normal_values(s.sequences * s.queries * s.heads * s.head_dim, stream, spread)),
          k(fixed(normal_values(kv_count(), stream + 1, spread), kDigitKeyFactor)),
          v(fixed(normal_values(kv_count(), stream + 2, values), kDigitValueFactor)) {}

    std::vector<float> run(const Compute& compute) const {
        const std::size_t rows = shape.sequences * shape.keys();
        const std::size_t kv_cols = shape.kv_heads * shape.head_dim;
        const std::size_t q_cols = shape.heads * shape.head_dim;
        const std::size_t queries = shape.sequences * shape.queries;
        std::vector<float> out(q.size());
        attention_forward(
            compute, shape, {q.data(), queries, q_cols}, {KvType::kDigits, k.data(), rows, kv_cols},
            {KvType::kDigits, v.data(), rows, kv_cols}, {out.data(), queries, q_cols}, {});
        return out;
    }

  private:
    std::size_t kv_count() const {
        return shape.sequences * shape.keys() * shape.kv_heads * shape.head_dim;
    }
    static std::vector<std::int16_t> fixed(const std::vector<float>& values, float factor) {
        std::vector<std::int16_t> numbers;
        for (const float value : values) numbers.push_back(digit_fixed(value, factor));
        return numbers;
    }
};

}  // namespace cairn::tensor
