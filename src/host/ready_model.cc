#include "host/ready_model.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "infer/stop_strings.h"
#include "model/embed.h"

namespace cairn::host {

namespace {

HostError too_long(std::string message, std::string field) {
    return {HostErrorKind::kTooLong, std::move(message), std::move(field)};
}

HostError invalid_field(std::string message, std::string field) {
    return {HostErrorKind::kInvalid, std::move(message), std::move(field)};
}

}  // namespace

HostError model_failed(const std::string& why) {
    return {HostErrorKind::kModelFailed, "the model cannot be loaded: " + why, "model"};
}

ReadyModel::ReadyModel(const std::string& id, OpenedModel opened, std::size_t context,
                       const tensor::Compute& compute)
    : name_(opened.answers_as.empty() ? id : opened.answers_as),
      version_(std::move(opened.version)),
      format_(std::move(opened.loaded.format)),
      model_(model::pack_model(compute, opened.loaded.model)),
      tokenizer_(std::move(opened.tokenizer)),
      tokenizer_problem_(std::move(opened.tokenizer_problem)),
      pooling_(opened.loaded.pooling.value_or(model::default_pooling(model_.config))),
      bytes_(model::packed_model_bytes(model_)),
      parameters_(model_.layout().parameters()),
      context_(model_.config.context) {
    if (context != 0) context_ = std::min(context_, context);
    if (tokenizer_ != nullptr) chat_ = text::ChatFormat::choose(*tokenizer_);
}

const text::Tokenizer& ReadyModel::tokenizer() const {
    CHECK(tokenizer_ != nullptr);
    return *tokenizer_;
}

OrHostError<text::Tokens> ReadyModel::tokens_of(const Prompt& prompt) const {
    if (const auto* tokens = std::get_if<text::Tokens>(&prompt)) return *tokens;
    if (const auto* text = std::get_if<std::string>(&prompt))
        return tokenizer_->encode_prompt(*text);
    auto tokens = chat_->prompt(*tokenizer_, std::get<Conversation>(prompt));
    if (!tokens.ok()) return invalid_field(tokens.error().message, "messages");
    return std::move(*tokens);
}

OrHostError<ReadyModel::PromptTokens> ReadyModel::read(const TextRequest& request) const {
    if (!model_.config.has_head())
        return HostError{HostErrorKind::kModelFailed,
                         name_ + " is an encoder: it makes vectors of texts and writes none",
                         "model"};
    if (tokenizer_ == nullptr)
        return HostError{HostErrorKind::kModelFailed,
                         name_ + " has no tokenizer: " + tokenizer_problem_, "model"};
    if (const Status options = infer::validate(request.options, model_.config); !options.ok())
        return invalid_field(options.error().message, "");
    if (const auto stops = infer::StopStrings::create(request.stops); !stops.ok())
        return invalid_field(stops.error().message, "stop");
    auto found = tokens_of(request.prompt);
    if (auto* error = std::get_if<HostError>(&found)) return std::move(*error);
    PromptTokens prompt{std::move(std::get<text::Tokens>(found)), request.options.max_tokens};
    const std::size_t length = prompt.tokens.size();
    if (length >= context_)
        return too_long(fmt::format("the prompt has {} tokens; {} remembers {}, the answer among "
                                    "them",
                                    length, name_, context_),
                        "prompt");
    if (const Status fits = infer::check_prompt(model_.config, prompt.tokens); !fits.ok())
        return invalid_field(fits.error().message, "prompt");
    if (prompt.max_tokens > context_ - length)
        return too_long(fmt::format("the prompt has {} tokens and the answer may have {}; {} "
                                    "remembers {}",
                                    length, prompt.max_tokens, name_, context_),
                        "max_tokens");
    if (prompt.max_tokens == 0) prompt.max_tokens = context_ - length;
    return prompt;
}

OrHostError<std::vector<text::Tokens>> ReadyModel::read(const VectorsRequest& request) const {
    std::vector<text::Tokens> all;
    for (const auto& text : request.texts) {
        if (const auto* tokens = std::get_if<text::Tokens>(&text))
            all.push_back(*tokens);
        else if (tokenizer_ != nullptr)
            all.push_back(tokenizer_->encode_whole(std::get<std::string>(text)));
        else
            return HostError{HostErrorKind::kModelFailed,
                             name_ + " has no tokenizer: " + tokenizer_problem_, "model"};
        const text::Tokens& tokens = all.back();
        if (tokens.empty()) return invalid_field("a text is empty", "input");
        if (tokens.size() > context_)
            return too_long(fmt::format("text {} has {} tokens, {} takes {}", all.size(),
                                        tokens.size(), name_, context_),
                            "input");
        if (const Status known = model::check_tokens(model_.config, tokens); !known.ok())
            return invalid_field(known.error().message, "input");
    }
    return all;
}

}  // namespace cairn::host
