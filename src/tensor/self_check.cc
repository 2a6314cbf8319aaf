#include "tensor/self_check.h"

#include <bit>
#include <memory>
#include <new>

#include "tensor/attention.h"
#include "tensor/kernels.h"
#include "tensor/loss.h"
#include "tensor/matmul.h"
#include "tensor/norm.h"
#include "tensor/philox.h"
#include "tensor/swiglu.h"
#include "tensor/weight.h"

namespace cairn::tensor {

namespace {

using Values = std::vector<float>;

// Odd at every edge of a tile, and longer than one chunk of 256.
constexpr std::size_t kRows = 37, kIn = 288, kOut = 45;

Values normal(std::size_t count, std::uint64_t stream) {
    constexpr std::uint64_t kSeed = 4711;
    Values values(count);
    philox_normal(kSeed, stream, 1.0, values);
    return values;
}

// FNV-1a over the bits, little-endian.
class BitHash {
  public:
    void add(const Values& values) {
        for (const float value : values) {
            const auto bits = std::bit_cast<std::uint32_t>(value);
            for (int shift = 0; shift < 32; shift += 8)
                hash_ = (hash_ ^ (bits >> shift & 0xFF)) * 0x100000001b3;
        }
    }
    std::uint64_t value() const { return hash_; }

