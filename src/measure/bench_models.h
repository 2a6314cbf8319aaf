// How fast whole models run on this machine: prefill, decode and training, for models with real
// shapes and random weights, each compared with the best that the machine could do.
#pragma once

#include <string>
#include <vector>

#include "measure/bench_products.h"
#include "measure/stopwatch.h"
#include "model/kv_cache.h"
#include "model/weights.h"
#include "tensor/speed.h"

namespace cairn::measure {

struct BenchShape {
    std::string name;  ///< "demo", "chars", "110m", "gpt2", "1.1b"
    model::ModelConfig config;
    std::uint32_t train_context = 0;
    std::uint32_t train_tokens = 0;  ///< of one optimiser step
};

/// `cairn demo`'s model, a character model for a novel, and three real ones: llama2.c's
/// largest, the smallest GPT-2, TinyLlama.
const std::vector<BenchShape>& bench_shapes();

struct ModelSpeed {
    std::string name;
    std::string type;  ///< all types of a mix, the one with the most bytes first: "q4_k+q6_k"
    std::uint64_t parameters = 0;
    std::uint64_t bytes_per_token = 0;  ///< of weights that are read to generate one token
    /// Of keys and values that are read for one token, in the middle of those that are written.
    std::uint64_t cache_bytes_per_token = 0;
    std::size_t prefill_tokens = 0;
    std::size_t before_tokens = 0;  ///< read before those that are written
    std::size_t decode_tokens = 0;
    double prefill_tokens_s = 0;
    double decode_tokens_s = 0;
    std::size_t together = 0;
    /// Bytes of weights and cache read per second in decode, divided by memory's reading speed,
    /// which is measured right before each run; the median over runs.
    double decode_ratio = 0;
    double together_tokens_s = 0;  ///< total of `together` sequences decoded as one batch

    /// Multiply-adds of the matrices, times two.
    double operations_per_token = 0;
};

/// What a model is asked to do. Token counts are limited by its context.
struct ModelWork {
    std::size_t prefill = 256;  ///< tokens, into an empty cache
    std::size_t before = 16;    ///< tokens of the prompt that decode follows
    std::size_t decode = 32;    ///< tokens generated after it
    std::size_t together = 16;  ///< sequences that decode as one batch
    model::KvType kv = model::KvType::kF32;
};

/// The model has a context of two tokens at least.
ModelSpeed measure_model(const tensor::Compute& compute, tensor::MemoryReader& memory,
                         const std::string& name, const model::Model& packed, const ModelWork& work,
                         const Effort& effort);

struct TrainingSpeed {
    std::string name;
    std::uint64_t parameters = 0;
    std::uint32_t context = 0;
    std::uint64_t tokens_per_step = 0;
    double tokens_s = 0;
    double operations_per_token = 0;  ///< forward and backward of the matrices
};

/// Whole optimiser steps: forward, backward, clipping, AdamW; fp32.
Result<TrainingSpeed> measure_training(const tensor::Compute& compute, const BenchShape& shape,
                                       const Effort& effort);

/// The bytes of memory that measure_training needs.
std::uint64_t training_memory(const BenchShape& shape);

}  // namespace cairn::measure
