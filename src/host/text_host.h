// TextHost: models that many people ask at once, as the API of a model (openai) sees them. Whoever
// has models implements it: ModelHost (model_host.h) for those on this machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "infer/continuation.h"
#include "tensor/kv_type.h"
#include "tensor/state_type.h"
#include "text/chat.h"

namespace cairn::host {

/// Where a model stands. One that is kAsleep is loaded when somebody asks it.
enum class ModelState { kAsleep, kLoading, kReady, kFailed };
/// "asleep", "loading", "ready", "failed".
std::string_view model_state_name(ModelState state);

/// What is known of a model; numbers are 0 until it has been loaded once.
struct HostedModel {
    std::string id;  ///< what requests name it by
    ModelState state = ModelState::kAsleep;
    std::string problem;  ///< why it failed
    std::string format;
    std::int64_t created_s = 0;  ///< Unix time of its file
    std::uint64_t parameters = 0;
    std::uint64_t bytes = 0;  ///< of memory that its weights take
    std::size_t context = 0;
    /// Has a head and a tokenizer; before it was loaded, what its file's description says of the
    /// head, and true where that says nothing.
    bool writes = false;
    std::string chat_format;    ///< "plain" for one that was never trained on conversations
    bool over_servers = false;  ///< other machines compute its layers
    bool has_versions = false;  ///< its source has a newer one now and then
    /// Those in memory, as answers name them, newest first.
    std::vector<std::string> versions;
};

using Conversation = std::vector<text::ChatMessage>;
/// A conversation to answer, a text to continue, or the same as tokens.
using Prompt = std::variant<Conversation, std::string, text::Tokens>;

struct TextRequest {
    /// An id, or a version of it as answers name it (HostedModel::versions); empty: any.
    std::string model;
    Prompt prompt;
    /// max_tokens 0: as many as the context has room for.
    infer::GenerateOptions options{};
    std::vector<std::string> stops;
    /// Answers to the one prompt; answer k is sampled with seed + k.
    std::size_t answers = 1;
    std::string client;  ///< whose turn it is: those who ask share the machine equally
};

/// A sampled token as people see it. Bytes, since a token may be a part of a character.
struct TokenView {
    std::uint32_t token = 0;
    std::string bytes;
    float logprob = 0.0F;
};

struct TextPiece {
    std::size_t answer = 0;
    std::string text;  ///< may be empty: part of a character, or what may become a stop string
    /// The token that it came with, and the most probable ones, if they were asked for.
    std::optional<TokenView> token;
    std::vector<TokenView> top;
    std::size_t offset = 0;  ///< characters of the answer before it, with those that are held back
};

/// kCancelled: by cancel(), or since the host stops.
enum class AnswerEnd { kEndToken, kStopString, kMaxTokens, kContext, kCancelled };

struct AnswerDone {
    std::size_t answer = 0;
    AnswerEnd end = AnswerEnd::kEndToken;
    std::size_t tokens = 0;  ///< sampled, an end token among them
    /// Where other machines computed it: who did and what it took, as a JSON object. Else empty.
    std::string facts{};
};

struct PromptRead {
    std::string model;            ///< as it answers, which may say more than what was asked for
    std::size_t tokens = 0;       ///< of the prompt
    std::size_t cached = 0;       ///< of these, computed for an earlier request
    std::uint64_t waited_us = 0;  ///< for a place
    /// What decides its bits beside model and request: how keys and values, and states between
    /// machines, are rounded.
    tensor::KvType kv = tensor::KvType::kF32;
    tensor::StateType states = tensor::StateType::kF32;
};

/// Why a request failed, for an answer that a program can act on.
enum class HostErrorKind {
    kNoSuchModel,
    kNotReady,     ///< it is not there yet; ask again in a moment
    kModelFailed,  ///< it is there, but cannot be loaded or cannot do what is asked
    kTooLong,      ///< prompt, or prompt and answer, do not fit the context
    kInvalid,      ///< anything else that the asker can mend
    kFull,         ///< ask again later
    kInternal,
};
struct HostError {
    HostErrorKind kind = HostErrorKind::kInternal;
    std::string message;
    std::string field;  ///< of the request, where one is to blame: "model", "prompt", "stop"
};

/// Told how a request goes, on the host's thread; nothing here may block. After failed(), or the
/// last answer's done(), nothing more comes.
class TextListener {
  public:
    virtual ~TextListener() = default;
    virtual void read(const PromptRead& prompt) = 0;  ///< once, before the first piece
    virtual void piece(const TextPiece& piece) = 0;
    virtual void done(const AnswerDone& done) = 0;
    virtual void failed(const HostError& error) = 0;
};

struct VectorsRequest {
    std::string model;
    std::vector<std::variant<std::string, text::Tokens>> texts;
    std::string client;
};
struct Vectors {
    std::string model;
    std::vector<std::vector<float>> vectors;  ///< each of length 1
    std::size_t tokens = 0;                   ///< of all texts
};
using VectorsDone = std::function<void(std::variant<Vectors, HostError>)>;

using RequestId = std::uint64_t;

/// All functions may be called from any thread and return at once.
class TextHost {
  public:
    virtual ~TextHost() = default;
    /// In the order in which they were given; the first ready one answers requests that name none.
    virtual std::vector<HostedModel> models() const = 0;
    /// The listener may be told of a failure before this returns.
    virtual RequestId write(TextRequest request, std::shared_ptr<TextListener> listener) = 0;
    /// Frees the request's place; answers that go on end with kCancelled, and vectors come no more
    /// once it has been heeded. Unknown ids are nothing.
    virtual void cancel(RequestId id) = 0;
    /// `done` may be called before this returns, else on the host's thread.
    virtual RequestId embed(VectorsRequest request, VectorsDone done) = 0;
    /// Prometheus text lines of its own ("cairn_host_..."), with their HELP and TYPE.
    virtual std::string metrics() const = 0;
};

}  // namespace cairn::host
