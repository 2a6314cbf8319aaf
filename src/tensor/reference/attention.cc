// CONSENSUS: changing a result here splits the network.
//
// N4: scores by N1, the maximum over all visible keys, keys in blocks of 64.
#include "tensor/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/elementary.h"
#include "tensor/matmul.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

namespace {

/// N1 over two contiguous vectors.
float product(std::size_t count, const float* a, const float* b) {
    float result = 0.0F;
    for (std::size_t chunk = 0; chunk < count; chunk += kChunk) {
        float sum = 0.0F;
        for (std::size_t k = chunk; k < std::min(chunk + kChunk, count); ++k)
            sum = std::fma(a[k], b[k], sum);
        result += sum;
    }
    return result;
}

/// sum over visible keys of weight[j] * rows[j][c]: one fma chain per block of 64, blocks added,
/// from the block `first` on.
float weigh(std::size_t first, std::size_t visible, const float* weight, ConstMatrix rows,
            std::size_t c) {
    float result = 0.0F;
    for (std::size_t block = first; block < visible; block += kKeyBlock) {
        float sum = 0.0F;
        for (std::size_t j = block; j < std::min(block + kKeyBlock, visible); ++j)
            sum = std::fma(weight[j], rows.row(j)[c], sum);
        result += sum;
    }
    return result;
}

float score_scale(const AttentionShape& shape) {
    return 1.0F / std::sqrt(static_cast<float>(shape.head_dim));
}

/// One head of one sequence's keys or values, as they read back: scratch for [rows, d] of it where
/// they are narrow.
ConstMatrix read_back(const KvRows& x, std::size_t rows, std::size_t sequence, std::size_t head,
                      std::size_t head_dim, float* scratch) {
    if (x.type == KvType::kF32)
        return ConstMatrix(static_cast<const float*>(x.data), x.rows, x.cols, x.stride)
            .row_range(sequence * rows, rows)
            .column_range(head * head_dim, head_dim);
    const auto* values = static_cast<const std::uint16_t*>(x.data);
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t c = 0; c < head_dim; ++c) {
            const std::uint16_t bits =
                values[(sequence * rows + i) * x.stride + head * head_dim + c];
            scratch[i * head_dim + c] =
                x.type == KvType::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
        }
    return {scratch, rows, head_dim};
}

/// One head of one sequence.
ConstMatrix head_of(ConstMatrix x, std::size_t rows, std::size_t sequence, std::size_t head,
                    std::size_t head_dim) {
    return x.row_range(sequence * rows, rows).column_range(head * head_dim, head_dim);
}

}  // namespace

std::size_t attention_forward_scratch(const AttentionShape& shape) {
    return shape.keys() * (1 + 2 * shape.head_dim);
}

std::size_t attention_backward_scratch(const AttentionShape& shape) {
    return 2 * shape.queries * shape.keys();
}

void attention_forward(const AttentionForward& op, std::size_t sequence, std::size_t head,
                       std::size_t begin, std::size_t end, float* scratch) {
    const AttentionShape& shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t kv_head = head / (shape.heads / shape.kv_heads);
    const ConstMatrix q = head_of(op.q, shape.queries, sequence, head, d);
    const std::size_t keys = shape.keys();
    const ConstMatrix k = read_back(op.k, keys, sequence, kv_head, d, scratch + keys);
    const ConstMatrix v = read_back(op.v, keys, sequence, kv_head, d, scratch + keys + keys * d);
    const float scale = score_scale(shape);
    float* p = scratch;
    for (std::size_t i = begin; i < end; ++i) {
        const std::size_t visible = shape.visible(i);
        const std::size_t first = shape.first_key(i) / kKeyBlock * kKeyBlock;
        float m = -std::numeric_limits<float>::infinity();
        for (std::size_t j = first; j < visible; ++j) {
            p[j] = j < shape.first_key(i) ? -std::numeric_limits<float>::infinity()
                                          : product(d, q.row(i), k.row(j)) * scale;
            m = p[j] > m ? p[j] : m;
        }
        m += 0.0F;  // -0 becomes +0, so that the order of the comparisons does not matter
        for (std::size_t j = first; j < visible; ++j) p[j] = exp_f32(p[j] - m);
        float l = 0.0F;
        for (std::size_t block = first; block < visible; block += kKeyBlock)
            l += reduce_sum(std::min(kKeyBlock, visible - block), p + block);
        const std::size_t row = sequence * shape.queries + i;
        for (std::size_t c = 0; c < d; ++c)
            op.out.row(row)[head * d + c] = canonical(weigh(first, visible, p, v, c) / l);
        if (op.stats.max != nullptr) op.stats.max[row * shape.heads + head] = m;
        if (op.stats.sum != nullptr) op.stats.sum[row * shape.heads + head] = canonical(l);
    }
}

