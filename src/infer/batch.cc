#include "infer/batch.h"

#include <algorithm>

#include <fmt/core.h>

namespace cairn::infer {

std::size_t sequence_positions(std::size_t room, std::size_t prompt, std::size_t max_tokens) {
    return std::min(room, prompt + std::min(max_tokens, room));
}

BatchEngine::BatchEngine(model::Transformer& model, const tensor::Compute& compute,
                         const BatchBounds& bounds)
    : model_(model), compute_(compute), bounds_(bounds) {
    const model::ModelConfig& config = model.config();
    CHECK(bounds.max_sequences >= 1 && bounds.max_sequences <= model.max_batch());
    CHECK(bounds.prefill_slice >= 1 && config.has_head());
    CHECK(model.range() == model::all_layers(config));
    sequences_.reserve(bounds.max_sequences);
    segments_.reserve(bounds.max_sequences);
    hidden_.resize(model.max_batch() * config.dim);
    bounds_.draft_rows = std::min(bounds.draft_rows, model.max_batch());
    const std::size_t most = std::max(bounds_.max_sequences, bounds_.draft_rows);
    last_.resize(most * config.dim);
    logits_.resize(most * config.vocab);
}

Result<SequenceId> BatchEngine::add(SequenceRequest request) {
    const model::ModelConfig& config = model_.config();
    RETURN_IF_ERROR(check_prompt(config, request.prompt));
    if (config.crosses())
        return Error{ErrorCode::kUnsupported,
                     "an encoder-decoder writes one text at a time, not many together"};
    RETURN_IF_ERROR(validate(request.options, config));
    const std::size_t positions = sequence_positions(model_.max_positions(), request.prompt.size(),
                                                     request.options.max_tokens);
    if (request.prompt.size() > positions)
        return invalid(fmt::format("the prompt has {} tokens, there is room for {}",
                                   request.prompt.size(), positions));
    if (sequences_.size() == bounds_.max_sequences)
        return Error{ErrorCode::kFull,
                     fmt::format("all {} sequences are taken", bounds_.max_sequences)};
    Continuation text(config, request.prompt, std::move(request.options),
                      std::move(request.is_end));
    if (text.is_done()) return invalid("a sequence of no tokens has no place in a batch");
    if (request.known) {
        CHECK(request.known->type() == request.kv && request.known->capacity() >= positions);
        CHECK(request.known->length() < request.prompt.size());
    } else {
        request.known.emplace(config, model::all_layers(config), positions, request.kv);
    }
    const SequenceId id = next_id_++;
    sequences_.push_back(std::make_unique<Sequence>(
        Sequence{id, std::move(text), std::move(*request.known), std::move(request.drafter),
                 DraftPace(bounds_.draft_tokens)}));
    return id;
}

SequenceView BatchEngine::view(SequenceId id) const {
    const auto at = std::ranges::find(sequences_, id, [](const auto& s) { return s->id; });
    CHECK(at != sequences_.end());
    return {(*at)->text.text(), &(*at)->cache};
}

void BatchEngine::set_prefill_slice(std::size_t rows) {
    CHECK(rows >= 1);
    bounds_.prefill_slice = rows;
}

bool BatchEngine::remove(SequenceId id) {
    return std::erase_if(sequences_, [id](const auto& s) { return s->id == id; }) > 0;
}

model::KvCache BatchEngine::take_out(SequenceId id) {
    const auto at = std::ranges::find(sequences_, id, [](const auto& s) { return s->id; });
    CHECK(at != sequences_.end());
    model::KvCache cache = std::move((*at)->cache);
    sequences_.erase(at);
    return cache;
}

// One row of each sequence first, so that a long prompt holds nobody up. Then more of the prompts:
// half of what is left for the oldest, so that it gets done, the rest for the shortest, so that a
// short one does not wait for all long ones before it.
void BatchEngine::share_rows() {
    std::size_t spare = std::min(bounds_.prefill_slice, model_.max_batch() - sequences_.size());
    const auto give = [](Sequence& sequence, std::size_t& rows) {
        const std::size_t more = std::min(rows, sequence.waiting() - sequence.rows);
        sequence.rows += more;
        rows -= more;
    };
    for (const auto& sequence : sequences_) sequence->rows = 1;
    std::size_t oldest = (spare + 1) / 2;
    spare -= oldest;
    for (const auto& sequence : sequences_) give(*sequence, oldest);
    spare += oldest;
    while (spare > 0) {
        Sequence* shortest = nullptr;
        for (const auto& sequence : sequences_)
            if (sequence->waiting() > sequence->rows &&
                (shortest == nullptr ||
                 sequence->waiting() - sequence->rows < shortest->waiting() - shortest->rows))
                shortest = sequence.get();
        if (shortest == nullptr) return;
        give(*shortest, spare);
    }
}

// Guesses for all who have somebody to guess for them, alike. Beside prompts a step is bound by
// arithmetic already, and so it is where many decode: there a guess costs what it may bring.
void BatchEngine::share_guesses() {
    for (const auto& sequence : sequences_) sequence->guesses.clear();
    if (sequences_.size() >= bounds_.draft_rows) return;
    std::size_t guessed_for = 0;
    for (const auto& sequence : sequences_) {
        if (sequence->waiting() > 1) return;
        if (sequence->drafter != nullptr && sequence->pace.next() > 0) ++guessed_for;
    }
    std::size_t spare = bounds_.draft_rows - sequences_.size();
    for (const auto& sequence : sequences_) {
        if (sequence->drafter == nullptr || sequence->pace.next() == 0) continue;
        guess(*sequence, (spare + guessed_for - 1) / guessed_for);
        --guessed_for;
        spare -= sequence->guesses.size();
        sequence->rows += sequence->guesses.size();
    }
}

void BatchEngine::guess(Sequence& sequence, std::size_t most) {
    const Continuation& text = sequence.text;
    const std::size_t answer = text.options().max_tokens - text.sampled().size() - 1;
    const std::size_t room = sequence.cache.capacity() - text.text().size();
    most = std::min({most, sequence.pace.next(), answer, room});
    if (most == 0) return;
    sequence.guesses = sequence.drafter->draft(text.text(), most);
    const auto unknown = std::ranges::find_if(
        sequence.guesses, [&](std::uint32_t token) { return token >= model_.config().vocab; });
    sequence.guesses.erase(unknown, sequence.guesses.end());
}

// Gives the number of rows.
std::size_t BatchEngine::gather() {
    const std::size_t dim = model_.config().dim;
    share_rows();
    share_guesses();
    segments_.clear();
    std::size_t at = 0;
    const auto embed = [&](std::span<const std::uint32_t> tokens, std::size_t position) {
        model_.embed(tokens, position, std::span(hidden_).subspan(at * dim, tokens.size() * dim));
        at += tokens.size();
    };
    for (const auto& sequence : sequences_) {
        const std::size_t first = sequence->cache.length();
        const std::size_t known = sequence->rows - sequence->guesses.size();
        embed(sequence->text.text().subspan(first, known), first);
        if (!sequence->guesses.empty()) embed(sequence->guesses, first + known);
        segments_.push_back({&sequence->cache, sequence->rows});
    }
    return at;
}

void BatchEngine::step(const BatchCallback& callback) {
    if (sequences_.empty()) return;
    const std::size_t dim = model_.config().dim;
    const std::size_t vocab = model_.config().vocab;
    const std::size_t rows = gather();
    for (const auto& sequence : sequences_)
        sequence->sampled_rows =
            sequence->rows < sequence->waiting() ? 0 : 1 + sequence->guesses.size();
    model_.forward_segments(std::span(hidden_).first(rows * dim), segments_);

    std::size_t ready = 0;
    std::size_t at = 0;
    for (const auto& sequence : sequences_) {
        at += sequence->rows;
        std::copy_n(hidden_.data() + (at - sequence->sampled_rows) * dim,
                    sequence->sampled_rows * dim, last_.data() + ready * dim);
        ready += sequence->sampled_rows;
    }
    if (ready == 0) return;
    model_.head(std::span(last_).first(ready * dim), std::span(logits_).first(ready * vocab));

    std::size_t row = 0;
    for (const auto& sequence : sequences_) {
        const std::size_t count = sequence->sampled_rows;
        if (count > 0)
            take(*sequence, std::span(logits_).subspan(row * vocab, count * vocab), callback);
        row += count;
    }
    std::erase_if(sequences_, [](const auto& sequence) { return sequence->ended; });
}

// Row after row, as long as the next one was computed behind the token that is sampled here; what
// was guessed wrong is forgotten before anybody is told.
void BatchEngine::take(Sequence& sequence, std::span<const float> logits,
                       const BatchCallback& callback) {
    const std::size_t vocab = model_.config().vocab;
    const std::size_t rows = sequence.sampled_rows;
    sequence.cache.truncate(sequence.cache.length() - rows);
    std::size_t taken = 0;
    do {
        sequence.cache.advance(1);
        sample(sequence, logits.subspan(taken++ * vocab, vocab), callback);
    } while (!sequence.ended && taken < rows &&
             sequence.text.text().back() == sequence.guesses[taken - 1]);
    sequence.pace.learn(rows - 1, taken - 1);
    drafts_.drafted += rows - 1;
    drafts_.accepted += taken - 1;
}

void BatchEngine::sample(Sequence& sequence, std::span<const float> logits,
                         const BatchCallback& callback) {
    BatchEvent event;
    event.id = sequence.id;
    const auto on_step = [&](const GeneratedStep& step) {
        event.step = &step;
        const bool go_on = !callback || callback(event);
        event.step = nullptr;
        return go_on;
    };
    const Result<bool> taken = sequence.text.take(compute_, logits, std::ref(on_step));
    if (taken.ok() && *taken) {
        // Shorter than the context where the model was given less room.
        if (sequence.cache.length() < sequence.cache.capacity()) return;
        event.reason = StopReason::kContext;
    } else if (taken.ok()) {
        event.reason = sequence.text.reason();
    } else {
        event.error = taken.error();
    }
    sequence.ended = event.ended = true;
    if (callback) callback(event);
}

}  // namespace cairn::infer
