#include "host/answer.h"

#include <algorithm>
#include <utility>

namespace cairn::host {

Answer::Answer(TextJobPtr job, std::size_t number, const ReadyModel& model)
    : job_(std::move(job)),
      number_(number),
      model_(model),
      decoder_(model.tokenizer()),
      stops_(infer::StopStrings::create(job_->request().stops).value()),
      previous_(model.tokenizer().begin_token()) {
    // An answer begins a text of its own, but a continuation goes on with the prompt's: its first
    // word keeps the blank before it.
    if (job_->is_conversation()) return;
    previous_ = job_->prompt().back();
    decoder_.push(previous_);
}

infer::SequenceRequest Answer::sequence(text::Tokens text, model::KvType kv) const {
    infer::SequenceRequest sequence;
    sequence.options = job_->request().options;
    sequence.options.sampled_before = text.size() - job_->prompt().size();
    sequence.options.max_tokens = job_->max_tokens() - sequence.options.sampled_before;
    sequence.prompt = std::move(text);
    sequence.options.sampling.seed += number_;
    sequence.kv = kv;
    sequence.is_end = [&tokenizer = model_.tokenizer()](std::uint32_t token) {
        return tokenizer.is_end(token);
    };
    return sequence;
}

void Answer::replay(std::span<const std::uint32_t> written) {
    for (const std::uint32_t token : written) {
        (void)decode(token);
        previous_ = token;
    }
}

std::string Answer::decode(std::uint32_t token) {
    const std::string text = decoder_.push(token);
    // All bytes but those that continue a character.
    characters_ += static_cast<std::size_t>(std::ranges::count_if(
        text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
    return stops_.push(text);
}

TokenView Answer::view(std::uint32_t token, float logprob) const {
    std::string bytes = model_.tokenizer().piece(previous_, token);
    if (bytes.empty()) bytes = model_.tokenizer().name(token);  // a control token
    return {token, std::move(bytes), logprob};
}

bool Answer::take(const infer::GeneratedStep& step, std::uint64_t now_us) {
    job_->count(number_, now_us);
    if (model_.tokenizer().is_end(step.token)) return true;
    TextPiece piece;
    piece.answer = number_;
    piece.offset = characters_;
    piece.text = decode(step.token);
    const infer::GenerateOptions& options = job_->request().options;
    if (options.logprobs || options.top_logprobs > 0) {
        piece.token = view(step.token, step.logprob);
        for (const tensor::TokenLogprob& top : step.top)
            piece.top.push_back(view(top.id, top.logprob));
    }
    previous_ = step.token;
    if (piece.token || !piece.text.empty()) job_->piece(piece);
    return !stops_.stopped() && !job_->is_over();
}

void Answer::end(infer::StopReason reason, std::string facts) {
    if (!stops_.stopped()) {
        TextPiece rest;
        rest.answer = number_;
        rest.text = stops_.push(decoder_.finish());
        if (!stops_.stopped()) rest.text += stops_.finish();
        if (!rest.text.empty()) job_->piece(rest);
    }
    AnswerEnd end = AnswerEnd::kMaxTokens;
    if (stops_.stopped())
        end = AnswerEnd::kStopString;
    else if (reason == infer::StopReason::kEndToken)
        end = AnswerEnd::kEndToken;
    else if (reason == infer::StopReason::kContext || job_->request().options.max_tokens == 0)
        end = AnswerEnd::kContext;
    job_->done(number_, end, std::move(facts));
}

}  // namespace cairn::host
