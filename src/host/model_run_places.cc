// How answers come to a run, and leave it before they have ended.
#include <algorithm>
#include <utility>

#include "host/model_run.h"

namespace cairn::host {

namespace {

std::size_t whole_blocks(std::size_t tokens) {
    return tokens / PrefixCache::kBlock * PrefixCache::kBlock;
}

// Whole blocks that both begin with.
std::size_t shared_blocks(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
    const auto [end, unused] = std::ranges::mismatch(a, b);
    return whole_blocks(static_cast<std::size_t>(end - a.begin()));
}

// What a text may find in the cache: its last token is computed, as its logits are wanted.
std::span<const std::uint32_t> findable(std::span<const std::uint32_t> text) {
    return text.first(whole_blocks(text.size() - 1));
}

}  // namespace

bool ModelRun::has_place() const { return running() < bounds_.max_sequences; }

bool ModelRun::awaits(const TextJob& job) const {
    const TextJob::Awaited& awaited = job.awaited();
    if (awaited.writing == 0) return false;
    for (const Writing& writing : joining_)
        if (writing.number == awaited.writing) return writing.cache->length() < awaited.tokens;
    for (const auto& [id, writing] : running_)
        if (writing.number == awaited.writing)
            return engine_->view(id).cache->length() < awaited.tokens;
    return false;
}

bool ModelRun::finds_under_way(TextJob& job) {
    job.await({});
    if (!seams_.prefixes.keeps_any()) return false;
    const std::span<const std::uint32_t> wanted = findable(job.prompt());
    if (wanted.empty()) return false;
    const std::size_t known = prefix_.find(wanted);
    const auto computes = [&](const Writing& writing, std::size_t computed) {
        const std::size_t shared = shared_blocks(writing.answer.job()->prompt(), wanted);
        if (shared <= known || computed >= shared) return false;
        job.await({writing.number, shared});
        return true;
    };
    return std::ranges::any_of(joining_,
                               [&](const Writing& w) { return computes(w, w.cache->length()); }) ||
           std::ranges::any_of(running_, [&](const auto& entry) {
               return computes(entry.second, engine_->view(entry.first).cache->length());
           });
}

model::KvCache ModelRun::new_cache(const TextJob& job) const {
    const model::ModelConfig& config = model_->config();
    return {config, model::all_layers(config),
            infer::sequence_positions(model_->context(), job.prompt().size(), job.max_tokens()),
            bounds_.kv};
}

void ModelRun::join(const TextJobPtr& job, std::size_t answer) {
    const std::uint64_t now_us = seams_.clock.monotonic_us();
    Writing writing{Answer(job, answer, *model_), KvReservation(seams_.budget, answer_bytes(*job)),
                    job->prompt()};
    writing.entered = writing.text.size();
    writing.number = seams_.prefixes.next_use();
    writing.waited_us = now_us - job->arrived_us();
    writing.since_us = now_us;
    writing.cache = new_cache(*job);
    if (seams_.prefixes.keeps_any()) writing.known = prefix_.find(findable(writing.text));
    job->join();
    joining_.push_back(std::move(writing));
}

void ModelRun::join(const TextJobPtr& job, std::size_t answer, Paused paused) {
    const auto begun = [&]() -> Writing {
        if (paused.rows) {
            Paused::Rows& rows = *paused.rows;
            Writing writing{std::move(rows.answer), std::move(rows.memory), std::move(paused.text)};
            writing.cache = std::move(rows.cache);
            writing.kept = rows.kept;
            writing.worked_us = paused.worked_us;
            return writing;
        }
        Writing writing{Answer(job, answer, *model_),
                        KvReservation(seams_.budget, answer_bytes(*job)), std::move(paused.text)};
        writing.answer.replay(std::span(writing.text).subspan(job->prompt().size()));
        writing.cache = new_cache(*job);
        if (seams_.prefixes.keeps_any()) writing.known = prefix_.find(findable(writing.text));
        return writing;
    };
    Writing writing = begun();
    writing.entered = writing.text.size();
    writing.number = seams_.prefixes.next_use();
    writing.since_us = seams_.clock.monotonic_us();
    writing.evictions = paused.evictions;
    joining_.push_back(std::move(writing));
}

std::optional<infer::SequenceId> ModelRun::victim(const std::string& client) const {
    std::map<std::string_view, std::size_t> held;
    for (const Writing& writing : joining_) ++held[writing.client()];
    for (const auto& [id, writing] : running_) ++held[writing.client()];
    const std::size_t waiter_holds = held[client];
    const std::uint64_t now_us = seams_.clock.monotonic_us();
    std::optional<infer::SequenceId> found;
    std::pair<std::size_t, std::uint64_t> most{0, 0};  // places of its client, its time in its own
    for (const auto& [id, writing] : running_) {
        if (writing.client() == client) continue;
        const std::pair one{held[writing.client()], now_us - writing.since_us};
        if (!yields_place(one.first, waiter_holds, one.second)) continue;
        if (found && one <= most) continue;
        found = id;
        most = one;
    }
    return found;
}

ModelRun::Yielded ModelRun::pause(Running::iterator at, bool keeps_rows) {
    auto& [id, writing] = *at;
    remember(id, writing);
    const std::span<const std::uint32_t> text = engine_->view(id).text;
    Yielded yielded{writing.answer.job(), writing.answer.number(), {}};
    Paused& paused = yielded.paused;
    paused.text.assign(text.begin(), text.end());
    paused.run = token_;
    paused.version = model_->version();
    paused.evictions = writing.evictions;
    model::KvCache cache = engine_->take_out(id);
    if (keeps_rows) {
        paused.worked_us = writing.worked_us + seams_.clock.monotonic_us() - writing.since_us;
        paused.rows = std::make_unique<Paused::Rows>(
            Paused::Rows{std::move(writing.answer), std::move(cache), writing.kept,
                         std::move(writing.memory), rows_token_});
    } else {
        ++paused.evictions;
    }
    running_.erase(at);
    return yielded;
}

ModelRun::Yielded ModelRun::yield_to(const std::string& client) {
    const auto id = victim(client);
    CHECK(id.has_value());
    ++seams_.counters.yields;
    return pause(running_.find(*id), true);
}

std::vector<ModelRun::Holder> ModelRun::holders() const {
    const std::uint64_t now_us = seams_.clock.monotonic_us();
    std::vector<Holder> all;
    for (const auto& [id, writing] : running_)
        all.push_back({id,
                       &writing.client(),
                       {.bytes = writing.memory.bytes(),
                        .worked_us = writing.worked_us + now_us - writing.since_us,
                        .evictions = writing.evictions}});
    return all;
}

std::uint64_t ModelRun::bytes_of(const std::string& client) const {
    std::uint64_t bytes = 0;
    const auto add = [&](const Writing& writing) {
        if (writing.client() == client) bytes += writing.memory.bytes();
    };
    for (const Writing& writing : joining_) add(writing);
    for (const auto& [id, writing] : running_) add(writing);
    return bytes;
}

ModelRun::Yielded ModelRun::evict(infer::SequenceId id) {
    ++seams_.counters.evictions;
    const auto at = running_.find(id);
    CHECK(at != running_.end());
    return pause(at, false);
}

}  // namespace cairn::host
