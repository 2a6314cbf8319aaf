// `cairn model verify`.
#include <algorithm>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/local_model.h"
#include "cli/models/model_command.h"
#include "console/json_line.h"
#include "formats/compare.h"
#include "serve/model_snapshot.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kComparedTokens = 16;
constexpr std::size_t kListedTensors = 8;

constexpr const char* kSample =
    "The quick brown fox, 1234567 times: \"na\xC3\xAFve\" \xE2\x82\xAC 3.14\n\n  two  blanks\tand "
    "a tab; \xF0\x9F\x8F\x94.";

// Checks that the tokenizer restores a text, and that the model knows all its ids.
Status check_tokenizer(const text::Tokenizer& tokenizer, const model::ModelConfig& config) {
    const text::Tokens tokens = tokenizer.encode(kSample);
    for (const std::uint32_t token : tokens)
        if (token >= config.vocab) return invalid("the tokenizer makes tokens beyond the model's");
    const std::string back = tokenizer.decode(tokens);
    if (back == kSample) return ok_status();
    if (tokenizer.is_lossless())
        return invalid("the tokenizer does not give a text back as it was");
    // A lossy tokenizer must lose nothing more the second time.
    if (tokenizer.decode(tokenizer.encode(back)) != back)
        return invalid("the tokenizer does not give its own text back as it was");
    return ok_status();
}

// Tokens spread over the vocabulary: no tokenizer is needed to compare models.
text::Tokens spread_tokens(const model::ModelConfig& config) {
    text::Tokens tokens(std::min<std::size_t>(kComparedTokens, config.context));
    for (std::size_t i = 0; i < tokens.size(); ++i)
        tokens[i] = static_cast<std::uint32_t>((i * 7919 + 1) % config.vocab);
    return tokens;
}

struct Comparison {
    std::vector<formats::TensorDifference> tensors;
    std::optional<formats::LogitDifference> logits;  // not of encoder-decoders
    bool same() const {
        return std::all_of(tensors.begin(), tensors.end(),
                           [](const auto& tensor) { return tensor.same_bytes; });
    }
};

nlohmann::json comparison_json(const Comparison& comparison) {
    nlohmann::json tensors = nlohmann::json::array();
    for (const auto& tensor : comparison.tensors)
        tensors.push_back({{"name", tensor.name},
                           {"same", tensor.same_bytes},
                           {"largest", tensor.largest},
                           {"rms", tensor.root_mean_square}});
    nlohmann::json object = {{"same", comparison.same()}, {"tensors", tensors}};
    if (comparison.logits)
        object["logits"] = {{"positions", comparison.logits->positions},
                            {"same_bits", comparison.logits->same_bits},
                            {"largest", comparison.logits->largest},
                            {"same_choice", comparison.logits->same_choice}};
    return object;
}

void print_comparison(Comparison comparison, std::ostream& out) {
    std::vector<formats::TensorDifference>& tensors = comparison.tensors;
    const auto same = std::count_if(tensors.begin(), tensors.end(),
                                    [](const auto& tensor) { return tensor.same_bytes; });
    out << fmt::format("tensors      {} of {} are the same bit for bit\n", same, tensors.size());
    std::stable_sort(tensors.begin(), tensors.end(),
                     [](const auto& a, const auto& b) { return a.largest > b.largest; });
    for (std::size_t i = 0; i < std::min(tensors.size(), kListedTensors); ++i) {
        if (tensors[i].same_bytes) continue;
        out << fmt::format("  {:26} differs by at most {:.3g}, rms {:.3g}\n", tensors[i].name,
                           tensors[i].largest, tensors[i].root_mean_square);
    }
    if (!comparison.logits) return;
    const formats::LogitDifference& logits = *comparison.logits;
    if (logits.same_bits)
        out << fmt::format("logits       the same bits at {} positions\n", logits.positions);
    else
        out << fmt::format("logits       differ by at most {:.3g}; the same choice at {} of {}\n",
                           logits.largest, logits.same_choice, logits.positions);
}

