#include "host/text_job.h"

#include <algorithm>
#include <utility>

namespace cairn::host {

std::size_t bytes_of(const Prompt& prompt) {
    if (const auto* text = std::get_if<std::string>(&prompt)) return text->size();
    if (const auto* tokens = std::get_if<text::Tokens>(&prompt))
        return tokens->size() * sizeof(std::uint32_t);
    std::size_t bytes = 0;
    for (const text::ChatMessage& message : std::get<Conversation>(prompt))
        bytes += message.content.size();
    return bytes;
}

TextJob::TextJob(RequestId id, TextRequest request, std::shared_ptr<TextListener> listener,
                 std::size_t model, std::string version, std::uint64_t arrived_us,
                 HostCounters& counters)
    : id_(id),
      request_(std::move(request)),
      listener_(std::move(listener)),
      model_(model),
      version_(std::move(version)),
      arrived_us_(arrived_us),
      prompt_bytes_(bytes_of(request_.prompt)),
      counters_(counters),
      tokens_(request_.answers),
      ended_(request_.answers) {}

void TextJob::set_prompt(text::Tokens prompt, std::size_t max_tokens, const std::string& version) {
    read_by_ = version;
    prompt_ = std::move(prompt);
    max_tokens_ = max_tokens;
    awaited_ = {};
}

void TextJob::read(const PromptRead& prompt) {
    if (over_ || std::exchange(was_read_, true)) return;
    counters_.prompt_tokens += prompt.tokens;
    counters_.cached_tokens += prompt.cached;
    listener_->read(prompt);
}

void TextJob::piece(const TextPiece& piece) {
    if (!over_ && !ended_[piece.answer]) listener_->piece(piece);
}

void TextJob::count(std::size_t answer, std::uint64_t now_us) {
    if (!std::exchange(has_begun_, true)) counters_.first_token.add_us(now_us - arrived_us_);
    ++tokens_[answer];
    ++counters_.written_tokens;
}

void TextJob::done(std::size_t answer, AnswerEnd end, std::string facts) {
    if (over_ || ended_[answer]) return;
    ended_[answer] = true;
    const bool last = std::ranges::count(ended_, false) == 0;
    if (last) over_ = true;
    if (last) ++counters_.texts[static_cast<std::size_t>(Outcome::kDone)];
    listener_->done({answer, end, tokens_[answer], std::move(facts)});
}

void TextJob::fail(const HostError& error) {
    if (std::exchange(over_, true)) return;
    ++counters_.texts[static_cast<std::size_t>(was_read_ ? Outcome::kFailed : Outcome::kRefused)];
    listener_->failed(error);
}

void TextJob::cancel() {
    if (std::exchange(over_, true)) return;
    ++counters_.texts[static_cast<std::size_t>(Outcome::kCancelled)];
    for (std::size_t answer = 0; answer < ended_.size(); ++answer)
        if (!ended_[answer]) listener_->done({answer, AnswerEnd::kCancelled, tokens_[answer], {}});
}

}  // namespace cairn::host
