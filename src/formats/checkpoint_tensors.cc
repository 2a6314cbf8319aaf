#include "formats/checkpoint_tensors.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/foreign_file.h"
#include "formats/checkpoint.h"
#include "formats/file_writer.h"

namespace cairn::formats {

namespace {

using tensor::Weight;
using tensor::WeightType;

constexpr std::size_t kProgressBytes = std::size_t{8} << 20;
constexpr std::size_t kTensorBytes = 9;  // of the table

std::uint64_t aligned(std::uint64_t offset) {
    return (offset + kCheckpointAlignment - 1) / kCheckpointAlignment * kCheckpointAlignment;
}

// Everything before the tensors.
Bytes take_header(CheckpointParts& parts) {
    Writer& writer = parts.fields;
    for (const Weight& weight : parts.tensors) {
        writer.u8(static_cast<std::uint8_t>(weight.type));
        writer.u64(checkpoint_checksum(weight.canonical()));
    }
    writer.u64(checkpoint_checksum(writer.out()));
    return std::move(writer).take();
}

Status write_parts(const std::vector<Weight>& tensors, ByteView header,
                   const std::function<Status(ByteView)>& write) {
    static constexpr std::uint8_t kZeros[kCheckpointAlignment] = {};
    RETURN_IF_ERROR(write(header));
    std::uint64_t at = header.size();
    for (const Weight& weight : tensors) {
        const ByteView bytes = weight.canonical();
        const auto gap = static_cast<std::size_t>(aligned(at) - at);
        RETURN_IF_ERROR(write(ByteView(kZeros).first(gap)));
        RETURN_IF_ERROR(write(bytes));
        at += gap + bytes.size();
    }
    return ok_status();
}

std::uint64_t size_of(const std::vector<Weight>& tensors, std::uint64_t header_bytes) {
    std::uint64_t at = header_bytes;
    for (const Weight& weight : tensors) at = aligned(at) + weight.canonical_bytes();
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
    if (checkpoint_checksum(weight.canonical()) != checksum)
        return invalid("the checksum of " + info.name + " does not match: the file is damaged");
    return weight;
}

}  // namespace

Result<std::vector<Weight>> read_checkpoint_tensors(const SharedSource& source, ByteView header,
                                                    Reader& reader,
                                                    const std::vector<model::TensorInfo>& infos,
                                                    WeightMemory& memory) {
    Reader table(reader.raw(kTensorBytes * infos.size()));
    const std::size_t covered = header.size() - reader.remaining();
    const std::uint64_t checksum = reader.u64();
    RETURN_IF_ERROR(reader.status());
    if (checkpoint_checksum(header.first(covered)) != checksum)
        return invalid("the checksum of its header does not match: the file is damaged");
    std::vector<Weight> weights;
    std::uint64_t end = covered + 8;
    for (const model::TensorInfo& info : infos) {
        const std::uint8_t type = table.u8();
        const std::uint64_t offset = aligned(end);
        ASSIGN_OR_RETURN(const Weight weight,
                         take_tensor(source, info, type, table.u64(), end, offset, memory));
        end = offset + weight.canonical_bytes();
        weights.push_back(weight);
    }
    if (end != source->size())
        return invalid(
            fmt::format("{} bytes at its end belong to no tensor", source->size() - end));
    return weights;
}

Result<Bytes> checkpoint_bytes(CheckpointParts parts) {
    const Bytes header = take_header(parts);
    Bytes file;
    file.reserve(static_cast<std::size_t>(size_of(parts.tensors, header.size())));
    RETURN_IF_ERROR(write_parts(parts.tensors, header, [&](ByteView bytes) {
        file.insert(file.end(), bytes.begin(), bytes.end());
        return ok_status();
    }));
    return file;
}

Status write_checkpoint(CheckpointParts parts, const std::string& path, Replace replace,
                        const WriteProgress& progress) {
    const Bytes header = take_header(parts);
    const std::uint64_t total = size_of(parts.tensors, header.size());
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
    RETURN_IF_ERROR(write_parts(parts.tensors, header, write));
    return file->commit(replace);
}

}  // namespace cairn::formats