// Both halves, tensor by tensor.
Result<Comparison> compare_encoder_decoders(const formats::LoadedModel& loaded,
                                            const formats::LoadedModel& other) {
    Comparison comparison;
    const auto add = [&](const char* half, const model::Model& a, const model::Model& b) -> Status {
        ASSIGN_OR_RETURN(auto tensors, formats::compare_tensors(a, b));
        for (auto& tensor : tensors) tensor.name = half + tensor.name;
        comparison.tensors.insert(comparison.tensors.end(), tensors.begin(), tensors.end());
        return ok_status();
    };
    RETURN_IF_ERROR(add("encoder.", loaded.encoder->encoder, other.encoder->encoder));
    RETURN_IF_ERROR(add("decoder.", loaded.model, other.model));
    return comparison;
}

Result<Comparison> compare(const ModelRequest& request, const formats::LoadedModel& loaded) {
    ASSIGN_OR_RETURN(const formats::LoadedModel other,
                     formats::load_any(request.against, formats::EncoderDecoders::kTaken));
    if (loaded.encoder.has_value() != other.encoder.has_value())
        return invalid(fmt::format("{} is an encoder-decoder, and {} is none",
                                   loaded.encoder ? request.model : request.against,
                                   loaded.encoder ? request.against : request.model));
    if (loaded.encoder) return compare_encoder_decoders(loaded, other);
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    const model::Model& model = loaded.model;
    Comparison comparison;
    ASSIGN_OR_RETURN(comparison.tensors, formats::compare_tensors(model, other.model));
    comparison.logits = formats::compare_logits(machine->compute(), model, other.model,
                                                spread_tokens(model.config));
    return comparison;
}

}  // namespace

Status run_model_verify(const ModelRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(check_exists("--model", request.model));
    if (!request.against.empty()) RETURN_IF_ERROR(check_exists("--against", request.against));
    ASSIGN_OR_RETURN(const formats::LoadedModel loaded,
                     formats::load_any(request.model, formats::EncoderDecoders::kTaken));
    const std::string hash = to_hex(serve::content_hash(loaded.model.config, loaded.model.weights));
    const auto tokenizer = formats::find_tokenizer(loaded, request.model, request.tokenizer);
    if (tokenizer.ok()) {
        RETURN_IF_ERROR(check_tokenizer(**tokenizer, loaded.model.config));
    } else if (tokenizer.error().code != ErrorCode::kNotFound || !request.tokenizer.empty()) {
        return tokenizer.error();
    }
    nlohmann::json object = {
        {"model", request.model},
        {"format", loaded.format},
        {"parameters", loaded.model.layout().parameters()},
        {"content_hash", hash},
        {"tokenizer",
         tokenizer.ok() ? nlohmann::json((*tokenizer)->vocab_size()) : nlohmann::json()}};
    std::string encoder_hash;
    if (loaded.encoder) {
        const model::Model& encoder = loaded.encoder->encoder;
        encoder_hash = to_hex(serve::content_hash(encoder.config, encoder.weights));
        object["encoder"] = {{"parameters", encoder.layout().parameters()},
                             {"content_hash", encoder_hash}};
    }
    if (!request.json) {
        out << fmt::format("structure    sound ({}), {} parameters, all finite\n", loaded.format,
                           loaded.model.layout().parameters());
        out << fmt::format(
            "content hash {}\ntokenizer    {}\n", hash,
            tokenizer.ok()
                ? fmt::format("{} tokens, gives a text back {}", (*tokenizer)->vocab_size(),
                              (*tokenizer)->is_lossless() ? "as it was" : "as such models see it")
                : tokenizer.error().message);
        if (loaded.encoder)
            out << fmt::format("encoder      {}, {} parameters (the token embedding is the same)\n",
                               encoder_hash, loaded.encoder->encoder.layout().parameters());
    }
    if (!request.against.empty()) {
        ASSIGN_OR_RETURN(const Comparison comparison, compare(request, loaded));
        object["against"] = comparison_json(comparison);
        if (!request.json) print_comparison(comparison, out);
    }
    if (request.json) out << console::json_line(object);
    return ok_status();
}

}  // namespace cairn::cli
