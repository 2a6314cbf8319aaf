#include "formats/finite.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include <fmt/core.h>

#include "base/thread_pool.h"

namespace cairn::formats {

namespace {

using tensor::Weight;
using tensor::WeightType;

constexpr std::size_t kBytesPerTask = std::size_t{1} << 20;
constexpr std::size_t kBytesWorthThreads = std::size_t{8} << 20;
constexpr std::uint16_t kF16Exponent = 0x7C00;
constexpr std::uint16_t kBf16Exponent = 0x7F80;
constexpr std::uint32_t kF32Exponent = 0x7F800000;

// Whether every word has a clear exponent bit. Works in short runs, which compilers can vectorise.
template <typename Word, Word kExponent>
bool words_finite(const std::uint8_t* bytes, std::size_t count) {
    constexpr std::size_t kRun = 256;
    Word run[kRun];
    for (std::size_t at = 0; at < count; at += kRun) {
        const std::size_t n = std::min(kRun, count - at);
        std::memcpy(run, bytes + at * sizeof(Word), n * sizeof(Word));
        Word bad = 0;
        for (std::size_t i = 0; i < n; ++i)
            bad = static_cast<Word>(bad | ((run[i] & kExponent) == kExponent ? 1 : 0));
        if (bad != 0) return false;
    }
    return true;
}

// f16 scales at fixed places of every block.
bool scales_finite(const std::uint8_t* row, std::size_t bytes, std::size_t block,
                   std::initializer_list<std::size_t> places) {
    for (std::size_t at = 0; at < bytes; at += block)
        for (const std::size_t place : places)
            if (!words_finite<std::uint16_t, kF16Exponent>(row + at + place, 1)) return false;
    return true;
}

bool row_finite(WeightType type, const std::uint8_t* row, std::size_t cols, std::size_t bytes) {
    switch (type) {
        case WeightType::kF32:
            return words_finite<std::uint32_t, kF32Exponent>(row, cols);
        case WeightType::kF16:
            return words_finite<std::uint16_t, kF16Exponent>(row, cols);
        case WeightType::kBf16:
            return words_finite<std::uint16_t, kBf16Exponent>(row, cols);
        case WeightType::kW8A8Row:
            return words_finite<std::uint32_t, kF32Exponent>(row, 1);
        case WeightType::kQ8_0:
            return scales_finite(row, bytes, 34, {0});
        case WeightType::kQ4_0:
            return scales_finite(row, bytes, 18, {0});
        case WeightType::kQ4_1:
            return scales_finite(row, bytes, 20, {0, 2});
        case WeightType::kQ5_0:
            return scales_finite(row, bytes, 22, {0});
        case WeightType::kQ5_1:
            return scales_finite(row, bytes, 24, {0, 2});
        case WeightType::kQ4K:
            return scales_finite(row, bytes, 144, {0, 2});
        case WeightType::kQ5K:
            return scales_finite(row, bytes, 176, {0, 2});
        case WeightType::kQ6K:
            return scales_finite(row, bytes, 210, {208});
    }
    return false;
}

}  // namespace

std::size_t first_bad_row(const Weight& weight, std::size_t begin, std::size_t end) {
    CHECK(!weight.packed);
    const std::size_t bytes = tensor::weight_row_bytes(weight.type, weight.cols);
    const auto* data = static_cast<const std::uint8_t*>(weight.data);
    for (std::size_t row = begin; row < end; ++row)
        if (!row_finite(weight.type, data + row * bytes, weight.cols, bytes)) return row;
    return weight.rows;
}

Status check_finite(const model::ParameterLayout& layout, const model::Weights& weights) {
    std::size_t total = 0;
    for (const model::TensorInfo& info : layout.tensors())
        total += model::tensor_at(weights, info.kind, info.layer).canonical_bytes();
    const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
    ThreadPool pool(total < kBytesWorthThreads ? 1 : std::min<std::size_t>(processors, 16));
    for (const model::TensorInfo& info : layout.tensors()) {
        const Weight& weight = model::tensor_at(weights, info.kind, info.layer);
        const std::size_t row_bytes = tensor::weight_row_bytes(weight.type, weight.cols);
        std::atomic<std::size_t> bad = weight.rows;
        pool.parallel_for(weight.rows, std::max<std::size_t>(1, kBytesPerTask / row_bytes),
                          [&](std::size_t begin, std::size_t end) {
                              const std::size_t row = first_bad_row(weight, begin, end);
                              std::size_t seen = bad.load();
                              while (row < seen && !bad.compare_exchange_weak(seen, row)) {
                              }
                          });
        if (bad < weight.rows)
            return invalid(
                fmt::format("tensor {} has a NaN or infinity in row {}", info.name, bad.load()));
    }
    return ok_status();
}

}  // namespace cairn::formats
