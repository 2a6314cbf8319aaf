#include "cli/train/train_subject.h"

#include <fmt/format.h>

#include "base/files.h"
#include "cli/train/loss_bar.h"
#include "formats/checkpoint.h"
#include "formats/encoder_decoder_checkpoint.h"
#include "serve/model_snapshot.h"
#include "train/text_loss.h"

namespace cairn::cli {

std::uint64_t count_parameters(const TrainStart& start) {
    return start.encoder_decoder ? start.encoder_decoder->layout.size()
                                 : model::ParameterLayout(start.config).parameters();
}

std::string describe_model(const TrainStart& start) {
    if (!start.encoder_decoder) return model::describe(start.config);
    return fmt::format("encoder {}; decoder {}",
                       model::describe(start.encoder_decoder->layout.encoder().config()),
                       model::describe(start.config));
}

std::uint64_t text_tokens(const TrainStart& start) {
    return start.encoder_decoder ? start.encoder_decoder->pairs.tokens() : start.stream.size();
}

std::string describe_texts(const TrainStart& start) {
    const train::Recipe& recipe = start.request.recipe;
    if (!start.encoder_decoder)
        return fmt::format("{} tokens of text, {} per step", start.stream.size(),
                           recipe.tokens_per_step());
    return fmt::format(
        "{} pairs, {} tokens in all; a step has up to {} of sources and {} of targets",
        start.encoder_decoder->pairs.pairs.size(), start.encoder_decoder->pairs.tokens(),
        recipe.tokens_per_step(), recipe.tokens_per_step());
}

Hash256 text_hash(const TrainStart& start) {
    if (!start.encoder_decoder) return train::hash_tokens(start.stream);
    text::Tokens all;
    for (const train::PairSet::Pair& pair : start.encoder_decoder->pairs.pairs)
        for (const text::Tokens* side : {&pair.source, &pair.target}) {
            all.push_back(static_cast<std::uint32_t>(side->size()));
            all.insert(all.end(), side->begin(), side->end());
        }
    return train::hash_tokens(all);
}

std::vector<std::pair<std::string, Hash256>> content_hashes(const TrainStart& start,
                                                            std::span<const float> parameters) {
    if (!start.encoder_decoder)
        return {{"content_hash",
                 serve::content_hash(
                     start.config,
                     model::view_weights(model::ParameterLayout(start.config), parameters))}};
    const model::EncoderDecoderLayout& layout = start.encoder_decoder->layout;
    const model::EncoderDecoderWeights weights = model::view_weights(layout, parameters);
    return {
        {"content_hash", serve::content_hash(start.config, weights.decoder)},
        {"encoder_content_hash", serve::content_hash(layout.encoder().config(), weights.encoder)}};
}

std::unique_ptr<train::Trainer> make_trainer(const TrainStart& start,
                                             const tensor::Compute& compute) {
    const train::Recipe& recipe = start.request.recipe;
    if (!start.encoder_decoder)
        return std::make_unique<train::Trainer>(model::ParameterLayout(start.config), recipe,
                                                start.stream, start.request.seed, compute);
    return std::make_unique<train::Trainer>(
        train::pair_lessons(start.encoder_decoder->layout, recipe, start.encoder_decoder->pairs,
                            compute),
        recipe, start.request.seed, compute);
}

Status save_model(const TrainStart& start, std::span<const float> parameters) {
    std::vector<float> copy(parameters.begin(), parameters.end());
    const std::string path = follow_links(start.request.out);
    if (!start.encoder_decoder)
        return formats::save_checkpoint(
            model::make_model(start.config, std::move(copy), start.tokenizer_file), path);
    model::EncoderDecoderModels models = model::make_encoder_decoder(
        start.encoder_decoder->layout, std::move(copy), start.tokenizer_file);
    return formats::save_encoder_decoder_checkpoint(
        models.decoder, {std::move(models.encoder), start.encoder_decoder->begins}, path);
}

bool has_held_out(const TrainStart& start) {
    return start.encoder_decoder ? !start.encoder_decoder->held_out.pairs.empty()
                                 : !start.held_out.empty();
}

Result<std::unique_ptr<train::HeldOut>> make_held_out(const TrainStart& start,
                                                      const tensor::Compute& compute) {
    if (!has_held_out(start)) return std::unique_ptr<train::HeldOut>();
    const std::uint64_t most = start.request.options.valid_windows;
    if (start.encoder_decoder)
        return train::held_out_pairs(start.encoder_decoder->held_out, most,
                                     start.encoder_decoder->layout, compute);
    return train::held_out_windows(start.held_out, start.request.recipe.context, most,
                                   model::ParameterLayout(start.config), compute);
}

Result<double> final_loss(const TrainStart& start, std::span<const float> parameters,
                          const tensor::Compute& compute, const std::function<bool()>& stop) {
    if (start.encoder_decoder) {
        const train::PairSet& pairs = start.encoder_decoder->held_out;
        const auto loss =
            train::held_out_pairs(pairs, pairs.pairs.size(), start.encoder_decoder->layout, compute)
                ->loss(parameters, stop);
        if (!loss) return Error{ErrorCode::kCancelled, "measuring was interrupted"};
        return *loss;
    }
    const model::ParameterLayout layout(start.config);
    train::LossWatch watch = loss_bar();
    watch.stop = stop;
    ASSIGN_OR_RETURN(
        const std::int64_t sum,
        train::text_loss(layout, model::view_weights(layout, parameters), start.held_out,
                         start.request.recipe.context, compute, watch));
    return model::nats(sum, start.held_out.size() - 1);
}

}  // namespace cairn::cli
