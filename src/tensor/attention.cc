// CONSENSUS: changing a result here splits the network.
#include "tensor/attention.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/float_mode.h"
#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {

void check_shape(const AttentionShape& shape, ConstMatrix q, KvRows k, KvRows v) {
    CHECK(shape.head_dim > 0 && shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0);
    CHECK(q.rows == shape.sequences * shape.queries && q.cols == shape.heads * shape.head_dim);
    CHECK(k.rows == shape.sequences * shape.keys() && k.cols == shape.kv_heads * shape.head_dim);
    CHECK(v.rows == k.rows && v.cols == k.cols && v.type == k.type);
}

std::size_t query_blocks(const AttentionShape& shape) {
    return (shape.queries + kQueryBlock - 1) / kQueryBlock;
}

/// One task is a block of queries of one head of one sequence.
std::size_t tasks_of(const AttentionShape& shape) {
    return shape.sequences * shape.heads * query_blocks(shape);
}

void run_task(const Kernels& kernels, const AttentionForward& call, std::size_t task,
              float* scratch) {
    const AttentionShape& shape = call.shape;
    const std::size_t first = task % query_blocks(shape) * kQueryBlock;
    const std::size_t line = task / query_blocks(shape);
    kernels.attention_forward(call, line / shape.heads, line % shape.heads, first,
                              std::min(first + kQueryBlock, shape.queries), scratch);
}

}  // namespace

void attention_forward(const Compute& compute, std::span<const AttentionForward> calls) {
    check_float_mode();
    std::size_t tasks = 0;
    std::size_t work = 0;
    std::size_t scratch_size = 0;
    for (const AttentionForward& call : calls) {
        const AttentionShape& shape = call.shape;
        check_shape(shape, call.q, call.k, call.v);
        CHECK(call.out.rows == call.q.rows && call.out.cols == call.q.cols);
        tasks += tasks_of(shape);
        work += shape.sequences * shape.heads * shape.queries * shape.keys() * shape.head_dim;
        scratch_size = std::max(scratch_size, compute.kernels->attention_forward_scratch(shape));
    }
    if (tasks == 0) return;
    split(compute, tasks, grain_for(work / tasks), [&](std::size_t begin, std::size_t end) {
        float* scratch = thread_scratch(scratch_size);
        std::size_t first = 0;  // of the call's tasks
        for (const AttentionForward& call : calls) {
            const std::size_t after = first + tasks_of(call.shape);
            for (std::size_t task = std::max(first, begin); task < std::min(after, end); ++task)
                run_task(*compute.kernels, call, task - first, scratch);
            first = after;
        }
    });
}

void attention_forward(const Compute& compute, const AttentionShape& shape, ConstMatrix q, KvRows k,
                       KvRows v, Matrix out, AttentionStats stats) {
    const AttentionForward call{shape, q, k, v, out, stats};
    attention_forward(compute, std::span(&call, 1));
}

void reserve_attention(const Compute& compute, const AttentionShape& shape) {
    const std::size_t count = compute.kernels->attention_forward_scratch(shape);
    const std::size_t threads = compute.pool == nullptr ? 1 : compute.pool->size();
    // Each waits for the others, so that every thread takes exactly one.
    std::atomic<std::size_t> begun = 0;
    split(compute, threads, 1, [&](std::size_t, std::size_t) {
        thread_scratch(count);
        ++begun;
        while (begun < threads) std::this_thread::yield();
    });
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
