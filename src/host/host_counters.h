// HostCounters: what a host counts of its work, for people who watch it (Prometheus). Written by
// the host's threads, read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace cairn::host {

/// How a request ended. kRefused: before it got a place.
enum class Outcome : std::size_t { kDone, kCancelled, kFailed, kRefused };
inline constexpr std::size_t kOutcomes = 4;

/// Seconds, counted in buckets as Prometheus has them.
class SecondsHistogram {
  public:
    void add_us(std::uint64_t us);
    /// The lines of a metric of this name: _bucket, _sum, _count.
    std::string text(const std::string& name) const;

  private:
    static constexpr std::array<double, 9> kBounds{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
    std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
    std::atomic<std::uint64_t> sum_us_ = 0;
};

struct HostCounters {
    using Count = std::atomic<std::uint64_t>;

    std::array<Count, kOutcomes> texts{};    ///< requests to write, by Outcome
    std::array<Count, kOutcomes> vectors{};  ///< requests for vectors, by Outcome
    Count prompt_tokens = 0;                 ///< of prompts, read or found
    Count cached_tokens = 0;                 ///< of these, found in the prefix cache
    Count written_tokens = 0;
    Count drafted_tokens = 0;   ///< guessed ahead
    Count accepted_tokens = 0;  ///< of these, those that came true
    Count vector_tokens = 0;
    Count steps = 0;    ///< batches computed
    Count step_us = 0;  ///< time that they took
    Count loads = 0;    ///< models loaded
    Count load_errors = 0;
    Count unloads = 0;               ///< models that made room for others
    Count yields = 0;                ///< places that answers gave up to others
    Count evictions = 0;             ///< the same with their memory
    SecondsHistogram first_token{};  ///< from the request to the answer's first token

    // As it is now.
    Count waiting = 0;  ///< requests without a place
    Count running = 0;  ///< sequences in batches
    Count weight_bytes = 0;
    Count kv_bytes = 0;      ///< reserved for running sequences
    Count prefix_bytes = 0;  ///< of the prefix cache
    Count memory_limit_bytes = 0;

    /// Prometheus text: HELP, TYPE and the values, "cairn_host_...".
    std::string text() const;
};

}  // namespace cairn::host