  private:
    std::uint64_t hash_ = 0xcbf29ce484222325;
};

std::uint64_t products(const Compute& compute) {
    const Values x = normal(kRows * kIn, 1), w = normal(kOut * kIn, 2),
                 dy = normal(kRows * kOut, 3);
    Values y(kRows * kOut), dx(kRows * kIn), dw = normal(kOut * kIn, 4);
    matmul_nt(compute, {x.data(), kRows, kIn}, {w.data(), kOut, kIn}, {y.data(), kRows, kOut});
    matmul_nn(compute, {dy.data(), kRows, kOut}, {w.data(), kOut, kIn}, {dx.data(), kRows, kIn});
    matmul_tn_accumulate(compute, {dy.data(), kRows, kOut}, {x.data(), kRows, kIn},
                         {dw.data(), kOut, kIn});
    BitHash hash;
    hash.add(y);
    hash.add(dx);
    hash.add(dw);
    return hash.value();
}

// Weights of each type, canonical and packed, for one row and for many.
std::uint64_t weights_of(const Compute& compute, std::initializer_list<WeightType> types) {
    const Values x = normal(kRows * kIn, 5), w = normal(kOut * kIn, 6);
    BitHash hash;
    for (const WeightType type : types) {
        std::vector<std::uint8_t> narrow(kOut * weight_row_bytes(type, kIn));
        CHECK(quantise_weight({w.data(), kOut, kIn}, type, narrow.data()).ok());
        const Weight canonical(type, kOut, kIn, narrow.data());
        constexpr std::size_t kAlignment = 64;
        std::vector<std::uint8_t> storage(packed_bytes(type, kOut, kIn) + kAlignment);
        void* aligned = storage.data();
        std::size_t space = storage.size();
        CHECK(std::align(kAlignment, storage.size() - kAlignment, aligned, space) != nullptr);
        const Weight packed = pack_weight(compute, canonical, aligned);
        Values y(kRows * kOut);
        for (const Weight* weight : {&canonical, &packed})
            for (const std::size_t rows : {std::size_t{1}, kRows}) {
                matmul_nt(compute, {x.data(), rows, kIn}, *weight, {y.data(), rows, kOut});
                hash.add(y);
            }
    }
    return hash.value();
}

std::uint64_t weights(const Compute& compute) {
    return weights_of(compute, {WeightType::kF32, WeightType::kF16, WeightType::kBf16,
                                WeightType::kQ8_0, WeightType::kQ4_0, WeightType::kW8A8Row});
}

std::uint64_t more_weights(const Compute& compute) {
    return weights_of(compute, {WeightType::kQ4_1, WeightType::kQ5_0, WeightType::kQ5_1});
}

std::uint64_t norms(const Compute& compute) {
    const Values x = normal(kRows * kIn, 7), gamma = normal(kIn, 8);
    const Values dy = normal(kRows * kIn, 10);
    Values y(kRows * kIn), dx(kRows * kIn), dgamma(kIn), rstd(kRows);
    const ConstMatrix input(x.data(), kRows, kIn);
    const Matrix output(y.data(), kRows, kIn);
    BitHash hash;
    rmsnorm_forward(compute, input, gamma.data(), 1e-5F, output, rstd.data());
    hash.add(y);
    rmsnorm_backward(compute, {dy.data(), kRows, kIn}, input, gamma.data(), rstd.data(),
                     {dx.data(), kRows, kIn}, dgamma.data());
    hash.add(dx);
    hash.add(dgamma);
    return hash.value();
}

std::uint64_t elementwise(const Compute& compute) {
    const Values x = normal(1001, 11), y = normal(1001, 12);
    Values out(x.size()), other(x.size());
    BitHash hash;
    compute.kernels->exp(x.size(), x.data(), out.data());
    hash.add(out);
    swiglu_forward(compute, x.size(), x.data(), y.data(), out.data());
    hash.add(out);
    swiglu_backward(compute, x.size(), x.data(), y.data(), x.data(), out.data(), other.data());
    hash.add(out);
    hash.add(other);
    return hash.value();
}

std::uint64_t attention(const Compute& compute) {
    const AttentionShape shape{2, 70, 0, 4, 2, 24};
    const std::size_t rows = 2 * 70, q_cols = 4 * 24, kv_cols = 2 * 24;
    const Values q = normal(rows * q_cols, 13), k = normal(rows * kv_cols, 14);
    const Values v = normal(rows * kv_cols, 15), dout = normal(rows * q_cols, 16);
    Values out(rows * q_cols), max(rows * 4), sum(rows * 4);
    Values dq(rows * q_cols), dk(rows * kv_cols), dv(rows * kv_cols);
    const ConstMatrix query(q.data(), rows, q_cols), key(k.data(), rows, kv_cols);
    const ConstMatrix value(v.data(), rows, kv_cols);
    const Matrix mixed(out.data(), rows, q_cols);
    attention_forward(compute, shape, query, key, value, mixed, {max.data(), sum.data()});
    attention_backward(compute, shape, {dout.data(), rows, q_cols}, query, key, value, mixed,
                       {max.data(), sum.data()}, {dq.data(), rows, q_cols},
                       {dk.data(), rows, kv_cols}, {dv.data(), rows, kv_cols});
    BitHash hash;
    for (const Values* values : {&out, &max, &sum, &dq, &dk, &dv}) hash.add(*values);
    return hash.value();
}

std::uint64_t loss(const Compute& compute) {
    constexpr std::size_t kVocab = 301;
    Values logits = normal(kRows * kVocab, 17), losses(kRows);
    std::vector<std::uint32_t> targets(kRows);
    for (std::size_t i = 0; i < kRows; ++i) targets[i] = static_cast<std::uint32_t>(i * 8);
    const Matrix view(logits.data(), kRows, kVocab);
    cross_entropy(compute, view, targets, losses.data(), view);
    BitHash hash;
    hash.add(losses);
    hash.add(logits);
    return hash.value();
}

struct Group {
    const char* name;
    std::uint64_t (*compute)(const Compute&);
    std::uint64_t recorded;
};

constexpr Group kGroups[] = {
    {"products", products, 0xc8a4bdcbdfc78ed1},
    {"weights", weights, 0x669bf8fe32932653},
    {"more weights", more_weights, 0xd3a50e35a03f0f07},
    {"norms", norms, 0xc73ee1a9ebeba723},
    {"elementwise", elementwise, 0x5a8580abe10f5b8f},
    {"attention", attention, 0xc3bfbaf0ac301c7f},
    {"loss", loss, 0xa0f9aae9de48678e},
};

}  // namespace

std::vector<SelfCheckFinding> self_check(ThreadPool& pool) {
    std::vector<SelfCheckFinding> findings;
    for (const KernelSet set : available_kernel_sets()) {
        const auto kernels = kernels_for(set);
        CHECK(kernels.ok());
        const Compute compute{*kernels, &pool};
        for (const Group& group : kGroups)
            findings.push_back({set, group.name, group.recorded, group.compute(compute)});
    }
    return findings;
}

}  // namespace cairn::tensor
