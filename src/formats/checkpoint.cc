#include "formats/checkpoint.h"

#include <algorithm>
#include <functional>

#include <fmt/core.h>

#include "base/foreign_file.h"

#include "formats/checkpoint_v1.h"
#include "formats/finite.h"
#include "formats/weight_memory.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace cairn::formats {

namespace {

using tensor::Weight;
using tensor::WeightType;

constexpr std::size_t kProgressBytes = std::size_t{8} << 20;
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kTensorBytes = 9;  // of the table
constexpr std::uint64_t kMaxTensorTable =
    (std::uint64_t{model::kMaxLayers} + 1) * model::kTensorKinds;
constexpr std::size_t kMaxHeaderBytes = 8 + 4 + model::kMaxConfigBytes + 4 +
                                        text::kMaxTokenizerBytes + 4 + text::kMaxChatTemplateBytes +
                                        kTensorBytes * kMaxTensorTable + 8;

std::uint64_t aligned(std::uint64_t offset) {
    return (offset + kCheckpointAlignment - 1) / kCheckpointAlignment * kCheckpointAlignment;
}

std::uint64_t checksum_step(std::uint64_t state, std::uint64_t word) {
    state = (state ^ word) * 0x100000001B3U;
    return state ^ (state >> 32);
}

ByteView bytes_of(const Weight& weight) {
    CHECK(!weight.empty() && !weight.packed);
    return {static_cast<const std::uint8_t*>(weight.data), weight.canonical_bytes()};
}

// Everything before the tensors.
Result<Bytes> encode_header(const model::Model& model) {
    const model::ParameterLayout layout = model.layout();
    CHECK(model.tokenizer.size() <= text::kMaxTokenizerBytes);
    CHECK(model.chat_template.size() <= text::kMaxChatTemplateBytes);
    RETURN_IF_ERROR(check_finite(layout, model.weights));
    Writer writer;
    writer.raw(as_bytes(kCheckpointMagic));
    writer.u32(kVersion);
    model::encode(model.config, writer);
    writer.bytes(model.tokenizer);
    writer.text(model.chat_template);
    for (const model::TensorInfo& info : layout.tensors()) {
        const Weight& weight = model::tensor_at(model.weights, info.kind, info.layer);
        CHECK(weight.rows == info.rows && weight.cols == info.cols);
        writer.u8(static_cast<std::uint8_t>(weight.type));
        writer.u64(checkpoint_checksum(bytes_of(weight)));
    }
    writer.u64(checkpoint_checksum(writer.out()));
    return std::move(writer).take();
}

Status write_checkpoint(const model::Model& model, ByteView header,
                        const std::function<Status(ByteView)>& write) {
    static constexpr std::uint8_t kZeros[kCheckpointAlignment] = {};
    RETURN_IF_ERROR(write(header));
    std::uint64_t at = header.size();
    const model::ParameterLayout layout = model.layout();
    for (const model::TensorInfo& info : layout.tensors()) {
        const ByteView bytes = bytes_of(model::tensor_at(model.weights, info.kind, info.layer));
        const auto gap = static_cast<std::size_t>(aligned(at) - at);
        RETURN_IF_ERROR(write(ByteView(kZeros).first(gap)));
        RETURN_IF_ERROR(write(bytes));
        at += gap + bytes.size();
    }
    return ok_status();
}

std::uint64_t size_of(const model::Model& model, std::uint64_t header_bytes) {
    std::uint64_t at = header_bytes;
    const model::ParameterLayout layout = model.layout();
    for (const model::TensorInfo& info : layout.tensors())
        at = aligned(at) + model::tensor_at(model.weights, info.kind, info.layer).canonical_bytes();
    return at;
}

// Reads the tensor at `offset`, which the table describes; the padding before it must be zeros.
Result<Weight> take_tensor(const SharedSource& source, const model::TensorInfo& info,
                           std::uint8_t code, std::uint64_t checksum, std::uint64_t end,
                           std::uint64_t offset, WeightMemory& memory) {
    if (code > static_cast<std::uint8_t>(WeightType::kQ5_1))
        return invalid("tensor " + info.name + " has an unknown type");
    const auto type = static_cast<WeightType>(code);
    if (!info.is_matrix && type != WeightType::kF32)
        return invalid("tensor " + info.name + " must be f32");
    if (info.cols % tensor::weight_group(type) != 0)
        return invalid("tensor " + info.name + " cannot have its type");
    Weight weight(type, static_cast<std::size_t>(info.rows), static_cast<std::size_t>(info.cols),
                  nullptr);
    const std::size_t size = weight.canonical_bytes();
    if (offset > source->size() || size > source->size() - offset)
        return invalid("ends in tensor " + info.name + ": " +
                       incomplete(source->size(), offset + size) + " at least");
    Bytes gap(static_cast<std::size_t>(offset - end));
    RETURN_IF_ERROR(source->read(end, gap));
    if (std::any_of(gap.begin(), gap.end(), [](std::uint8_t byte) { return byte != 0; }))
        return invalid("has something between its tensors");
    if (source->mapped() != nullptr) {
        weight.data = source->mapped() + offset;
        memory.keep(source);
    } else {
        std::uint8_t* copy = memory.buffer(size);
        RETURN_IF_ERROR(source->read(offset, {copy, size}));
        weight.data = copy;
    }
    if (checkpoint_checksum(bytes_of(weight)) != checksum)
        return invalid("the checksum of " + info.name + " does not match: the file is damaged");
    return weight;
}

Result<model::Model> read_v2(const SharedSource& source, Reader& reader, ByteView header) {
    model::Model model;
    ASSIGN_OR_RETURN(model.config, model::decode_config(reader));
    model.tokenizer = reader.bytes(text::kMaxTokenizerBytes);
    model.chat_template = reader.text(text::kMaxChatTemplateBytes);
    const model::ParameterLayout layout = model.layout();
    Reader table(reader.raw(kTensorBytes * layout.tensors().size()));
    const std::size_t covered = header.size() - reader.remaining();
    const std::uint64_t checksum = reader.u64();
    RETURN_IF_ERROR(reader.status());
    if (checkpoint_checksum(header.first(covered)) != checksum)
        return invalid("the checksum of its header does not match: the file is damaged");
    RETURN_IF_ERROR(check_tokenizer(model.tokenizer, model.config));
    auto memory = std::make_shared<WeightMemory>();
    model.weights.layers.resize(model.config.layers);
    std::uint64_t end = covered + 8;
    for (const model::TensorInfo& info : layout.tensors()) {
        const std::uint8_t type = table.u8();
        const std::uint64_t offset = aligned(end);
        Weight& weight = model::tensor_at(model.weights, info.kind, info.layer);
        ASSIGN_OR_RETURN(weight,
                         take_tensor(source, info, type, table.u64(), end, offset, *memory));
        end = offset + weight.canonical_bytes();
    }
    if (end != source->size())
        return invalid(
            fmt::format("{} bytes at its end belong to no tensor", source->size() - end));
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
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("checkpoint version {}, this program reads 1 and {}", version, kVersion)};
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
    ASSIGN_OR_RETURN(const Bytes header, encode_header(model));
    Bytes file;
    file.reserve(static_cast<std::size_t>(size_of(model, header.size())));
    RETURN_IF_ERROR(write_checkpoint(model, header, [&](ByteView bytes) {
        file.insert(file.end(), bytes.begin(), bytes.end());
        return ok_status();
    }));
    return file;
}

Result<model::Model> read_checkpoint(const SharedSource& source) {
    auto model = read_checked(source);
    if (!model.ok())
        return Error{model.error().code, source->name() + ": " + model.error().message};
    return model;
}

Status save_checkpoint(const model::Model& model, const std::string& path, Replace replace,
                       const WriteProgress& progress) {
    RETURN_IF_ERROR(check_target(path, replace));
    ASSIGN_OR_RETURN(const Bytes header, encode_header(model));
    const std::uint64_t total = size_of(model, header.size());
    ASSIGN_OR_RETURN(auto file, FileWriter::create(path, total));
    const auto write = [&](ByteView bytes) -> Status {
        // An embedding alone may be a gigabyte.
        for (ByteView rest = bytes; !rest.empty();) {
            const ByteView now = rest.first(std::min(rest.size(), kProgressBytes));
            RETURN_IF_ERROR(file->write(now));
            rest = rest.subspan(now.size());
            if (progress) progress(file->written(), total);
        }
        return ok_status();
    };
    RETURN_IF_ERROR(write_checkpoint(model, header, write));
    return file->commit(replace);
}

}  // namespace cairn::formats