namespace {

/// P and dS of one query head: [queries, keys], up to the visible entries; 0 before the window.
void recompute(const AttentionBackward& op, std::size_t sequence, std::size_t head, float* p,
               float* ds) {
    const AttentionShape& shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t t = shape.queries;
    const std::size_t keys = shape.keys();
    const std::size_t kv_head = head / (shape.heads / shape.kv_heads);
    const ConstMatrix q = head_of(op.q, t, sequence, head, d);
    const ConstMatrix k = head_of(op.k, keys, sequence, kv_head, d);
    const ConstMatrix v = head_of(op.v, keys, sequence, kv_head, d);
    const ConstMatrix out = head_of(op.out, t, sequence, head, d);
    const ConstMatrix dout = head_of(op.dout, t, sequence, head, d);
    const float scale = score_scale(shape);
    for (std::size_t i = 0; i < t; ++i) {
        const std::size_t stat = (sequence * t + i) * shape.heads + head;
        const float delta = reduce_dot(d, dout.row(i), out.row(i));
        for (std::size_t j = 0; j < shape.visible(i); ++j) {
            p[i * keys + j] = ds[i * keys + j] = 0.0F;
            if (j < shape.first_key(i)) continue;
            const float s = product(d, q.row(i), k.row(j)) * scale;
            const float prob = exp_f32(s - op.stats.max[stat]) / op.stats.sum[stat];
            const float dp = product(d, dout.row(i), v.row(j));
            p[i * keys + j] = prob;
            ds[i * keys + j] = (prob * (dp - delta)) * scale;
        }
    }
}

/// N1 over query positions from 0: sum of weight[i][j] * rows[i][c] over the i that see j:
/// those from `first` on of t. weight is [t, keys].
float weigh_queries(std::size_t t, std::size_t keys, const float* weight, std::size_t j,
                    std::size_t first, ConstMatrix rows, std::size_t c) {
    float result = 0.0F;
    for (std::size_t chunk = 0; chunk < t; chunk += kChunk) {
        float sum = 0.0F;
        for (std::size_t i = std::max(chunk, first); i < std::min(chunk + kChunk, t); ++i)
            sum = std::fma(weight[i * keys + j], rows.row(i)[c], sum);
        result += sum;
    }
    return result;
}

}  // namespace

void attention_backward(const AttentionBackward& op, std::size_t sequence, std::size_t kv_head,
                        float* scratch) {
    const AttentionShape& shape = op.shape;
    const std::size_t d = shape.head_dim;
    const std::size_t t = shape.queries;
    const std::size_t keys = shape.keys();
    const std::size_t group = shape.heads / shape.kv_heads;
    float* p = scratch;
    float* ds = scratch + t * keys;
    const ConstMatrix k = head_of(op.k, keys, sequence, kv_head, d);
    const Matrix dk = op.dk.row_range(sequence * keys, keys).column_range(kv_head * d, d);
    const Matrix dv = op.dv.row_range(sequence * keys, keys).column_range(kv_head * d, d);
    for (std::size_t j = 0; j < keys; ++j)
        for (std::size_t c = 0; c < d; ++c) dk.row(j)[c] = dv.row(j)[c] = 0.0F;
    for (std::size_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
        const ConstMatrix q = head_of(op.q, t, sequence, head, d);
        const ConstMatrix dout = head_of(op.dout, t, sequence, head, d);
        recompute(op, sequence, head, p, ds);
        for (std::size_t i = 0; i < t; ++i)
            for (std::size_t c = 0; c < d; ++c)
                op.dq.row(sequence * t + i)[head * d + c] =
                    canonical(weigh(0, shape.visible(i), ds + i * keys, k, c));
        for (std::size_t j = 0; j < keys; ++j) {
            const std::size_t first = shape.causal ? j : 0;
            for (std::size_t c = 0; c < d; ++c) {
                dk.row(j)[c] = canonical(dk.row(j)[c] + weigh_queries(t, keys, ds, j, first, q, c));
                dv.row(j)[c] =
                    canonical(dv.row(j)[c] + weigh_queries(t, keys, p, j, first, dout, c));
            }
        }
    }
}

}  // namespace cairn::tensor::reference
