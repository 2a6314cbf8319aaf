#include "serve/audit_text.h"

#include <algorithm>
#include <utility>

#include "infer/generate.h"
#include "model/encoder.h"
#include "model/encoder_decoder.h"
#include "serve/source_reader.h"

namespace cairn::serve {

namespace {

/// Steps of one row in an audit of a decoder with cross attention: each takes a trip.
constexpr std::size_t kMostWritten = 128;
constexpr std::size_t kUsualAnswer = 80;
/// One text of so many has a second prompt, if it has as many rows.
constexpr std::uint64_t kTwoTurns = 8;
/// As whoever writes may have it; 0 is what commands do unless told otherwise.
constexpr float kTemperatures[] = {0.0F, 0.0F, 0.7F, 1.0F};

}  // namespace

std::optional<model::KvCache> seen_source(model::Transformer& layers, std::span<const float> source,
                                          tensor::KvType kv) {
    if (source.empty() || layers.range().size() == 0) return std::nullopt;
    std::optional<model::KvCache> cache(std::in_place, layers.config(), layers.range(),
                                        source.size() / layers.config().dim, kv);
    layers.read_source(source, *cache);
    return cache;
}

TextBounds text_bounds(const text::Tokenizer& tokenizer) {
    return {tokenizer.begin_token(), tokenizer.adds_begin(),
            tokenizer.end_token().value_or(tokenizer.begin_token())};
}

AuditText take_spare(AuditText* spare, const AuditTextLimits& limits) {
    const std::size_t most = std::size_t{limits.max_prompt} + limits.max_steps;
    if (spare == nullptr || spare->tokens.size() > most) return {};
    return std::exchange(*spare, {});
}

AuditTexts::AuditTexts(const ModelSnapshot& model, const tensor::Compute& compute, Random& random,
                       const Clock& clock, const std::optional<TextBounds>& bounds,
                       const AuditTextLimits& limits)
    : model_(model),
      compute_(compute),
      random_(random),
      clock_(clock),
      bounds_(bounds),
      limits_(limits) {
    CHECK(limits_.max_prompt > 0);
    if (bounds_ && bounds_->begin >= model_.config.vocab) bounds_.reset();
}

Result<std::vector<float>> AuditTexts::encoded(std::span<const std::uint32_t> tokens) {
    const model::Model& half = model_.encoder->encoder;
    model::Encoder encoder(half.config, half.weights, compute_, tokens.size());
    return encoder.encode(tokens);
}

std::size_t AuditTexts::most_rows(std::span<const std::uint32_t> text) const {
    const std::size_t most = std::min<std::size_t>(
        std::size_t{limits_.max_prompt} + limits_.max_steps, model_.config.context);
    return text.empty() ? most : std::min(most, text.size());
}

Result<std::vector<float>> AuditTexts::draw_source(std::span<const std::uint32_t> text) {
    if (!model_.config.crosses()) return std::vector<float>();
    if (!model_.encoder)
        return Error{ErrorCode::kUnsupported,
                     "an encoder-decoder is audited with its encoder, which is not here"};
    const std::size_t most = most_rows(text);
    if (most < 2) return invalid("the text is too short to audit with");
    const std::uint32_t any[] = {static_cast<std::uint32_t>(random_.below(model_.config.vocab))};
    AuditText asked;
    ASSIGN_OR_RETURN(asked.source, encoded(any));
    RETURN_IF_ERROR(add_prompt(asked, text, 2 + random_.below(most - 1)));
    std::vector<std::uint32_t> tokens = model_.encoder->before;
    const std::vector<std::uint32_t>& behind = model_.encoder->behind;
    const std::size_t around = tokens.size() + behind.size();
    const std::size_t room =
        model_.config.cross_context - std::min<std::size_t>(around, model_.config.cross_context);
    tokens.insert(
        tokens.end(), asked.tokens.begin(),
        asked.tokens.begin() + static_cast<std::ptrdiff_t>(std::min(asked.tokens.size(), room)));
    tokens.insert(tokens.end(), behind.begin(), behind.end());
    tokens.resize(std::min<std::size_t>(tokens.size(), model_.config.cross_context));
    return encoded(tokens);
}

Status AuditTexts::add_written(AuditText& made, std::size_t rows, float temperature) {
    if (rows == 0) return ok_status();
    const std::uint64_t began_us = clock_.monotonic_us();
    const std::size_t before = made.tokens.size();
    const std::size_t end = std::min<std::size_t>(before + rows, model_.config.context);
    const model::LayerRange all = model::all_layers(model_.config);
    model::Transformer transformer(model_.config, model_.weights, all, compute_,
                                   {.max_batch = before, .max_positions = end});
    model::KvCache cache(model_.config, all, end);
    const auto other = seen_source(transformer, made.source, tensor::KvType::kF32);
    infer::LocalLayers layers(transformer, cache, tensor::StateType::kF32,
                              other ? &*other : nullptr);
    infer::GenerateOptions options;
    options.sampling.temperature = temperature;
    options.sampling.seed = random_.u64();
    options.max_tokens = rows;
    options.prefill_batch = before;
    const auto is_end = [this](std::uint32_t token) { return bounds_ && token == bounds_->end; };
    std::uint64_t first_us = 0;
    ASSIGN_OR_RETURN(
        const infer::Generated more,
        infer::generate(compute_, transformer, layers, made.tokens, options, is_end,
                        [&](const infer::GeneratedStep& step) {
                            const std::uint64_t now_us = clock_.monotonic_us();
                            if (step.index == 0) first_us = now_us;
                            // Of the first one alone it is not known.
                            made.step_us = step.index > 0 ? static_cast<double>(now_us - first_us) /
                                                                static_cast<double>(step.index)
                                                          : static_cast<double>(now_us - began_us) /
                                                                static_cast<double>(before);
                            return now_us - began_us < limits_.write_ms * 1000;
                        }));
    made.tokens.insert(made.tokens.end(), more.tokens.begin(), more.tokens.end());
    return ok_status();
}

Status AuditTexts::add_prompt(AuditText& made, std::span<const std::uint32_t> text,
                              std::size_t rows) {
    if (!text.empty()) {
        const std::size_t end = made.tokens.size() + rows;
        if (made.tokens.empty() && bounds_ && bounds_->is_put)
            made.tokens.push_back(bounds_->begin);
        const std::size_t more = std::min(end - made.tokens.size(), text.size());
        const auto window = text.subspan(random_.below(text.size() - more + 1), more);
        made.tokens.insert(made.tokens.end(), window.begin(), window.end());
        return ok_status();
    }
    if (!made.tokens.empty()) return add_written(made, rows, 1);
    // A model that saw texts begin behind a token that nobody puts there writes what follows it.
    const bool is_taken_off = bounds_ && !bounds_->is_put;
    made.tokens.push_back(bounds_ ? bounds_->begin
                                  : static_cast<std::uint32_t>(random_.below(model_.config.vocab)));
    RETURN_IF_ERROR(add_written(made, rows - (is_taken_off ? 0 : 1), 1));
    if (is_taken_off && made.tokens.size() > 1) made.tokens.erase(made.tokens.begin());
    return ok_status();
}

// Every text of the decoder begins with the same few tokens, and all others are written, one by
// one.
Result<AuditText> AuditTexts::draw_for_source(std::vector<float> source) {
    const std::vector<std::uint32_t>& begins = model_.encoder->begins;
    RETURN_IF_ERROR(model::check_begins(begins, model_.config));
    std::size_t most = std::min(most_rows({}), begins.size() + kMostWritten);
    most = std::max(most, begins.size());
    const std::size_t steps = most - begins.size();
    AuditText made;
    made.tokens = begins;
    made.source = std::move(source);
    RETURN_IF_ERROR(add_written(made, steps == 0 ? 0 : 1 + random_.below(steps), 1));
    made.turns = {{begins.size(), made.tokens.size() - begins.size()}};
    return made;
}

Result<AuditText> AuditTexts::draw(std::span<const std::uint32_t> text) {
    ASSIGN_OR_RETURN(std::vector<float> source, draw_source(text));
    if (model_.config.crosses()) return draw_for_source(std::move(source));
    const std::size_t most = most_rows(text);
    if (most < 2) return invalid("the text is too short to audit with");
    const std::size_t rows = 2 + random_.below(most - 1);
    const bool has_two = rows >= kTwoTurns && random_.below(kTwoTurns) == 0;
    const std::size_t first = has_two ? rows / 2 : rows;
    AuditText made;
    for (const std::size_t of_turn : {first, rows - first}) {
        if (of_turn == 0) continue;
        // A turn has one row of a prompt at least. Of a long one the most are a prompt's, mostly:
        // who lies to what is written alone, or late in a text, is found as well.
        const bool is_all = random_.below(2) == 0;
        const std::size_t steps = random_.below(is_all ? of_turn : std::min(of_turn, kUsualAnswer));
        const std::size_t before = made.tokens.size();
        RETURN_IF_ERROR(add_prompt(made, text, of_turn - steps));
        const std::size_t prompt = made.tokens.size() - before;
        RETURN_IF_ERROR(
            add_written(made, steps, kTemperatures[random_.below(std::size(kTemperatures))]));
        made.turns.push_back({prompt, made.tokens.size() - before - prompt});
    }
    return made;
}

}  // namespace cairn::serve
