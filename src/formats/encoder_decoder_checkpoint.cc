#include "formats/encoder_decoder_checkpoint.h"

#include "formats/checkpoint.h"
#include "formats/checkpoint_tensors.h"
#include "formats/checkpoint_v1.h"
#include "formats/finite.h"
#include "formats/weight_memory.h"
#include "model/encoder_decoder_layout.h"
#include "text/tokenizer.h"

namespace cairn::formats {

namespace {

constexpr std::size_t kMaxHeaderBytes = 8 + 4 + 2 * model::kMaxConfigBytes + 4 +
                                        text::kMaxTokenizerBytes + 4 + 4 * model::kMaxBegins +
                                        2 * kMaxCheckpointTable;

// f(tensor as the layout of both has it, its place in the half that has it).
template <typename F>
void for_each_tensor(const model::EncoderDecoderLayout& layout, model::Model& encoder,
                     model::Model& decoder, F f) {
    for (model::Model* model : {&encoder, &decoder})
        for (const model::TensorInfo& info :
             (model == &encoder ? layout.encoder() : layout.decoder()).tensors()) {
            if (model == &decoder && info.kind == model::TensorKind::kTokenEmbedding) continue;
            f(info, model::tensor_at(model->weights, info.kind, info.layer));
        }
}

Result<CheckpointParts> parts_of(const model::Model& decoder, const EncoderHalf& half) {
    CHECK(half.encoder.weights.token_embedding.data == decoder.weights.token_embedding.data);
    CHECK(decoder.tokenizer.size() <= text::kMaxTokenizerBytes);
    CHECK(!half.begins.empty() && half.begins.size() <= model::kMaxBegins);
    const model::EncoderDecoderLayout layout(half.encoder.config, decoder.config);
    RETURN_IF_ERROR(check_finite(half.encoder.layout(), half.encoder.weights));
    RETURN_IF_ERROR(check_finite(decoder.layout(), decoder.weights));
    CheckpointParts parts;
    parts.fields.raw(as_bytes(kCheckpointMagic));
    parts.fields.u32(kEncoderDecoderVersion);
    model::encode(half.encoder.config, parts.fields);
    model::encode(decoder.config, parts.fields);
    parts.fields.bytes(decoder.tokenizer);
    parts.fields.count(half.begins.size());
    for (const std::uint32_t token : half.begins) parts.fields.u32(token);
    model::Model encoder_views = half.encoder, decoder_views = decoder;
    for_each_tensor(layout, encoder_views, decoder_views,
                    [&](const model::TensorInfo& info, const tensor::Weight& weight) {
                        CHECK(weight.rows == info.rows && weight.cols == info.cols);
                        parts.tensors.push_back(weight);
                    });
    return parts;
}

Result<std::vector<std::uint32_t>> read_begins(Reader& reader, const model::ModelConfig& decoder) {
    std::vector<std::uint32_t> begins(reader.count(model::kMaxBegins, 4));
    for (std::uint32_t& token : begins) token = reader.u32();
    RETURN_IF_ERROR(reader.status());
    RETURN_IF_ERROR(model::check_begins(begins, decoder));
    return begins;
}

Result<LoadedModel> read_checked(const SharedSource& source) {
    ASSIGN_OR_RETURN(const Bytes header, source->head(kMaxHeaderBytes));
    if (!is_encoder_decoder_checkpoint(header))
        return invalid("not the checkpoint of an encoder-decoder");
    Reader reader(header);
    reader.raw(kCheckpointMagic.size() + 4);
    LoadedModel loaded;
    loaded.format = "cairn";
    EncoderHalf& half = loaded.encoder.emplace();
    model::Model& encoder = half.encoder;
    model::Model& decoder = loaded.model;
    ASSIGN_OR_RETURN(encoder.config, model::decode_config(reader));
    ASSIGN_OR_RETURN(decoder.config, model::decode_config(reader, model::Crossing::kTaken));
    RETURN_IF_ERROR(model::check_encoder_decoder(encoder.config, decoder.config));
    decoder.tokenizer = reader.bytes(text::kMaxTokenizerBytes);
    ASSIGN_OR_RETURN(half.begins, read_begins(reader, decoder.config));
    const model::EncoderDecoderLayout layout(encoder.config, decoder.config);
    auto memory = std::make_shared<WeightMemory>();
    ASSIGN_OR_RETURN(const std::vector<tensor::Weight> weights,
                     read_checkpoint_tensors(source, header, reader, layout.tensors(), *memory));
    RETURN_IF_ERROR(check_tokenizer(decoder.tokenizer, decoder.config));
    encoder.weights.layers.resize(encoder.config.layers);
    decoder.weights.layers.resize(decoder.config.layers);
    std::size_t next = 0;
    for_each_tensor(
        layout, encoder, decoder,
        [&](const model::TensorInfo&, tensor::Weight& weight) { weight = weights[next++]; });
    decoder.weights.token_embedding = encoder.weights.token_embedding;
    if (decoder.config.tied_head) decoder.weights.head = decoder.weights.token_embedding;
    RETURN_IF_ERROR(check_finite(encoder.layout(), encoder.weights));
    RETURN_IF_ERROR(check_finite(decoder.layout(), decoder.weights));
    encoder.storage = decoder.storage = std::move(memory);
    return loaded;
}

}  // namespace

bool is_encoder_decoder_checkpoint(ByteView head) {
    if (head.size() < kCheckpointMagic.size() + 4) return false;
    Reader reader(head);
    return as_text(reader.raw(kCheckpointMagic.size())) == kCheckpointMagic &&
           reader.u32() == kEncoderDecoderVersion;
}

Result<Bytes> encode_encoder_decoder_checkpoint(const model::Model& decoder,
                                                const EncoderHalf& half) {
    ASSIGN_OR_RETURN(CheckpointParts parts, parts_of(decoder, half));
    return checkpoint_bytes(std::move(parts));
}

Result<LoadedModel> read_encoder_decoder_checkpoint(const SharedSource& source) {
    auto loaded = read_checked(source);
    if (!loaded.ok()) return loaded.error().with_prefix(source->name());
    return loaded;
}

Status save_encoder_decoder_checkpoint(const model::Model& decoder, const EncoderHalf& half,
                                       const std::string& path, Replace replace,
                                       const WriteProgress& progress) {
    RETURN_IF_ERROR(check_target(path, replace));
    ASSIGN_OR_RETURN(CheckpointParts parts, parts_of(decoder, half));
    return write_checkpoint(std::move(parts), path, replace, progress);
}

}  // namespace cairn::formats
