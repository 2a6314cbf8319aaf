#include "tensor/attention_decode.h"

#include <algorithm>

#include "tensor/split.h"

namespace cairn::tensor {

namespace {

/// Keys that were packed once for each query head are about as fast from twice as many queries on.
constexpr std::size_t kFewQueries = 16;
/// Floats, 16 MiB: all scores of a sequence are in memory at once.
constexpr std::size_t kMostScores = std::size_t{1} << 22;
/// Multiplications of scores: two stages more cost some microseconds.
constexpr std::size_t kWorthStages = std::size_t{1} << 18;
/// Key-value heads for each thread; among more a thread without work is a small loss.
constexpr std::size_t kFewHeads = 8;

bool few_queries(const AttentionShape& shape) {
    return shape.queries == 1 || (shape.queries <= kFewQueries &&
                                  shape.heads * shape.queries * shape.padded_keys() <= kMostScores);
}

/// The keys that a sequence's queries read, from the beginning of a block.
std::size_t first_key_read(const AttentionShape& shape) {
    return shape.first_key(0) / kKeyBlock * kKeyBlock;
}

/// A sequence's rows in the order of the kernels (kernels.h), which for one query is that of the
/// operands; otherwise they are copied.
class Rows {
  public:
    Rows(const AttentionForward& call, std::size_t sequence, float* scratch)
        : call_(call),
          first_(sequence * call.shape.queries),
          scores_(scratch),
          sums_(scores_ + count() * call.shape.padded_keys()) {
        if (call.shape.queries > 1) packed_ = sums_ + count();
    }

    std::size_t count() const { return call_.shape.heads * call_.shape.queries; }
    std::size_t of_each_head() const { return count() / call_.shape.kv_heads; }
    float* scores() const { return scores_; }
    float* sums() const { return sums_; }
    const float* q() const {
        return packed_ != nullptr ? packed_ : call_.q.data + first_ * call_.q.stride;
    }
    float* out() const {
        return packed_ != nullptr ? packed_ + count() * call_.shape.head_dim
                                  : call_.out.data + first_ * call_.out.stride;
    }

    /// Takes the queries of key-value heads [kv_begin, kv_end) from the operands.
    void take(std::size_t kv_begin, std::size_t kv_end) const {
        for_queries(kv_begin, kv_end, [&](std::size_t at, std::size_t query, std::size_t column) {
            std::copy_n(call_.q.data + query * call_.q.stride + column, width(), packed_ + at);
        });
    }
    /// Gives what came out for them to the operands.
    void give(std::size_t kv_begin, std::size_t kv_end) const {
        for_queries(kv_begin, kv_end, [&](std::size_t at, std::size_t query, std::size_t column) {
            std::copy_n(out() + at, width(), call_.out.data + query * call_.out.stride + column);
        });
    }

  private:
    /// Of all query heads that read one key-value head.
    std::size_t width() const {
        return call_.shape.heads / call_.shape.kv_heads * call_.shape.head_dim;
    }

    /// body(offset in rows, row of the operands, column of the operands), if rows are copied.
    template <typename Body>
    void for_queries(std::size_t kv_begin, std::size_t kv_end, const Body& body) const {
        if (packed_ == nullptr) return;
        for (std::size_t kv = kv_begin; kv < kv_end; ++kv)
            for (std::size_t i = 0; i < call_.shape.queries; ++i)
                body((kv * call_.shape.queries + i) * width(), first_ + i, kv * width());
    }

    const AttentionForward& call_;
    std::size_t first_;        // row of the operands
    float* scores_;            // [rows, padded keys]
    float* sums_;              // [rows]
    float* packed_ = nullptr;  // queries [rows, head_dim], then what comes out for them
};

}  // namespace

bool decodes(const Kernels& kernels, const AttentionForward& call) {
    return kernels.decode_attention_scores != nullptr && call.k.type != KvType::kDigits &&
           call.shape.head_dim % 16 == 0 && few_queries(call.shape);
}

std::size_t decode_scratch(const AttentionShape& shape) {
    if (!few_queries(shape)) return 0;
    const std::size_t copied = shape.queries > 1 ? 2 * shape.head_dim : 0;
    return shape.heads * shape.queries * (shape.padded_keys() + 1 + copied);
}

void decode_heads(const Kernels& kernels, const AttentionForward& call, std::size_t sequence,
                  std::size_t kv_begin, std::size_t kv_end, float* scratch) {
    const AttentionShape& shape = call.shape;
    const Rows rows(call, sequence, scratch);
    rows.take(kv_begin, kv_end);
    kernels.decode_attention_scores(call, sequence, rows.q(), kv_begin, kv_end,
                                    first_key_read(shape), shape.keys(), rows.scores());
    kernels.decode_attention_softmax(call, sequence, kv_begin * rows.of_each_head(),
                                     kv_end * rows.of_each_head(), rows.scores(), rows.sums());
    kernels.decode_attention_values(call, sequence, kv_begin * shape.head_dim,
                                    kv_end * shape.head_dim, rows.scores(), rows.sums(),
                                    rows.out());
    rows.give(kv_begin, kv_end);
}

bool wants_stages(const Compute& compute, std::span<const AttentionForward> calls,
                  std::size_t work) {
    const std::size_t threads = compute.pool == nullptr ? 1 : compute.pool->size();
    if (threads == 1 || work < kWorthStages * calls.size()) return false;
    std::size_t heads = 0;
    for (const AttentionForward& call : calls) {
        if (call.shape.sequences != 1 || !decodes(*compute.kernels, call)) return false;
        heads += call.shape.kv_heads;
    }
    return heads % threads != 0 && heads < kFewHeads * threads;
}

void decode_by_stages(const Compute& compute, const AttentionForward& call) {
    const Kernels& kernels = *compute.kernels;
    const AttentionShape& shape = call.shape;
    const Rows rows(call, 0, thread_scratch(decode_scratch(shape), Scratch::kOperator));
    rows.take(0, shape.kv_heads);
    const std::size_t first = first_key_read(shape);
    const std::size_t blocks = (shape.keys() - first + kKeyBlock - 1) / kKeyBlock;
    split(compute, blocks, 1, [&](std::size_t begin, std::size_t end) {
        kernels.decode_attention_scores(
            call, 0, rows.q(), 0, shape.kv_heads, first + begin * kKeyBlock,
            std::min(first + end * kKeyBlock, shape.keys()), rows.scores());
    });
    split(compute, rows.count(), 1, [&](std::size_t begin, std::size_t end) {
        kernels.decode_attention_softmax(call, 0, begin, end, rows.scores(), rows.sums());
    });
    // Two vectors of columns keep a core busy, and are a line of memory of a narrow cache. A
    // thread's are neighbours, since a row is read faster in one piece.
    const std::size_t width = shape.head_dim % 32 == 0 ? 32 : 16;
    const std::size_t columns = shape.kv_heads * shape.head_dim / width;
    const std::size_t threads = compute.pool->size();
    split(compute, columns, (columns + threads - 1) / threads,
          [&](std::size_t begin, std::size_t end) {
              kernels.decode_attention_values(call, 0, begin * width, end * width, rows.scores(),
                                              rows.sums(), rows.out());
          });
    rows.give(0, shape.kv_heads);
}

}  // namespace cairn::tensor
