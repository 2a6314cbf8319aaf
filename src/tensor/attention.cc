// CONSENSUS: changing a result here splits the network.
#include "tensor/attention.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/float_mode.h"
#include "tensor/attention_backward.h"
#include "tensor/attention_decode.h"
#include "tensor/digits.h"
#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {

void check_shape(const AttentionShape& shape, ConstMatrix q, KvRows k, KvRows v) {
    CHECK(shape.head_dim > 0 && shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0);
    CHECK(q.rows == shape.sequences * shape.queries && q.cols == shape.heads * shape.head_dim);
    CHECK(k.rows == shape.sequences * shape.keys() && k.cols == shape.kv_heads * shape.head_dim);
    CHECK(v.rows == k.rows && v.cols == k.cols && v.type == k.type);
    CHECK(shape.window == 0 || shape.causal);
    CHECK(shape.source_keys == 0 || (!shape.causal && k.type != KvType::kDigits));
    CHECK(k.type != KvType::kDigits || shape.head_dim <= kDigitWidest);
}

std::size_t query_blocks(const AttentionShape& shape) {
    return (shape.queries + kQueryBlock - 1) / kQueryBlock;
}

/// One task is a block of queries of one head of one sequence, or a key-value head of a sequence
/// that decodes.
std::size_t tasks_of(const Kernels& kernels, const AttentionForward& call) {
    const AttentionShape& shape = call.shape;
    if (decodes(kernels, call)) return shape.sequences * shape.kv_heads;
    return shape.sequences * shape.heads * query_blocks(shape);
}

/// The most floats that any of the shape's tasks needs.
std::size_t scratch_of(const Kernels& kernels, const AttentionShape& shape) {
    return std::max({kernels.attention_forward_scratch(shape), decode_scratch(shape),
                     4 * shape.padded_keys() + 2 * (shape.head_dim + kDigitPad)});
}

void run_tasks(const Kernels& kernels, const AttentionForward& call, std::size_t task,
               std::size_t end, float* scratch) {
    const AttentionShape& shape = call.shape;
    if (decodes(kernels, call)) {
        while (task < end) {
            const std::size_t kv = task % shape.kv_heads;
            const std::size_t count = std::min(shape.kv_heads - kv, end - task);
            decode_heads(kernels, call, task / shape.kv_heads, kv, kv + count, scratch);
            task += count;
        }
    }
    const auto attend =
        call.k.type == KvType::kDigits ? kernels.attention_digits : kernels.attention_forward;
    for (; task < end; ++task) {
        const std::size_t first = task % query_blocks(shape) * kQueryBlock;
        const std::size_t line = task / query_blocks(shape);
        attend(call, line / shape.heads, line % shape.heads, first,
               std::min(first + kQueryBlock, shape.queries), scratch);
    }
}

/// Neighbouring heads of a sequence lie side by side in the cache, so a thread that decodes takes
/// all heads of a sequence, or fewer where there would not be enough tasks for all threads.
std::size_t task_grain(const Compute& compute, const AttentionForward& call, std::size_t tasks,
                       std::size_t work) {
    const std::size_t worthwhile = grain_for(work / tasks);
    if (!decodes(*compute.kernels, call)) return worthwhile;
    const std::size_t threads = compute.pool == nullptr ? 1 : compute.pool->size();
    return std::max(worthwhile, std::min(call.shape.kv_heads, (tasks + threads - 1) / threads));
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
        CHECK(call.k.type != KvType::kDigits ||
              (call.stats.max == nullptr && call.stats.sum == nullptr));
        tasks += tasks_of(*compute.kernels, call);
        const std::size_t seen = shape.keys() - shape.first_key(0);
        work += shape.sequences * shape.heads * shape.queries * seen * shape.head_dim;
        scratch_size = std::max(scratch_size, scratch_of(*compute.kernels, shape));
    }
    if (tasks == 0) return;
    if (wants_stages(compute, calls, work)) {
        for (const AttentionForward& call : calls) decode_by_stages(compute, call);
        return;
    }
    const std::size_t grain = task_grain(compute, calls[0], tasks, work);
    split(compute, tasks, grain, [&](std::size_t begin, std::size_t end) {
        float* scratch = thread_scratch(scratch_size);
        std::size_t first = 0;  // of the call's tasks
        for (const AttentionForward& call : calls) {
            const std::size_t after = first + tasks_of(*compute.kernels, call);
            if (begin < after && first < end)
                run_tasks(*compute.kernels, call, std::max(first, begin) - first,
                          std::min(after, end) - first, scratch);
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
    const std::size_t count = scratch_of(*compute.kernels, shape);
    const std::size_t threads = compute.pool == nullptr ? 1 : compute.pool->size();
    // Each piece waits for the others, so that every thread takes exactly one.
    std::atomic<std::size_t> begun = 0;
    split(compute, threads, 1, [&](std::size_t, std::size_t) {
        thread_scratch(count);
        thread_scratch(decode_scratch(shape), Scratch::kOperator);
        ++begun;
        while (begun < threads) std::this_thread::yield();
    });
}

void attention_backward(const Compute& compute, std::span<const AttentionBackward> calls) {
    check_float_mode();
    std::size_t tasks = 0;
    std::size_t scratch_size = 0;
    for (const AttentionBackward& call : calls) {
        const AttentionShape& shape = call.shape;
        const ConstMatrix q = call.q;
        check_shape(shape, q, call.k, call.v);
        check_shape(shape, call.dq, call.dk, call.dv);
        CHECK(shape.first_position == 0);
        CHECK(call.stats.max != nullptr && call.stats.sum != nullptr);
        CHECK(call.dout.rows == q.rows && call.dout.cols == q.cols);
        CHECK(call.out.rows == q.rows && call.out.cols == q.cols);
        tasks += shape.sequences * shape.kv_heads;
        scratch_size = std::max(scratch_size, compute.kernels->attention_backward_scratch(shape));
    }
    if (tasks == 0) return;
    split(compute, tasks, 1, [&](std::size_t begin, std::size_t end) {
        float* scratch = thread_scratch(scratch_size);
        std::size_t first = 0;  // of the call's tasks
        for (const AttentionBackward& call : calls) {
            const std::size_t heads = call.shape.kv_heads;
            const std::size_t after = first + call.shape.sequences * heads;
            for (std::size_t task = std::max(first, begin); task < std::min(after, end); ++task)
                compute.kernels->attention_backward(call, (task - first) / heads,
                                                    (task - first) % heads, scratch);
            first = after;
        }
    });
}

void attention_backward(const Compute& compute, const AttentionShape& shape, ConstMatrix dout,
                        ConstMatrix q, ConstMatrix k, ConstMatrix v, ConstMatrix out,
                        AttentionStats stats, Matrix dq, Matrix dk, Matrix dv) {
    const AttentionBackward call{shape, dout, q, k, v, out, stats, dq, dk, dv};
    attention_backward(compute, std::span(&call, 1));
}

}  // namespace cairn::tensor
