#include "formats/gguf_writer.h"

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/core.h>

#include "formats/gguf.h"
#include "formats/gguf_keys.h"
#include "formats/gguf_model.h"
#include "model/rope_scale.h"
#include "text/tokenizer.h"

namespace cairn::formats {

namespace {

using A = GgufArchitecture;
using tensor::WeightType;

constexpr std::uint32_t kVersion = 3;

Error unsupported(const std::string& what) { return Error{ErrorCode::kUnsupported, what}; }

// general.file_type: what most of the matrices are, as llama.cpp numbers it.
std::uint32_t file_type(const std::vector<ExportTensor>& tensors) {
    std::uint64_t bytes[16] = {};
    for (const ExportTensor& tensor : tensors)
        if (tensor.parts.front().is_matrix)
            bytes[static_cast<std::size_t>(tensor.type)] += tensor.bytes;
    const auto most = std::max_element(std::begin(bytes), std::end(bytes)) - std::begin(bytes);
    switch (static_cast<WeightType>(most)) {
        case WeightType::kF16:
            return 1;
        case WeightType::kBf16:
            return 32;
        case WeightType::kQ8_0:
            return 7;
        case WeightType::kQ4_0:
            return 2;
        case WeightType::kQ4_1:
            return 3;
        case WeightType::kQ5_0:
            return 8;
        case WeightType::kQ5_1:
            return 9;
        case WeightType::kQ4K:
            return 15;
        case WeightType::kQ5K:
            return 17;
        case WeightType::kQ6K:
            return 18;
        default:
            return 0;
    }
}

Status add_rope(GgufKeys& keys, A architecture, const model::ModelConfig& config) {
    keys.real(gguf_key(architecture, "rope.freq_base"), config.rope_theta);
    keys.number(gguf_key(architecture, "rope.dimension_count"), config.head_dim());
    const model::RopeScale& scale = config.rope_scale;
    if (scale.kind == model::RopeScalingKind::kNone ||
        scale.kind == model::RopeScalingKind::kLlama3)
        return ok_status();
    const bool yarn = scale.kind == model::RopeScalingKind::kYarn;
    if (yarn && model::yarn_rope_scale(scale.factor, 1).attention_factor != scale.attention_factor)
        return unsupported("GGUF has no place for yarn's own attention_factor");
    keys.text(gguf_key(architecture, "rope.scaling.type"), yarn ? "yarn" : "linear");
    keys.real(gguf_key(architecture, "rope.scaling.factor"), scale.factor);
    if (!yarn) return ok_status();
    keys.number(gguf_key(architecture, "rope.scaling.original_context_length"),
                scale.original_context);
    keys.real(gguf_key(architecture, "rope.scaling.yarn_beta_fast"), scale.beta_fast);
    keys.real(gguf_key(architecture, "rope.scaling.yarn_beta_slow"), scale.beta_slow);
    return ok_status();
}

// llama.cpp's numbers; see gguf_model.cc.
std::uint32_t pooling_number(std::optional<model::Pooling> pooling) {
    switch (pooling.value_or(model::Pooling::kMean)) {
        case model::Pooling::kFirst:
            return 2;
        case model::Pooling::kLast:
            return 3;
        case model::Pooling::kMean:
            break;
    }
    return 1;
}

Status add_shape(GgufKeys& keys, A architecture, const model::ModelConfig& config,
                 std::optional<model::Pooling> pooling) {
    const auto number = [&](const char* name, std::uint32_t value) {
        keys.number(gguf_key(architecture, name), value);
    };
    number("context_length", config.context);
    number("embedding_length", config.dim);
    number("block_count", config.layers);
    number("feed_forward_length", config.hidden_dim);
    number("attention.head_count", config.heads);
    number("attention.head_count_kv", config.kv_heads);
    number("vocab_size", config.vocab);
    const bool shifted = config.norm == model::NormKind::kLayer;
    keys.real(gguf_key(architecture, shifted ? "attention.layer_norm_epsilon"
                                             : "attention.layer_norm_rms_epsilon"),
              config.norm_eps);
    if (architecture == A::kBert) {
        keys.flag(gguf_key(architecture, "attention.causal"), false);
        number("pooling_type", pooling_number(pooling));
    }
    if (config.positions != model::PositionKind::kRotary) return ok_status();
    number("attention.key_length", config.head_dim());
    number("attention.value_length", config.head_dim());
    if (config.window != 0) {
        number("attention.sliding_window", config.window);
        number("attention.sliding_window_pattern", config.window_period);
        keys.real(gguf_key(architecture, "rope.freq_base_swa"), config.local_rope_theta);
    }
    return add_rope(keys, architecture, config);
}

Status add_vocabulary(GgufKeys& keys, const model::Model& model) {
    if (model.tokenizer.empty()) {
        keys.text("tokenizer.ggml.model", "none");
        return ok_status();
    }
    ASSIGN_OR_RETURN(const auto tokenizer, text::parse_tokenizer(model.tokenizer));
    const text::VocabularyParts parts = gguf_parts(tokenizer->parts(), model.config.vocab);
    keys.text("tokenizer.ggml.model", parts.model);
    keys.text("tokenizer.ggml.pre", parts.pre);
    keys.texts("tokenizer.ggml.tokens", parts.pieces);
    if (!parts.scores.empty()) keys.reals("tokenizer.ggml.scores", parts.scores);
    keys.integers("tokenizer.ggml.token_type", parts.types);
    if (parts.model == "gpt2") keys.texts("tokenizer.ggml.merges", parts.merges);
    const auto id = [&](const char* name, std::optional<std::uint32_t> value) {
        if (value) keys.number(std::string("tokenizer.ggml.") + name, *value);
    };
    id("bos_token_id", parts.bos);
    id("eos_token_id", parts.eos);
    id("eot_token_id", parts.eot);
    id("unknown_token_id", parts.unk);
    id("padding_token_id", parts.pad);
    id("mask_token_id", parts.mask);
    if (parts.model == "bert") {
        id("cls_token_id", parts.bos);
        id("seperator_token_id", parts.eos);  // the format's own spelling
        id("token_type_count", model.config.token_types);
        keys.flag("tokenizer.ggml.normalizer.lowercase", parts.lower_case.value_or(true));
    }
    if (parts.add_bos) keys.flag("tokenizer.ggml.add_bos_token", *parts.add_bos);
    if (parts.add_eos) keys.flag("tokenizer.ggml.add_eos_token", *parts.add_eos);
    if (parts.add_space_prefix)
        keys.flag("tokenizer.ggml.add_space_prefix", *parts.add_space_prefix);
    // GGUF cannot store the flags of added tokens, so this key is our own. Other programs ignore it
    // and match those tokens without flags.
    std::vector<std::int32_t> added;
    for (const auto& [token, flags] : parts.added) {
        added.push_back(static_cast<std::int32_t>(token));
        added.push_back(flags);
    }
    if (!added.empty()) keys.integers(kAddedTokensKey, added);
    const std::string& chat =
        model.chat_template.empty() ? parts.chat_template : model.chat_template;
    if (!chat.empty()) keys.text("tokenizer.chat_template", chat);
    return ok_status();
}

std::uint64_t aligned(std::uint64_t offset) {
    return (offset + kGgufAlignment - 1) / kGgufAlignment * kGgufAlignment;
}

// One entry of the tensor table; the extents are said from the innermost.
void add_tensor(Writer& writer, const std::string& name, std::vector<std::uint64_t> shape,
                WeightType type, std::uint64_t offset) {
    writer.u64(name.size());
    writer.raw(as_bytes(name));
    writer.u32(static_cast<std::uint32_t>(shape.size()));
    std::reverse(shape.begin(), shape.end());
    for (const std::uint64_t extent : shape) writer.u64(extent);
    writer.u32(ggml_type(type)->number);
    writer.u64(offset);
}

// The header, padded to where the data begins, and the offset of each tensor within the data.
struct Plan {
    Bytes header;
    std::vector<float> rope_factors;  // the first tensor, if there are any
    std::uint64_t data_bytes = 0;
};

Result<Plan> plan_file(const model::Model& model, A architecture,
                       const std::vector<ExportTensor>& tensors, const WriteOptions& options) {
    Plan plan;
    GgufKeys keys;
    keys.text("general.architecture", gguf_architecture_name(architecture));
    keys.text("general.name", options.name.empty() ? "a model written by Cairn" : options.name);
    keys.number("general.quantization_version", 2);
    keys.number("general.file_type", file_type(tensors));
    RETURN_IF_ERROR(add_shape(keys, architecture, model.config, options.pooling));
    RETURN_IF_ERROR(add_vocabulary(keys, model));
    if (model.config.rope_scale.kind == model::RopeScalingKind::kLlama3)
        plan.rope_factors = model::rope_factors(model.config);
    Writer writer;
    writer.raw(as_bytes(kGgufMagic));
    writer.u32(kVersion);
    writer.u64(tensors.size() + (plan.rope_factors.empty() ? 0 : 1));
    writer.u64(keys.count());
    writer.raw(keys.out());
    if (!plan.rope_factors.empty()) {
        add_tensor(writer, kGgufRopeFactors, {plan.rope_factors.size()}, WeightType::kF32, 0);
        plan.data_bytes = aligned(plan.rope_factors.size() * sizeof(float));
    }
    for (const ExportTensor& tensor : tensors) {
        add_tensor(writer, tensor.name, tensor.shape, tensor.type, plan.data_bytes);
        plan.data_bytes = aligned(plan.data_bytes + tensor.bytes);
    }
    writer.raw(Bytes(aligned(writer.out().size()) - writer.out().size()));
    plan.header = std::move(writer).take();
    return plan;
}

Error no_architecture(const model::ModelConfig& config) {
    return unsupported("no GGUF architecture computes this shape (" + model::describe(config) +
                       "); write it as .cairn");
}

WeightType gguf_type(const model::TensorInfo& info, WeightType current,
                     std::optional<WeightType> wanted) {
    const WeightType type = default_export_type(info, current, wanted);
    return ggml_type(type) != nullptr ? type : WeightType::kF32;
}

}  // namespace

Result<GgufArchitecture> gguf_architecture_of(const model::ModelConfig& c) {
    if (model::is_gemma3(c)) return A::kGemma3;
    if (c.scaled_embedding || c.window != 0) return no_architecture(c);
    const bool gpt2 = c.norm == model::NormKind::kLayer &&
                      c.norm_position == model::NormPosition::kPre &&
                      c.positions == model::PositionKind::kLearned &&
                      c.feed_forward == model::FeedForward::kGeluTanh && c.causal &&
                      c.heads == c.kv_heads && c.explicit_head_dim == 0;
    const bool bert = c.norm == model::NormKind::kLayer &&
                      c.norm_position == model::NormPosition::kPost &&
                      c.positions == model::PositionKind::kLearned &&
                      c.feed_forward == model::FeedForward::kGelu && !c.causal &&
                      c.embedding_norm && c.heads == c.kv_heads && c.explicit_head_dim == 0;
    const bool llama = c.norm == model::NormKind::kRms &&
                       c.norm_position == model::NormPosition::kPre &&
                       c.positions == model::PositionKind::kRotary &&
                       c.feed_forward == model::FeedForward::kSwiglu && c.causal &&
                       !c.embedding_norm && c.token_types == 0;
    const bool all_biases = c.qkv_bias && c.out_bias && c.ffn_bias;
    if (gpt2 && all_biases && !c.qk_norm && !c.embedding_norm && c.token_types == 0)
        return A::kGpt2;
    if (bert && all_biases && !c.qk_norm) return A::kBert;
    const bool stretched = c.rope_scale.kind == model::RopeScalingKind::kLlama3;
    if (llama && c.qk_norm && !c.qkv_bias && !c.out_bias && !c.ffn_bias && !stretched)
        return A::kQwen3;
    if (llama && !c.qk_norm && c.qkv_bias && !c.out_bias && !c.ffn_bias && !stretched)
        return A::kQwen2;
    if (llama && !c.qk_norm) return A::kLlama;
    return no_architecture(c);
}

Status write_gguf(const model::Model& model, const std::string& path, const WriteOptions& options) {
    static constexpr std::uint8_t kZeros[kGgufAlignment] = {};
    if (options.type && ggml_type(*options.type) == nullptr)
        return unsupported(fmt::format("GGUF has no type {}; write it as .cairn",
                                       tensor::weight_type_name(*options.type)));
    if (!model.config.ranks.empty())
        return unsupported(
            "GGUF has no place for matrices that are factors of low rank; write the model as "
            ".cairn or as a Hugging Face folder, or as whole matrices (cairn model convert "
            "--multiply-out)");
    RETURN_IF_ERROR(check_target(path, options.replace));
    ASSIGN_OR_RETURN(const A architecture, gguf_architecture_of(model.config));
    const ExportFormat format{
        [&](const model::TensorInfo& info) { return gguf_place(architecture, info); },
        gguf_rope_interleaved(architecture),
        [&](const model::TensorInfo& info, WeightType current) {
            return gguf_type(info, current, options.type);
        }};
    ASSIGN_OR_RETURN(const std::vector<ExportTensor> tensors, tensors_to_export(model, format));
    ASSIGN_OR_RETURN(const Plan plan, plan_file(model, architecture, tensors, options));
    const std::uint64_t total = plan.header.size() + plan.data_bytes;
    ASSIGN_OR_RETURN(auto file, FileWriter::create(path, total));
    const auto pad = [&] {
        const std::uint64_t at = file->written();
        return file->write(ByteView(kZeros).first(static_cast<std::size_t>(aligned(at) - at)));
    };
    const Sink sink = [&](ByteView bytes) {
        if (options.progress) options.progress(file->written(), total);
        return file->write(bytes);
    };
    RETURN_IF_ERROR(sink(plan.header));
    RETURN_IF_ERROR(sink({reinterpret_cast<const std::uint8_t*>(plan.rope_factors.data()),
                          plan.rope_factors.size() * sizeof(float)}));
    RETURN_IF_ERROR(pad());
    for (const ExportTensor& tensor : tensors) {
        RETURN_IF_ERROR(write_export_tensor(model, tensor, format.rope_interleaved, sink));
        RETURN_IF_ERROR(pad());
    }
    CHECK(file->written() == total);
    return file->commit(options.replace);
}

}  // namespace cairn::formats
