// ReadyModel: a model in memory, ready to be asked, and what requests become for it: prompts as
// tokens, limits checked. It never changes, so that prompts are read on one thread while another
// writes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "host/model_source.h"
#include "host/text_host.h"
#include "model/pooling.h"
#include "model/weights.h"

namespace cairn::host {

template <typename T>
using OrHostError = std::variant<T, HostError>;

/// What whoever asks a model is told that cannot be loaded.
HostError model_failed(const std::string& why);

class ReadyModel {
  public:
    /// Packs the weights, which takes a while. `context` bounds the positions of a text, 0: as
    /// many as the model takes.
    ReadyModel(const std::string& id, OpenedModel opened, std::size_t context,
               const tensor::Compute& compute);

    const std::string& name() const { return name_; }        ///< what answers call it
    const std::string& version() const { return version_; }  ///< as OpenedModel's
    const std::string& format() const { return format_; }
    const model::ModelConfig& config() const { return model_.config; }
    const model::Weights& weights() const { return model_.weights; }
    model::Pooling pooling() const { return pooling_; }
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t parameters() const { return parameters_; }
    std::size_t context() const { return context_; }
    bool writes() const { return model_.config.has_head() && tokenizer_ != nullptr; }
    /// CHECKs that it has one.
    const text::Tokenizer& tokenizer() const;
    std::string chat_format() const { return chat_ ? std::string(chat_->name()) : std::string(); }

    struct PromptTokens {
        text::Tokens tokens;
        std::size_t max_tokens = 0;  ///< of an answer; as many as there is room for if none is said
    };
    /// The prompt as tokens, if it, the answer and the options are within their bounds.
    OrHostError<PromptTokens> read(const TextRequest& request) const;
    /// The texts of a request for vectors as tokens.
    OrHostError<std::vector<text::Tokens>> read(const VectorsRequest& request) const;

  private:
    OrHostError<text::Tokens> tokens_of(const Prompt& prompt) const;

    std::string name_;
    std::string version_;
    std::string format_;
    model::Model model_;
    std::shared_ptr<const text::Tokenizer> tokenizer_;
    std::string tokenizer_problem_;
    std::optional<text::ChatFormat> chat_;
    model::Pooling pooling_;
    std::uint64_t bytes_;
    std::uint64_t parameters_;
    std::size_t context_;
};

/// Whether what was begun with one goes on with the other: they are one, or of one known version.
inline bool same_model(const ReadyModel& a, const ReadyModel& b) {
    return &a == &b || (!a.version().empty() && a.version() == b.version());
}

}  // namespace cairn::host
