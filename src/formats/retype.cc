#include "formats/retype.h"

#include <cstring>

#include "formats/export_tensor.h"
#include "formats/weight_memory.h"

namespace cairn::formats {

Result<model::Model> retype(const model::Model& model, std::optional<tensor::WeightType> type,
                            bool rope_interleaved, const WriteProgress& progress) {
    const ExportFormat format{[](const model::TensorInfo& info) { return TensorPlace{info.name}; },
                              rope_interleaved,
                              [&](const model::TensorInfo& info, tensor::WeightType current) {
                                  return default_export_type(info, current, type);
                              }};
    ASSIGN_OR_RETURN(const std::vector<ExportTensor> tensors, tensors_to_export(model, format));
    std::uint64_t total = 0;
    std::uint64_t done = 0;
    for (const ExportTensor& tensor : tensors) total += tensor.bytes;
    auto memory = std::make_shared<WeightMemory>();
    model::Model result = model;
    if (model.config.positions == model::PositionKind::kRotary)
        result.config.rope_interleaved = rope_interleaved;
    for (const ExportTensor& tensor : tensors) {
        std::uint8_t* const begin = memory->buffer(static_cast<std::size_t>(tensor.bytes));
        std::uint8_t* at = begin;
        RETURN_IF_ERROR(write_export_tensor(model, tensor, rope_interleaved, [&](ByteView bytes) {
            std::memcpy(at, bytes.data(), bytes.size());
            at += bytes.size();
            done += bytes.size();
            if (progress) progress(done, total);
            return ok_status();
        }));
        CHECK(at == begin + tensor.bytes);
        const model::TensorInfo& info = tensor.parts.front();
        model::tensor_at(result.weights, info.kind, info.layer) =
            tensor::Weight(tensor.type, static_cast<std::size_t>(info.rows),
                           static_cast<std::size_t>(info.cols), begin);
    }
    if (result.config.has_head() && result.config.tied_head)
        result.weights.head = result.weights.token_embedding;
    result.storage = std::move(memory);
    return result;
}

}  // namespace cairn::formats
