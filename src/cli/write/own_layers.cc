#include "cli/write/own_layers.h"

namespace cairn::cli {

namespace {

model::Encoder encoder_for(const LocalModel& local, const tensor::Compute& compute,
                           const text::Tokens& tokens) {
    const model::Model& half = local.encoder->encoder;
    return {half.config, half.weights, compute, tokens.size()};
}

}  // namespace

text::Tokens first_tokens(const LocalModel& local, const std::string& prompt) {
    return local.encoder ? local.encoder->begins : local.tokenizer->encode_prompt(prompt);
}

text::Tokens shown_tokens(const LocalModel& local, const std::string& prompt) {
    return local.encoder ? text::Tokens() : local.tokenizer->encode(prompt);
}

OwnLayers::OwnLayers(const LocalModel& local, const tensor::Compute& compute, std::size_t positions,
                     const SamplingOptions& sampling)
    : transformer_(local.model.config, local.model.weights, model::all_layers(local.model.config),
                   compute, {.max_positions = positions}),
      cache_(local.model.config, model::all_layers(local.model.config), positions, sampling.kv) {}

Result<text::Tokens> source_tokens(const LocalModel& local, const std::string& prompt) {
    text::Tokens tokens = local.tokenizer->encode_whole(prompt);
    const std::uint32_t most = local.encoder->encoder.config.context;
    if (tokens.size() > most)
        return invalid("the prompt has " + std::to_string(tokens.size()) +
                       " tokens, the model's encoder takes " + std::to_string(most));
    return tokens;
}

Result<std::vector<float>> source_states(const LocalModel& local, const tensor::Compute& compute,
                                         const std::string& prompt, tensor::StateType states) {
    if (!local.encoder) return std::vector<float>();
    ASSIGN_OR_RETURN(const text::Tokens tokens, source_tokens(local, prompt));
    return encoder_for(local, compute, tokens).encode(tokens, states);
}

Status OwnLayers::read(const LocalModel& local, const tensor::Compute& compute,
                       const std::string& prompt, const SamplingOptions& sampling) {
    ASSIGN_OR_RETURN(const text::Tokens tokens, source_tokens(local, prompt));
    model::Encoder encoder = encoder_for(local, compute, tokens);
    ASSIGN_OR_RETURN(
        source_, model::read_source(encoder, transformer_, tokens, sampling.kv, sampling.states));
    return ok_status();
}

Result<std::unique_ptr<OwnLayers>> OwnLayers::create(const LocalModel& local,
                                                     const tensor::Compute& compute,
                                                     const std::string& prompt,
                                                     std::size_t positions,
                                                     const SamplingOptions& sampling) {
    std::unique_ptr<OwnLayers> own(new OwnLayers(local, compute, positions, sampling));
    if (local.encoder) RETURN_IF_ERROR(own->read(local, compute, prompt, sampling));
    own->layers_.emplace(own->transformer_, own->cache_, sampling.states,
                         own->source_ ? &*own->source_ : nullptr);
    return own;
}

}  // namespace cairn::cli
