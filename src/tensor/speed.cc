#include "tensor/speed.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/large_pages.h"
#include "tensor/matmul.h"

namespace cairn::tensor {

namespace {

constexpr std::size_t kUncached = std::size_t{256} << 20;
/// Memory whose pages exist, as large as a model's, filled with a pattern that is moderate numbers
/// in every weight type.
std::shared_ptr<std::uint8_t[]> filled(std::size_t bytes) {
    auto memory = large_page_bytes(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        memory.get()[i] = static_cast<std::uint8_t>(i * 37 >> 3 & 0x37U);
    return memory;
}

/// The shortest time of one call, in seconds: of at least five batches that fill a third of a
/// second, each long enough for the clock.
template <typename Call>
double best_seconds(const Clock& clock, const Call& call) {
    constexpr std::uint64_t kBatchUs = 2000;
    constexpr std::uint64_t kTotalUs = 300'000;
    constexpr std::size_t kMaxBatches = 10'000;
    constexpr std::size_t kMaxCalls = 1'000'000;
    const auto batch_us = [&](std::size_t calls) {
        const std::uint64_t start = clock.monotonic_us();
        for (std::size_t i = 0; i < calls; ++i) call();
        return clock.monotonic_us() - start;
    };
    batch_us(1);
    std::size_t calls = 1;
    while (calls < kMaxCalls && batch_us(calls) < kBatchUs) calls *= 2;
    double best = 1e30;
    const std::uint64_t start = clock.monotonic_us();
    for (std::size_t i = 0; i < kMaxBatches; ++i) {
        best = std::min(best, static_cast<double>(std::max<std::uint64_t>(batch_us(calls), 1)));
        if (i >= 4 && clock.monotonic_us() - start > kTotalUs) break;
    }
    return best / static_cast<double>(calls) * 1e-6;
}

/// Reads one word of every cache line of words[begin, end), four streams at once: the fastest of
/// what was tried.
std::uint64_t read_lines(const std::uint64_t* words, std::size_t begin, std::size_t end) {
    constexpr std::size_t kLine = 8;
    constexpr std::size_t kStreams = 4;
    const std::size_t part = (end - begin) / kStreams;
    std::uint64_t sums[kStreams] = {};
    for (std::size_t i = begin; i < begin + part; i += kLine)
        for (std::size_t j = 0; j < kStreams; ++j) sums[j] += words[j * part + i];
    return sums[0] + sums[1] + sums[2] + sums[3];
}

}  // namespace

struct MemoryReader::Buffer {
    static constexpr std::size_t kBytes = 2 * kUncached;
    std::shared_ptr<std::uint8_t[]> memory = filled(kBytes);
    std::atomic<std::uint64_t> sum = 0;  // so that the compiler keeps the reads

    void pass(ThreadPool& pool) {
        constexpr std::size_t kGrain = std::size_t{1} << 17;
        const auto* words = reinterpret_cast<const std::uint64_t*>(memory.get());
        pool.parallel_for(
            kBytes / sizeof(std::uint64_t), kGrain,
            [&](std::size_t begin, std::size_t end) { sum += read_lines(words, begin, end); });
    }
};

MemoryReader::MemoryReader(ThreadPool& pool) : pool_(pool), buffer_(std::make_unique<Buffer>()) {}
MemoryReader::~MemoryReader() = default;

double MemoryReader::now(const Clock& clock) {
    const std::uint64_t start = clock.monotonic_us();
    buffer_->pass(pool_);
    const std::uint64_t elapsed = std::max<std::uint64_t>(clock.monotonic_us() - start, 1);
    return static_cast<double>(Buffer::kBytes) * 1e6 / static_cast<double>(elapsed);
}

double MemoryReader::best(const Clock& clock) {
    return static_cast<double>(Buffer::kBytes) /
           best_seconds(clock, [this] { buffer_->pass(pool_); });
}

double measure_product(const Clock& clock, const Compute& compute, ProductKind kind, std::size_t m,
                       std::size_t n, std::size_t k) {
    CHECK(m * n * k > 0);
    std::vector<float> a(m * k, 0.5F);
    std::vector<float> b(n * k, 0.25F);
    std::vector<float> c(m * n, 0.0F);
    const Matrix result(c.data(), m, n);
    const double seconds = best_seconds(clock, [&] {
        if (kind == ProductKind::kNt)
            matmul_nt(compute, ConstMatrix(a.data(), m, k), ConstMatrix(b.data(), n, k), result);
        else if (kind == ProductKind::kNn)
            matmul_nn(compute, {a.data(), m, k}, {b.data(), k, n}, result);
        else
            matmul_tn_accumulate(compute, {a.data(), k, m}, {b.data(), k, n}, result);
    });
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) / seconds;
}

WeightSpeed measure_weight(const Clock& clock, const Compute& compute, WeightType type,
                           std::size_t m, std::size_t rows, std::size_t cols) {
    constexpr std::size_t kFewRows = 16;
    const std::size_t bytes = (packed_bytes(type, rows, cols) + 63) / 64 * 64;
    CHECK(bytes > 0 && m > 0);
    const std::size_t copies = m <= kFewRows ? kUncached / bytes + 1 : 1;
    const auto memory = filled(bytes * copies);
    std::vector<float> a(m * cols, 0.5F);
    std::vector<float> c(m * rows);
    std::size_t turn = 0;
    const double seconds = best_seconds(clock, [&] {
        const Weight weight(type, rows, cols, memory.get() + turn * bytes, true);
        matmul_nt(compute, ConstMatrix(a.data(), m, cols), weight, Matrix(c.data(), m, rows));
        turn = (turn + 1) % copies;
    });
    const double operations =
        2.0 * static_cast<double>(m) * static_cast<double>(rows) * static_cast<double>(cols);
    return {operations / seconds, static_cast<double>(packed_bytes(type, rows, cols)) / seconds};
}

}  // namespace cairn::tensor
