#include "host/model_run.h"

#include <algorithm>
#include <utility>

namespace cairn::host {

namespace {

// Bytes of known rows that are copied between two steps, so that a long prompt that is known stalls
// nobody.
constexpr std::uint64_t kFillBytes = std::uint64_t{16} << 20;
// What a step with prompts should take: beside texts that decode (or three times a step without
// prompts, if that is more), and without any. Fewer rows than the least cost more each.
constexpr double kStepBeside_us = 50'000;
constexpr double kStepAlone_us = 250'000;
constexpr double kLeastSlice = 16;
constexpr double kFirstSlice = 32;
// Rows of a step up to which guesses join it. A step of 8 rows takes 1.1 to 1.5 times that of one
// (docs/benchmarks.md); from there on each row costs what it computes.
constexpr std::size_t kDraftRows = 8;

}  // namespace

std::uint64_t run_scratch_bytes(const model::ModelConfig& config, std::size_t context,
                                const RunBounds& bounds) {
    if (!config.has_head()) return 0;
    const std::uint64_t rows = bounds.max_sequences + bounds.prefill_rows;
    const std::uint64_t per_row = 3ULL * config.dim + 2ULL * config.q_dim() +
                                  2ULL * config.kv_dim() + 2ULL * config.hidden_dim;
    const std::uint64_t per_sequence = std::uint64_t{config.dim} + config.vocab;
    const std::uint64_t per_position =
        config.positions == model::PositionKind::kSinusoidal ? config.dim : config.head_dim();
    return sizeof(float) *
           (rows * per_row + std::max(bounds.max_sequences, kDraftRows) * per_sequence +
            context * per_position);
}

ModelRun::ModelRun(std::shared_ptr<const ReadyModel> model, const RunBounds& bounds,
                   const RunSeams& seams)
    : model_(std::move(model)),
      bounds_(bounds),
      seams_(seams),
      bytes_(model_->bytes() + run_scratch_bytes(model_->config(), model_->context(), bounds)),
      guessed_for_(seams.drafting != nullptr && seams.drafting->guesses_for(*model_)),
      prefix_(model_->config(), bounds.kv, seams.prefixes),
      slice_beside_(std::min<double>(kFirstSlice, static_cast<double>(bounds.prefill_rows))),
      slice_alone_(static_cast<double>(bounds.prefill_rows)) {
    seams_.prefixes.add(prefix_);
    const model::ModelConfig& config = model_->config();
    if (!config.has_head()) return;
    transformer_ = std::make_unique<model::Transformer>(
        config, model_->weights(), model::all_layers(config), seams_.compute,
        model::TransformerBounds{.max_batch = bounds.max_sequences + bounds.prefill_rows,
                                 .max_positions = model_->context()});
    engine_ = std::make_unique<infer::BatchEngine>(
        *transformer_, seams_.compute,
        infer::BatchBounds{.max_sequences = bounds.max_sequences,
                           .prefill_slice = bounds.prefill_rows,
                           .draft_rows = guessed_for_ ? kDraftRows : 0,
                           .draft_tokens = guessed_for_ ? seams_.drafting->tokens() : 0});
}

ModelRun::~ModelRun() { seams_.prefixes.remove(prefix_); }

std::uint64_t ModelRun::answer_bytes(const TextJob& job) const {
    const model::ModelConfig& config = model_->config();
    const std::size_t positions =
        infer::sequence_positions(model_->context(), job.prompt().size(), job.max_tokens());
    return model::kv_cache_bytes(config, model::all_layers(config), positions, bounds_.kv) +
           (guessed_for_ ? seams_.drafting->text_bytes(positions) : 0);
}

std::size_t ModelRun::open_answer(std::size_t prompt) const {
    const model::ModelConfig& config = model_->config();
    const std::uint64_t position =
        model::kv_cache_bytes(config, model::all_layers(config), 1, bounds_.kv) +
        (guessed_for_ ? seams_.drafting->text_bytes(1) : 0);
    const std::uint64_t memory = seams_.budget.limit - std::min(seams_.budget.limit, bytes_);
    const std::uint64_t all = memory / position;
    const std::uint64_t wanted = std::max(all / bounds_.max_sequences, prompt + kOpenAnswer);
    const std::uint64_t positions = std::min<std::uint64_t>({wanted, all, model_->context()});
    return std::max<std::size_t>(positions - std::min<std::uint64_t>(positions, prompt), 1);
}

// Copies a bounded amount; those that have all that is known enter the batch.
void ModelRun::fill_joining() {
    std::uint64_t left = std::max(kFillBytes, prefix_.block_bytes());
    for (auto at = joining_.begin(); at != joining_.end();) {
        const std::span<const std::uint32_t> prompt = at->text;
        while (at->cache->length() < at->known && left >= prefix_.block_bytes()) {
            left -= prefix_.block_bytes();
            if (!prefix_.fill(prompt, *at->cache)) at->known = at->cache->length();
        }
        if (at->cache->length() < at->known) return;
        enter(*at);
        at = joining_.erase(at);
    }
}

void ModelRun::enter(Writing& writing) {
    const TextJobPtr job = writing.answer.job();
    writing.kept = std::max(writing.kept, writing.known);
    infer::SequenceRequest sequence =
        writing.answer.sequence(std::exchange(writing.text, {}), bounds_.kv);
    if (guessed_for_)
        sequence.drafter =
            seams_.drafting->drafter(sequence.options.sampling, writing.cache->capacity());
    sequence.known = std::move(writing.cache);
    writing.cache.reset();
    const auto id = engine_->add(std::move(sequence));
    if (!id.ok()) {
        job->fail({HostErrorKind::kInternal, id.error().message, ""});
        ended_ = true;
        return;
    }
    job->read({model_->name(), job->prompt().size(), writing.known, writing.waited_us, bounds_.kv});
    running_.emplace(*id, std::move(writing));
}

void ModelRun::remember(infer::SequenceId id, Writing& writing) {
    if (!seams_.prefixes.keeps_any()) return;
    const infer::SequenceView view = engine_->view(id);
    while (writing.kept + PrefixCache::kBlock <= view.cache->length()) {
        writing.kept += PrefixCache::kBlock;
        prefix_.remember(view.text.first(writing.kept), *view.cache);
    }
}

bool ModelRun::on_event(const infer::BatchEvent& event) {
    const auto at = running_.find(event.id);
    if (at == running_.end()) return false;
    Writing& writing = at->second;
    if (!event.ended) return writing.answer.take(*event.step, seams_.clock.monotonic_us());
    remember(event.id, writing);
    if (event.error)
        writing.answer.job()->fail({HostErrorKind::kInternal, event.error->message, ""});
    else
        writing.answer.end(event.reason);
    running_.erase(at);
    ended_ = true;
    return false;
}

ModelRun::Ahead ModelRun::ahead() const {
    Ahead ahead;
    for (const auto& [id, writing] : running_) {
        const infer::SequenceView view = engine_->view(id);
        ahead.prompt_rows += view.text.size() - view.cache->length() - 1;
        if (view.text.size() > writing.entered) ahead.decoding = true;
    }
    return ahead;
}

std::size_t ModelRun::slice_for(const Ahead& ahead) const {
    return static_cast<std::size_t>(ahead.decoding ? slice_beside_ : slice_alone_);
}

// More rows make a prompt faster; fewer let those who read an answer, or come or go, wait less.
void ModelRun::learn_slice(const Ahead& ahead, std::uint64_t step_us) {
    const double us = std::max(1.0, static_cast<double>(step_us));
    if (ahead.prompt_rows == 0) {
        decode_us_ = decode_us_ == 0 ? us : 0.8 * decode_us_ + 0.2 * us;
        return;
    }
    double& slice = ahead.decoding ? slice_beside_ : slice_alone_;
    const double wanted = ahead.decoding ? std::max(kStepBeside_us, 3 * decode_us_) : kStepAlone_us;
    double change = std::clamp(wanted / us, 0.5, 1.25);
    if (ahead.prompt_rows < slice_for(ahead)) change = std::min(change, 1.0);
    const auto most = static_cast<double>(bounds_.prefill_rows);
    slice = std::clamp(slice * change, std::min(kLeastSlice, most), most);
}

void ModelRun::count_drafts() {
    const infer::DraftCount all = engine_->drafts();
    seams_.counters.drafted_tokens += all.drafted - counted_.drafted;
    seams_.counters.accepted_tokens += all.accepted - counted_.accepted;
    counted_ = all;
}

bool ModelRun::step() {
    ended_ = false;
    fill_joining();
    if (running_.empty()) return ended_;
    const Ahead now = ahead();
    engine_->set_prefill_slice(slice_for(now));
    const std::uint64_t began = seams_.clock.monotonic_us();
    engine_->step([this](const infer::BatchEvent& event) { return on_event(event); });
    const std::uint64_t took = seams_.clock.monotonic_us() - began;
    ++seams_.counters.steps;
    seams_.counters.step_us += took;
    learn_slice(now, took);
    count_drafts();
    for (auto& [id, writing] : running_) remember(id, writing);
    if (ended_) drop_over();
    return ended_;
}

void ModelRun::drop_over() {
    const auto over = [](const Writing& writing) { return writing.answer.job()->is_over(); };
    std::erase_if(joining_, over);
    std::erase_if(running_, [&](const auto& entry) {
        if (!over(entry.second)) return false;
        engine_->remove(entry.first);
        return true;
    });
}

}  // namespace cairn::host
