// CONSENSUS: changing a result here splits the network.
#include "tensor/attention.h"

#include <algorithm>

#include "base/float_mode.h"
#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {

void check_shape(const AttentionShape& shape, ConstMatrix q, ConstMatrix k, ConstMatrix v) {
    CHECK(shape.head_dim > 0 && shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0);
    CHECK(q.rows == shape.sequences * shape.queries && q.cols == shape.heads * shape.head_dim);
    CHECK(k.rows == shape.sequences * shape.keys() && k.cols == shape.kv_heads * shape.head_dim);
    CHECK(v.rows == k.rows && v.cols == k.cols);
}

}  // namespace

void attention_forward(const Compute& compute, const AttentionShape& shape, ConstMatrix q,
                       ConstMatrix k, ConstMatrix v, Matrix out, AttentionStats stats) {
    check_float_mode();
    check_shape(shape, q, k, v);
    CHECK(out.rows == q.rows && out.cols == q.cols);
    const AttentionForward op{shape, q, k, v, out, stats};
    // One task is a block of queries of one head; the last blocks see the most keys, and
    // neighbouring tasks of all heads share them, so blocks vary slowest.
    const std::size_t blocks = (shape.queries + kQueryBlock - 1) / kQueryBlock;
    const std::size_t lines = shape.sequences * shape.heads;
    const auto run = [&](std::size_t begin, std::size_t end) {
        float* scratch = thread_scratch(compute.kernels->attention_forward_scratch(shape));
        for (std::size_t task = begin; task < end; ++task) {
            const std::size_t first = task % blocks * kQueryBlock;
            const std::size_t line = task / blocks;
            compute.kernels->attention_forward(op, line / shape.heads, line % shape.heads, first,
                                               std::min(first + kQueryBlock, shape.queries),
                                               scratch);
        }
    };
    const std::size_t work = std::min(shape.queries, kQueryBlock) * shape.keys() * shape.head_dim;
    split(compute, lines * blocks, grain_for(work), run);
}

void attention_backward(const Compute& compute, const AttentionShape& shape, ConstMatrix dout,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out,
                        AttentionStats stats, Matrix dq, Matrix dk, Matrix dv) {
    check_float_mode();
    check_shape(shape, q, k, v);
    check_shape(shape, dq, dk, dv);
    CHECK(shape.first_position == 0 && stats.max != nullptr && stats.sum != nullptr);
    CHECK(dout.rows == q.rows && dout.cols == q.cols && out.rows == q.rows && out.cols == q.cols);
    const AttentionBackward op{shape, dout, q, k, v, out, stats, dq, dk, dv};
    const auto run = [&](std::size_t begin, std::size_t end) {
        float* scratch = thread_scratch(compute.kernels->attention_backward_scratch(shape));
        for (std::size_t task = begin; task < end; ++task)
            compute.kernels->attention_backward(op, task / shape.kv_heads, task % shape.kv_heads,
                                                scratch);
    };
    split(compute, shape.sequences * shape.kv_heads, 1, run);
}

}  // namespace cairn::tensor
