#include "openai/text_answer.h"

#include <optional>
#include <utility>

#include <fmt/core.h>

#include "openai/api_error.h"
#include "openai/json_text.h"

namespace cairn::openai {

// What the host says of one prompt.
class TextAnswer::Listener final : public host::TextListener {
  public:
    Listener(std::shared_ptr<TextAnswer> answer, std::size_t prompt)
        : answer_(std::move(answer)), prompt_(prompt) {}
    void read(const host::PromptRead& prompt) override { answer_->on_read(prompt_, prompt); }
    void piece(const host::TextPiece& piece) override { answer_->on_piece(prompt_, piece); }
    void done(const host::AnswerDone& done) override { answer_->on_done(prompt_, done); }
    void failed(const host::HostError& error) override { answer_->on_failed(error); }

  private:
    std::shared_ptr<TextAnswer> answer_;
    std::size_t prompt_;
};

TextAnswer::TextAnswer(host::TextHost& host, TextAsk ask, AnswerHead head, std::string client,
                       std::unique_ptr<Exchange> exchange, std::weak_ptr<BodyDesk> desk)
    : host_(host),
      ask_(std::move(ask)),
      client_(std::move(client)),
      desk_(std::move(desk)),
      head_(std::move(head)),
      exchange_(std::move(exchange)) {
    exchange_->entry().model = ask_.model;
    choices_.assign(ask_.prompts.size() * ask_.answers,
                    Choice{{}, ChoiceLogprobs(ask_.form), {}, {}});
}

void TextAnswer::start(host::TextHost& host, TextAsk ask, AnswerHead head,
                       const std::string& client, std::unique_ptr<Exchange> exchange,
                       std::weak_ptr<BodyDesk> desk) {
    std::make_shared<TextAnswer>(host, std::move(ask), std::move(head), client, std::move(exchange),
                                 std::move(desk))
        ->ask_host();
}

void TextAnswer::ask_host() {
    {
        MutexLock lock(mutex_);
        exchange_->on_gone([self = shared_from_this()] { self->on_gone(); });
    }
    for (std::size_t i = 0; i < ask_.prompts.size(); ++i) {
        const host::RequestId id = host_.write(
            {ask_.model, ask_.prompts[i], ask_.options, ask_.stops, ask_.answers, client_},
            std::make_shared<Listener>(shared_from_this(), i));
        {
            MutexLock lock(mutex_);
            asked_.push_back(id);
            if (exchange_) continue;
        }
        return cancel({id});  // it is over already: the asker has left, or another prompt failed
    }
}

void TextAnswer::on_read(std::size_t prompt, const host::PromptRead& read) {
    MutexLock lock(mutex_);
    if (!exchange_) return;
    head_.model = read.model;
    head_.kv = read.kv;
    head_.states = read.states;
    usage_.prompt_tokens += read.tokens;
    usage_.cached_tokens += read.cached;
    JournalEntry& entry = exchange_->entry();
    entry.model = read.model;
    entry.prompt_tokens += read.tokens;
    entry.cached_tokens += read.cached;
    entry.waited_us = std::max(entry.waited_us, read.waited_us);
    if (ask_.stream && !std::exchange(begun_, true)) exchange_->begin_events();
    for (std::size_t k = 0; k < ask_.answers; ++k) {
        const std::size_t index = prompt * ask_.answers + k;
        if (ask_.stream && ask_.form == Form::kChat)
            exchange_->event(role_event(head_, index, ask_.include_usage));
        if (ask_.echo)
            add_text(index, {k, std::get<std::string>(ask_.prompts[prompt]), std::nullopt, {}, 0});
    }
}

void TextAnswer::on_piece(std::size_t prompt, const host::TextPiece& piece) {
    std::vector<host::RequestId> left;
    {
        MutexLock lock(mutex_);
        if (!exchange_) return;
        exchange_->first_piece();
        add_text(prompt * ask_.answers + piece.answer, piece);
        left = bound_held();
    }
    cancel(left);
}

void TextAnswer::add_text(std::size_t index, const host::TextPiece& piece) {
    CHECK(index < choices_.size());
    Choice& choice = choices_[index];
    const bool logprobs = piece.token && ask_.options.logprobs;
    if (!ask_.stream) {
        const std::size_t before = choice.logprobs.bytes();
        if (logprobs) choice.logprobs.add(*piece.token, piece.top, piece.offset);
        choice.text += piece.text;
        held_ += choice.logprobs.bytes() - before + piece.text.size();
    } else if (logprobs) {
        ChoiceLogprobs one(ask_.form);
        one.add(*piece.token, piece.top, piece.offset);
        exchange_->event(text_event(head_, index, piece.text, &one, ask_.include_usage));
    } else if (!piece.text.empty()) {
        exchange_->event(text_event(head_, index, piece.text, nullptr, ask_.include_usage));
    }
}

std::vector<host::RequestId> TextAnswer::bound_held() {
    if (held_ <= kMaxHeldBytes) return {};
    fail(bad_field("stream", fmt::format("the answer has more than {} MiB, too many for one piece; "
                                         "ask for it with stream: true, or for fewer tokens",
                                         kMaxHeldBytes >> 20)));
    return over();
}

void TextAnswer::on_done(std::size_t prompt, const host::AnswerDone& done) {
    std::vector<host::RequestId> left;
    std::optional<std::size_t> whole_bytes;
    {
        MutexLock lock(mutex_);
        if (!exchange_) return;
        const std::size_t index = prompt * ask_.answers + done.answer;
        CHECK(index < choices_.size() && !choices_[index].end);
        if (done.end == host::AnswerEnd::kCancelled) {
            fail({503, "the server is stopping", "", "stopping", 0});
            left = over();
        } else {
            choices_[index].end = done.end;
            choices_[index].facts = done.facts;
            usage_.completion_tokens += done.tokens;
            exchange_->entry().completion_tokens += done.tokens;
            if (ask_.stream)
                exchange_->event(end_event(head_, index, done.end, done.facts, ask_.include_usage));
            if (++ended_ == choices_.size()) {
                if (ask_.stream)
                    end_events();
                else
                    whole_bytes = held_;
            }
        }
    }
    cancel(left);
    if (whole_bytes)
        put_together_at(desk_, client_, *whole_bytes,
                        [self = shared_from_this()] { self->put_together(); });
}

void TextAnswer::on_failed(const host::HostError& error) {
    const ApiError shown = of_host(error, host_, ask_.model);
    std::vector<host::RequestId> left;
    {
        MutexLock lock(mutex_);
        if (!exchange_) return;
        fail(shown);
        left = over();
    }
    cancel(left);
}

void TextAnswer::on_gone() {
    std::vector<host::RequestId> left;
    {
        MutexLock lock(mutex_);
        if (!exchange_) return;
        exchange_->left();
        left = over();
    }
    cancel(left);
}

void TextAnswer::fail(const ApiError& error) {
    exchange_->entry().problem = error.message;
    if (!begun_) return exchange_->send(error_response(error));
    exchange_->event("data: " + error_json(error) + "\n\n");
    exchange_->end_events();
}

void TextAnswer::end_events() {
    if (ask_.include_usage) exchange_->event(usage_event(head_, usage_));
    exchange_->event(kLastEvent);
    exchange_->end_events();
    (void)over();
}

void TextAnswer::put_together() {
    std::vector<Choice> ended;
    AnswerHead head;
    Usage usage;
    {
        MutexLock lock(mutex_);
        if (!exchange_) return;  // the asker has left
        ended.swap(choices_);
        head = head_;
        usage = usage_;
    }
    std::vector<std::string> choices;
    for (std::size_t i = 0; i < ended.size(); ++i) {
        const Choice choice = std::move(ended[i]);
        choices.push_back(whole_choice(ask_.form, i, choice.text, *choice.end,
                                       ask_.options.logprobs ? &choice.logprobs : nullptr,
                                       choice.facts));
    }
    std::string json = whole_answer(head, std::move(choices), usage);
    MutexLock lock(mutex_);
    if (!exchange_) return;
    exchange_->send({200, "application/json", std::move(json)});
    (void)over();
}

std::vector<host::RequestId> TextAnswer::over() {
    exchange_.reset();
    choices_.clear();
    return std::exchange(asked_, {});
}

void TextAnswer::cancel(const std::vector<host::RequestId>& ids) {
    for (const host::RequestId id : ids) host_.cancel(id);
}

}  // namespace cairn::openai
