#include "host/host_counters.h"

#include <string_view>

#include <fmt/core.h>

namespace cairn::host {

namespace {

void add_head(std::string& out, std::string_view name, std::string_view type,
              std::string_view help) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void add_outcomes(std::string& out, std::string_view name, std::string_view help,
                  const std::array<HostCounters::Count, kOutcomes>& counts) {
    constexpr std::array<std::string_view, kOutcomes> kNames{"done", "cancelled", "failed",
                                                             "refused"};
    add_head(out, name, "counter", help);
    for (std::size_t i = 0; i < kOutcomes; ++i)
        out += fmt::format("{}{{outcome=\"{}\"}} {}\n", name, kNames[i], counts[i].load());
}

}  // namespace

void SecondsHistogram::add_us(std::uint64_t us) {
    const double seconds = static_cast<double>(us) / 1e6;
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
    counts_[bucket].fetch_add(1);
    sum_us_.fetch_add(us);
}

std::string SecondsHistogram::text(const std::string& name) const {
    std::string out;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
        below += counts_[i].load();
        out += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, kBounds[i], below);
    }
    below += counts_.back().load();
    out += fmt::format("{}_bucket{{le=\"+Inf\"}} {}\n", name, below);
    out += fmt::format("{}_sum {}\n", name, static_cast<double>(sum_us_.load()) / 1e6);
    out += fmt::format("{}_count {}\n", name, below);
    return out;
}

std::string HostCounters::text() const {
    std::string out;
    const auto one = [&](std::string_view name, std::string_view type, std::string_view help,
                         const Count& value) {
        add_head(out, name, type, help);
        out += fmt::format("{} {}\n", name, value.load());
    };
    add_outcomes(out, "cairn_host_requests_total", "Requests to write text, by how they ended.",
                 texts);
    add_outcomes(out, "cairn_host_vector_requests_total", "Requests for vectors of texts.",
                 vectors);
    one("cairn_host_prompt_tokens_total", "counter", "Tokens of prompts.", prompt_tokens);
    one("cairn_host_cached_tokens_total", "counter", "Tokens of prompts computed before.",
        cached_tokens);
    one("cairn_host_written_tokens_total", "counter", "Tokens written.", written_tokens);
    one("cairn_host_drafted_tokens_total", "counter", "Tokens guessed ahead.", drafted_tokens);
    one("cairn_host_accepted_tokens_total", "counter", "Guesses that came true.", accepted_tokens);
    one("cairn_host_vector_tokens_total", "counter", "Tokens of texts made vectors.",
        vector_tokens);
    one("cairn_host_steps_total", "counter", "Batches computed.", steps);
    add_head(out, "cairn_host_step_seconds_total", "counter", "Time spent computing batches.");
    out += fmt::format("cairn_host_step_seconds_total {}\n",
                       static_cast<double>(step_us.load()) / 1e6);
    one("cairn_host_loads_total", "counter", "Models loaded.", loads);
    one("cairn_host_load_errors_total", "counter", "Models that could not be loaded.", load_errors);
    one("cairn_host_unloads_total", "counter", "Models that made room for others.", unloads);
    one("cairn_host_yields_total", "counter", "Places that answers gave up to others for a while.",
        yields);
    one("cairn_host_evictions_total", "counter", "Answers that gave up place and memory.",
        evictions);
    add_head(out, "cairn_host_first_token_seconds", "histogram",
             "From the request to the first token.");
    out += first_token.text("cairn_host_first_token_seconds");
    one("cairn_host_waiting", "gauge", "Requests without a place.", waiting);
    one("cairn_host_running", "gauge", "Texts being written.", running);
    one("cairn_host_weight_bytes", "gauge", "Memory of weights.", weight_bytes);
    one("cairn_host_kv_bytes", "gauge", "Memory reserved for keys and values.", kv_bytes);
    one("cairn_host_prefix_bytes", "gauge", "Memory of prompts computed before.", prefix_bytes);
    one("cairn_host_memory_limit_bytes", "gauge", "What all of it may take.", memory_limit_bytes);
    return out;
}

}  // namespace cairn::host
