#include "formats/hf_encoder_decoder.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "formats/strict_json.h"
#include "model/encoder_decoder.h"

namespace cairn::formats {

using nlohmann::json;

namespace {

using Stored = std::map<std::string, StoredTensor>;

constexpr const char* kHead = "lm_head.weight";
constexpr const char* kHeadBias = "final_logits_bias";
constexpr std::uint32_t kUsualStart = 2;  // what transformers takes where config.json is silent

// Names have a prefix where the model was saved with its head.
std::string prefix_of(const Stored& stored) {
    const std::string prefix(hf_prefix(HfFamily::kBart));
    const bool whole = std::ranges::any_of(
        stored, [&](const auto& entry) { return entry.first.starts_with(prefix); });
    return whole ? prefix : "";
}

// The one embedding, taken out under all the names that it has.
Result<StoredTensor> take_embedding(const std::string& prefix, Stored& stored) {
    std::optional<StoredTensor> shared;
    std::string first;
    for (const std::string& name :
         {prefix + "shared.weight", prefix + "encoder.embed_tokens.weight",
          prefix + "decoder.embed_tokens.weight", std::string(kHead)}) {
        const auto found = stored.find(name);
        if (found == stored.end()) continue;
        if (shared) {
            ASSIGN_OR_RETURN(const bool same, is_same(*shared, found->second));
            if (!same)
                return invalid(fmt::format(
                    "{} is not {}: encoder, decoder and head share one embedding", name, first));
        } else {
            shared = found->second;
            first = name;
        }
        stored.erase(found);
    }
    if (!shared) return invalid("tensor " + prefix + "shared.weight is missing");
    return *shared;
}

// Most models store a bias of the head that is nothing but zeros; it is no tensor then.
Status settle_head_bias(model::ModelConfig& decoder, Stored& stored) {
    decoder.head_bias = false;
    const auto found = stored.find(kHeadBias);
    if (found == stored.end()) return ok_status();
    StoredTensor& bias = found->second;
    if (bias.shape != std::vector<std::uint64_t>{1, decoder.vocab})
        return invalid(fmt::format("tensor {} is not [1, {}]", kHeadBias, decoder.vocab));
    Bytes bytes(static_cast<std::size_t>(bias.bytes));
    RETURN_IF_ERROR(bias.source->read(bias.offset, bytes));
    if (std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; })) {
        stored.erase(found);
        return ok_status();
    }
    bias.shape = {decoder.vocab};
    decoder.head_bias = true;
    return ok_status();
}

Result<model::Model> assemble_half(const model::ModelConfig& config, const Stored& stored,
                                   const std::string& prefix) {
    return assemble(
        config, stored,
        [&](const model::TensorInfo& info) { return hf_place(HfFamily::kBart, prefix, info); },
        [](const std::string&) { return false; });
}

}  // namespace

Result<HfEncoderDecoder> read_hf_encoder_decoder(const HfConfig& hf, Stored stored) {
    CHECK(hf.encoder && hf.family == HfFamily::kBart);
    RETURN_IF_ERROR(model::check_encoder_decoder(*hf.encoder, hf.config));
    const std::string prefix = prefix_of(stored);
    const std::string encoder = prefix + "encoder.";
    ASSIGN_OR_RETURN(const StoredTensor embedding, take_embedding(prefix, stored));
    Stored of_encoder;
    for (auto at = stored.begin(); at != stored.end();)
        if (at->first.starts_with(encoder)) {
            of_encoder.insert(*at);
            at = stored.erase(at);
        } else {
            ++at;
        }
    model::ModelConfig decoder = hf.config;
    RETURN_IF_ERROR(settle_head_bias(decoder, stored));
    of_encoder.emplace(encoder + "embed_tokens.weight", embedding);
    stored.emplace(prefix + "decoder.embed_tokens.weight", embedding);
    HfEncoderDecoder halves;
    ASSIGN_OR_RETURN(halves.encoder, assemble_half(*hf.encoder, of_encoder, encoder));
    ASSIGN_OR_RETURN(halves.decoder, assemble_half(decoder, stored, prefix + "decoder."));
    return halves;
}

Result<std::vector<std::uint32_t>> first_decoder_tokens(std::string_view config_json,
                                                        std::string_view generation_json,
                                                        std::uint32_t vocab) {
    ASSIGN_OR_RETURN(const json config, parse_strict_json(config_json, "config.json"));
    json generation = config;
    if (!generation_json.empty()) {
        ASSIGN_OR_RETURN(generation, parse_strict_json(generation_json, "generation_config.json"));
    }
    json start = generation.value("decoder_start_token_id", json());
    if (start.is_null()) start = config.value("decoder_start_token_id", json(kUsualStart));
    json forced = generation.value("forced_bos_token_id", json());
    // The spelling of the first BARTs.
    if (forced.is_null() && config.value("force_bos_token_to_be_generated", json()) == json(true))
        forced = config.value("bos_token_id", json(0));
    std::vector<std::uint32_t> tokens;
    for (const json& token : {start, forced}) {
        if (token.is_null()) continue;
        if (!token.is_number_unsigned() || token.get<std::uint64_t>() >= vocab)
            return invalid(fmt::format(
                "the token {} that a text of the decoder begins with is not one of the model's {}",
                token.dump(), vocab));
        tokens.push_back(token.get<std::uint32_t>());
    }
    if (tokens.empty()) return invalid("config.json: decoder_start_token_id is null");
    return tokens;
}

}  // namespace cairn::formats
