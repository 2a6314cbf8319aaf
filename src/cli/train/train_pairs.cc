#include "cli/train/train_pairs.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/train/new_tokenizer.h"
#include "cli/train/pair_file.h"
#include "cli/train/train_options.h"
#include "cli/train/train_subject.h"
#include "formats/load.h"
#include "formats/tokenizer_file.h"

namespace cairn::cli {

namespace {

Status fresh_encoder_decoder(TrainStart& start, const std::vector<TextPair>& pairs,
                             const console::Interrupt& interrupt) {
    const TrainRequest& request = start.request;
    if (request.tokenizer.empty()) {
        std::vector<std::string_view> texts;
        for (const TextPair& pair : pairs) {
            texts.emplace_back(pair.source);
            texts.emplace_back(pair.target);
        }
        ASSIGN_OR_RETURN(start.tokenizer, new_tokenizer(request, texts, interrupt));
    } else {
        ASSIGN_OR_RETURN(start.tokenizer, formats::load_tokenizer(request.tokenizer));
    }
    const model::ModelConfig shape = fresh_config(request, start.tokenizer->vocab_size());
    const model::ModelConfig encoder = fresh_encoder(shape);
    start.config = fresh_decoder(shape);
    RETURN_IF_ERROR(model::validate(encoder));
    RETURN_IF_ERROR(model::validate(start.config));
    start.encoder_decoder.emplace(EncoderDecoderStart{
        model::EncoderDecoderLayout(encoder, start.config), {start.tokenizer->begin_token()}});
    start.parameters = model::initial_parameters(start.encoder_decoder->layout, request.seed);
    return ok_status();
}

Status encoder_decoder_from(TrainStart& start, const std::string& path) {
    ASSIGN_OR_RETURN(formats::LoadedModel loaded,
                     formats::load_any(path, formats::EncoderDecoders::kTaken));
    if (!loaded.encoder)
        return invalid(path +
                       " is no encoder-decoder, and --pairs trains one: name one with --init, "
                       "leave --init out for a fresh one, or learn a text with --text");
    ASSIGN_OR_RETURN(start.tokenizer,
                     formats::find_tokenizer(loaded, path, start.request.tokenizer));
    start.config = loaded.model.config;
    start.encoder_decoder.emplace(EncoderDecoderStart{
        model::EncoderDecoderLayout(loaded.encoder->encoder.config, loaded.model.config),
        loaded.encoder->begins});
    start.parameters = model::dense_parameters(start.encoder_decoder->layout,
                                               loaded.encoder->encoder, loaded.model);
    return ok_status();
}

Status resumed_encoder_decoder(TrainStart& start) {
    const train::RunState& state = *start.resumed;
    start.config = state.config;
    start.encoder_decoder.emplace(EncoderDecoderStart{
        model::EncoderDecoderLayout(state.encoder_decoder->encoder, state.config),
        state.encoder_decoder->begins});
    ASSIGN_OR_RETURN(start.tokenizer, text::parse_tokenizer(state.tokenizer));
    return ok_status();
}

}  // namespace

model::ModelConfig fresh_encoder(model::ModelConfig config) {
    config.causal = false;
    return config;
}

model::ModelConfig fresh_decoder(model::ModelConfig config) {
    config.cross_context = config.context;
    return config;
}

Status prepare_pairs(TrainStart& start, const console::Interrupt& interrupt) {
    const TrainRequest& request = start.request;
    ASSIGN_OR_RETURN(const std::vector<TextPair> pairs, read_pairs(request.options.texts));
    std::vector<TextPair> held_out;
    if (!request.options.valid.empty()) {
        ASSIGN_OR_RETURN(held_out, read_pairs({request.options.valid}));
    }
    if (start.resumed)
        RETURN_IF_ERROR(resumed_encoder_decoder(start));
    else if (request.init.empty())
        RETURN_IF_ERROR(fresh_encoder_decoder(start, pairs, interrupt));
    else
        RETURN_IF_ERROR(encoder_decoder_from(start, request.init));
    EncoderDecoderStart& both = *start.encoder_decoder;
    RETURN_IF_ERROR(train::validate(request.recipe, both.layout));
    start.tokenizer_file = start.tokenizer->serialise();
    const std::size_t most = request.recipe.context;
    PairFrame frame{both.begins, 0,
                    std::min<std::size_t>(most, both.layout.encoder().config().context),
                    std::min<std::size_t>(most, start.config.context)};
    ASSIGN_OR_RETURN(frame.end, end_of_text(*start.tokenizer));
    ASSIGN_OR_RETURN(both.pairs, encode_pairs(*start.tokenizer, frame, pairs));
    RETURN_IF_ERROR(check_pairs(both.pairs, both.layout, request.recipe.leaf_tokens));
    if (start.resumed && start.resumed->text_hash != text_hash(start))
        return invalid("the pairs are not those that " + request.resume +
                       " was learning; name the unchanged files with --pairs");
    if (held_out.empty()) return ok_status();
    ASSIGN_OR_RETURN(both.held_out, encode_pairs(*start.tokenizer, frame, held_out));
    return check_pairs(both.held_out, both.layout, request.recipe.leaf_tokens);
}

}  // namespace cairn::cli
