// HostOptions: what a host may take, and whom it serves at once.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "host/drafting.h"
#include "host/model_source.h"
#include "model/kv_cache.h"

namespace cairn::host {

struct HostOptions {
    /// At least one; their ids differ. model_files() makes them from paths.
    std::vector<std::unique_ptr<ModelSource>> models{};
    std::size_t threads = 0;  ///< that compute; 0: one per processor
    std::uint64_t memory_bytes =
        0;  ///< of weights, keys and values; 0: what is free, less a reserve
    /// Of these, what prompts computed before may take; a quarter, at most 1 GiB, unless
    /// said. 0: none are kept.
    std::uint64_t prefix_bytes = ~std::uint64_t{0};
    std::size_t max_sequences = 16;  ///< answers of one model at once, at most kMaxSequences
    std::size_t max_waiting = 256;  ///< requests without a place, at most half of them one client's
    std::size_t prefill_rows = 256;          ///< of prompts in one step, at most
    std::size_t context = 0;                 ///< bounds prompt and answer; 0: the model's own
    model::KvType kv = model::KvType::kF32;  ///< decides bits
    DraftChoice draft{};                     ///< who guesses ahead; decides no bit
    const Clock* clock = nullptr;            ///< outlives the host; null: the system's
};

inline constexpr std::size_t kMaxSequences = 1024;
inline constexpr std::size_t kMaxPrefillRows = 4096;
inline constexpr std::size_t kMaxWaiting = 65536;
/// Answers to one request, texts of one, and stop strings (infer/stop_strings.h) are bounded too.
inline constexpr std::size_t kMaxAnswers = 128;
inline constexpr std::size_t kMaxTexts = 2048;

}  // namespace cairn::host
