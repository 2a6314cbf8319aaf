// Small models and bit hashes for this room's tests.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "model/weights.h"
#include "tensor/compute.h"
#include "tensor/philox.h"

namespace cairn::model {

/// Grouped heads, a context of several key blocks, odd widths: everything that can go wrong.
inline ModelConfig small_config(bool tied = true) {
    return {.dim = 48,
            .hidden_dim = 100,
            .layers = 3,
            .heads = 6,
            .kv_heads = 2,
            .vocab = 67,
            .context = 256,
            .rope_theta = 10000.0F,
            .norm_eps = 1e-5F,
            .tied_head = tied,
            .rope_interleaved = tied};
}

/// As initial_parameters, but with weights and gammas large enough that every term matters.
inline std::vector<float> large_parameters(const ParameterLayout& layout, std::uint64_t seed) {
    std::vector<float> flat(layout.size(), 0.0F);
    for (const TensorInfo& info : layout.tensors()) {
        const auto values = std::span(flat).subspan(info.offset, info.size());
        if (info.is_matrix)
            tensor::philox_uniform(seed, info.offset, -0.3F, 0.3F, values);
        else
            tensor::philox_uniform(seed, info.offset, 0.5F, 1.5F, values);
    }
    return flat;
}

inline std::vector<std::uint32_t> random_tokens(std::size_t count, std::uint32_t vocab,
                                                std::uint64_t seed) {
    std::vector<std::uint32_t> tokens(count);
    for (std::size_t i = 0; i < count; ++i)
        tokens[i] =
            static_cast<std::uint32_t>(tensor::mulhi64(tensor::philox_u64(seed, 99, i), vocab));
    return tokens;
}

/// FNV-1a over the bit patterns.
inline std::uint64_t bit_hash(std::span<const float> values,
                              std::uint64_t state = 0xCBF29CE484222325U) {
    for (const float value : values)
        state = (state ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3U;
    return state;
}

/// One way to compute: a kernel set and a number of threads.
struct Machine {
    Machine(tensor::KernelSet set, std::size_t threads)
        : pool(threads), compute{tensor::kernels_for(set).value(), &pool} {}
    ThreadPool pool;
    tensor::Compute compute;
};

}  // namespace cairn::model
