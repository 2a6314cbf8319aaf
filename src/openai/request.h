// What a request's body asks for: read strictly, so that whatever would change the answer is either
// done or refused by name. Sizes are bounded here; what depends on the model (its context, its
// vocabulary) is the host's to judge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/text_host.h"
#include "openai/api_error.h"

namespace cairn::openai {

inline constexpr std::size_t kMaxBodyBytes = std::size_t{8} << 20;
/// Objects, lists and keys in a body: they take longer to read than texts and numbers do.
inline constexpr std::size_t kMaxBodyParts = std::size_t{1} << 17;
inline constexpr std::size_t kMaxMessages = 4096;
inline constexpr std::size_t kMaxContentParts = 1024;  ///< of one message
inline constexpr std::size_t kMaxPrompts = 64;
inline constexpr std::size_t kMaxAnswers = 16;  ///< to one prompt
inline constexpr std::size_t kMaxChoices = 128;
inline constexpr std::size_t kMaxTexts = 2048;  ///< to make vectors of
/// Of an answer in one piece, which is kept until it is whole: the half of what a client of this
/// program reads.
inline constexpr std::size_t kMaxHeldBytes = std::size_t{32} << 20;
/// Tokens and their alternatives in one: some 60 bytes each, up to 128 in most vocabularies.
inline constexpr std::size_t kMaxHeldLogprobs = kMaxHeldBytes / 128;
/// Of prompts that a stream gives back, as events: they come at once, however quick the reader is.
inline constexpr std::size_t kMaxStreamedEcho = http::Reply::kMaxUnsentBytes / 2;
inline constexpr std::size_t kMaxTopLogprobs = 20;
inline constexpr std::size_t kMaxLegacyLogprobs = 5;
inline constexpr std::size_t kUsualCompletionTokens = 16;

/// /v1/chat/completions and /v1/completions differ in how they are asked and written.
enum class Form { kChat, kCompletion };

struct TextAsk {
    Form form = Form::kChat;
    std::string model;  ///< empty: none was named
    /// One for a chat. Choice k of the answer is answer k % answers to prompt k / answers.
    std::vector<host::Prompt> prompts;
    /// Without a seed of the asker's; then `seeded` is false.
    infer::GenerateOptions options{};
    bool seeded = false;
    std::vector<std::string> stops;
    std::size_t answers = 1;
    bool stream = false;
    bool include_usage = false;  ///< in a stream
    bool echo = false;           ///< the prompt, which is a text, before the answer
};

struct VectorsAsk {
    std::string model;
    std::vector<std::variant<std::string, text::Tokens>> texts;
    bool base64 = false;
    std::optional<std::size_t> dimensions;  ///< that the vectors must have
};

Checked<TextAsk> read_chat(std::string_view body);
Checked<TextAsk> read_completion(std::string_view body);
Checked<VectorsAsk> read_embeddings(std::string_view body);

}  // namespace cairn::openai
