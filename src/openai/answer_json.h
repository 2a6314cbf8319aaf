// Answers as JSON of OpenAI's shapes: the objects of chats and completions, whole or as events of a
// stream, models and vectors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/text_host.h"
#include "openai/request.h"

namespace cairn::openai {

/// What all objects of one answer begin with.
struct AnswerHead {
    Form form = Form::kChat;
    std::string id;
    std::int64_t created_s = 0;  ///< Unix time
    std::string model;
    tensor::KvType kv = tensor::KvType::kF32;  ///< as host::PromptRead has them
    tensor::StateType states = tensor::StateType::kF32;
};

struct Usage {
    std::size_t prompt_tokens = 0;
    std::size_t cached_tokens = 0;  ///< of these
    std::size_t completion_tokens = 0;
};

/// "stop" or "length".
std::string finish_reason(host::AnswerEnd end);

/// The log-probabilities of a choice, or of a piece of it. Each token becomes JSON when it comes,
/// so that a long answer holds no more than its text, and is soon put together.
class ChoiceLogprobs {
  public:
    explicit ChoiceLogprobs(Form form) : form_(form) {}
    /// `offset`: characters of the text before the token.
    void add(const host::TokenView& token, const std::vector<host::TokenView>& top,
             std::size_t offset);
    /// That are held.
    std::size_t bytes() const;
    std::string json() const;

  private:
    Form form_;
    // The elements of each list, with commas between them. A chat has one list.
    std::string tokens_;
    std::string logprobs_;
    std::string tops_;
    std::string offsets_;
};

/// A choice of a whole answer, as JSON; `logprobs` may be null. `facts` as host::AnswerDone has
/// them: the choice's "cairn".
std::string whole_choice(Form form, std::size_t index, const std::string& text, host::AnswerEnd end,
                         const ChoiceLogprobs* logprobs, const std::string& facts);
std::string whole_answer(const AnswerHead& head, std::vector<std::string> choices,
                         const Usage& usage);

/// Events of a stream. With `usage_follows` they say that the usage is not known yet.
std::string role_event(const AnswerHead& head, std::size_t index, bool usage_follows);
std::string text_event(const AnswerHead& head, std::size_t index, const std::string& text,
                       const ChoiceLogprobs* logprobs, bool usage_follows);
std::string end_event(const AnswerHead& head, std::size_t index, host::AnswerEnd end,
                      const std::string& facts, bool usage_follows);
std::string usage_event(const AnswerHead& head, const Usage& usage);

std::string model_json(const host::HostedModel& model);
std::string models_json(const std::vector<host::HostedModel>& models);
std::string vectors_json(const host::Vectors& vectors, bool base64);

}  // namespace cairn::openai
