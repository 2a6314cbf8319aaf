#include "formats/checkpoint.h"

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "formats/checkpoint_tensors.h"
#include "formats/checkpoint_v1.h"
#include "formats/finite.h"
#include "formats/weight_memory.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace cairn::formats {

namespace {

constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kMaxHeaderBytes = 8 + 4 + model::kMaxConfigBytes + 4 +
                                        text::kMaxTokenizerBytes + 4 + text::kMaxChatTemplateBytes +
                                        kMaxCheckpointTable;

std::uint64_t checksum_step(std::uint64_t state, std::uint64_t word) {
    state = (state ^ word) * 0x100000001B3U;
    return state ^ (state >> 32);
}

Result<CheckpointParts> parts_of(const model::Model& model) {
    const model::ParameterLayout layout = model.layout();
    CHECK(model.tokenizer.size() <= text::kMaxTokenizerBytes);
    CHECK(model.chat_template.size() <= text::kMaxChatTemplateBytes);
    RETURN_IF_ERROR(check_finite(layout, model.weights));
    CheckpointParts parts;
    parts.fields.raw(as_bytes(kCheckpointMagic));
    parts.fields.u32(kVersion);
    model::encode(model.config, parts.fields);
    parts.fields.bytes(model.tokenizer);
    parts.fields.text(model.chat_template);
    for (const model::TensorInfo& info : layout.tensors()) {
        const tensor::Weight& weight = model::tensor_at(model.weights, info.kind, info.layer);
        CHECK(weight.rows == info.rows && weight.cols == info.cols);
        parts.tensors.push_back(weight);
    }
    return parts;
}

Result<model::Model> read_v2(const SharedSource& source, Reader& reader, ByteView header) {
    model::Model model;
    ASSIGN_OR_RETURN(model.config, model::decode_config(reader));
    model.tokenizer = reader.bytes(text::kMaxTokenizerBytes);
    model.chat_template = reader.text(text::kMaxChatTemplateBytes);
    const model::ParameterLayout layout = model.layout();
    auto memory = std::make_shared<WeightMemory>();
    ASSIGN_OR_RETURN(const std::vector<tensor::Weight> weights,
                     read_checkpoint_tensors(source, header, reader, layout.tensors(), *memory));
    RETURN_IF_ERROR(check_tokenizer(model.tokenizer, model.config));
    model.weights.layers.resize(model.config.layers);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const model::TensorInfo& info = layout.tensors()[i];
        model::tensor_at(model.weights, info.kind, info.layer) = weights[i];
    }
    RETURN_IF_ERROR(check_finite(layout, model.weights));
    if (model.config.has_head() && model.config.tied_head)
        model.weights.head = model.weights.token_embedding;
    model.storage = std::move(memory);
    return model;
}

Result<model::Model> read_checked(const SharedSource& source) {
    ASSIGN_OR_RETURN(const Bytes header, source->head(kMaxHeaderBytes));
    Reader reader(header);
    if (as_text(reader.raw(kCheckpointMagic.size())) != kCheckpointMagic)
        return invalid("not a Cairn checkpoint");
    const std::uint32_t version = reader.u32();
    RETURN_IF_ERROR(reader.status());
    if (version == 1) return read_checkpoint_v1(*source, reader, header.size());
    if (version == kVersion) return read_v2(source, reader, header);
    if (version == kEncoderDecoderVersion)
        return Error{ErrorCode::kUnsupported, "an encoder-decoder, and one model is wanted here"};
    return Error{ErrorCode::kUnsupported,
                 fmt::format("checkpoint version {}, this program reads 1 to {}", version,
                             kEncoderDecoderVersion)};
}

}  // namespace

std::uint64_t checkpoint_checksum(ByteView bytes) {
    std::uint64_t state = 0xCBF29CE484222325U;
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + at, 8);
        state = checksum_step(state, word);
    }
    if (at == bytes.size()) return state;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, bytes.size() - at);
    return checksum_step(state, word);
}

Result<Bytes> encode_checkpoint(const model::Model& model) {
    ASSIGN_OR_RETURN(CheckpointParts parts, parts_of(model));
    return checkpoint_bytes(std::move(parts));
}

Result<model::Model> read_checkpoint(const SharedSource& source) {
    auto model = read_checked(source);
    if (!model.ok()) return model.error().with_prefix(source->name());
    return model;
}

Status save_checkpoint(const model::Model& model, const std::string& path, Replace replace,
                       const WriteProgress& progress) {
    RETURN_IF_ERROR(check_target(path, replace));
    ASSIGN_OR_RETURN(CheckpointParts parts, parts_of(model));
    return write_checkpoint(std::move(parts), path, replace, progress);
}

}  // namespace cairn::formats
