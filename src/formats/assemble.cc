#include "formats/assemble.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "formats/finite.h"
#include "formats/weight_memory.h"

namespace cairn::formats {

namespace {

using tensor::Weight;
using tensor::WeightType;

std::size_t alignment_of(WeightType type) {
    return type == WeightType::kF32 || type == WeightType::kW8A8Row ? 4 : 2;
}

std::size_t element_bytes(WeightType type) { return type == WeightType::kF32 ? 4 : 2; }

bool is_plain(WeightType type) {
    return type == WeightType::kF32 || type == WeightType::kF16 || type == WeightType::kBf16;
}

// The shape that the file must give a tensor, outermost first.
std::vector<std::uint64_t> stored_shape(const model::TensorInfo& info, const TensorPlace& place) {
    if (!info.is_matrix) return {info.cols * place.parts};
    if (place.transposed) return {info.cols, info.rows * place.parts};
    return {info.rows * place.parts + place.skipped, info.cols};
}

// `bytes` bytes of `stored` from `skip` on: in place where possible, else copied.
Result<const void*> lend(const StoredTensor& stored, std::uint64_t skip, std::uint64_t bytes,
                         WeightMemory& memory) {
    if (const std::uint8_t* whole = stored.source->mapped()) {
        const std::uint8_t* at = whole + stored.offset + skip;
        if (reinterpret_cast<std::uintptr_t>(at) % alignment_of(*stored.type) == 0) {
            memory.keep(stored.source);
            return static_cast<const void*>(at);
        }
    }
    std::uint8_t* copy = memory.buffer(static_cast<std::size_t>(bytes));
    RETURN_IF_ERROR(stored.source->read(stored.offset + skip, {copy, bytes}));
    return static_cast<const void*>(copy);
}

// [in, parts * out] to rows of [out, in], element for element.
Result<const void*> transpose(const StoredTensor& stored, const model::TensorInfo& info,
                              const TensorPlace& place, WeightMemory& memory) {
    const std::size_t element = element_bytes(*stored.type);
    const std::size_t stride = static_cast<std::size_t>(info.rows) * place.parts * element;
    const std::size_t first = static_cast<std::size_t>(info.rows) * place.part * element;
    const std::size_t row_bytes = static_cast<std::size_t>(info.cols) * element;
    std::uint8_t* out = memory.buffer(static_cast<std::size_t>(info.rows) * row_bytes);
    Bytes line(static_cast<std::size_t>(info.rows) * element);
    for (std::size_t col = 0; col < info.cols; ++col) {
        RETURN_IF_ERROR(stored.source->read(stored.offset + col * stride + first, line));
        for (std::size_t row = 0; row < info.rows; ++row)
            std::memcpy(out + row * row_bytes + col * element, line.data() + row * element,
                        element);
    }
    return static_cast<const void*>(out);
}

// A norm or bias, widened and moved.
Result<Weight> take_row(const StoredTensor& stored, const model::TensorInfo& info,
                        const TensorPlace& place, WeightMemory& memory) {
    const std::uint64_t bytes = info.cols * element_bytes(*stored.type);
    ASSIGN_OR_RETURN(const void* data, lend(stored, place.part * bytes, bytes, memory));
    const Weight narrow(*stored.type, 1, static_cast<std::size_t>(info.cols), data);
    if (narrow.is_dense_f32() && place.added == 0.0F) return narrow;
    auto* wide = reinterpret_cast<float*>(
        memory.buffer(static_cast<std::size_t>(info.cols) * sizeof(float)));
    tensor::weight_row(narrow, 0, wide);
    if (place.added != 0.0F)
        for (std::size_t i = 0; i < narrow.cols; ++i) wide[i] += place.added;
    return Weight(WeightType::kF32, 1, static_cast<std::size_t>(info.cols), wide);
}

Result<Weight> take(const StoredTensor& stored, const model::TensorInfo& info,
                    const TensorPlace& place, WeightMemory& memory) {
    if (!stored.type)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("tensor {} is {}, a type that this program does not read; "
                                 "get the model as F16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K "
                                 "or Q6_K",
                                 place.name, stored.type_name)};
    const auto expected = stored_shape(info, place);
    if (stored.shape != expected)
        return invalid(fmt::format("tensor {} is [{}], its configuration implies [{}]", place.name,
                                   fmt::join(stored.shape, ", "), fmt::join(expected, ", ")));
    if ((!info.is_matrix || place.transposed) && !is_plain(*stored.type))
        return Error{ErrorCode::kUnsupported, fmt::format("tensor {} is {}, which cannot be cut "
                                                          "or transposed",
                                                          place.name, stored.type_name)};
    if (!info.is_matrix) return take_row(stored, info, place, memory);
    const auto rows = static_cast<std::size_t>(info.rows);
    const auto cols = static_cast<std::size_t>(info.cols);
    if (place.transposed) {
        ASSIGN_OR_RETURN(const void* data, transpose(stored, info, place, memory));
        return Weight(*stored.type, rows, cols, data);
    }
    if (cols % tensor::weight_group(*stored.type) != 0)
        return invalid(fmt::format("tensor {} has rows of {}, which {} does not allow", place.name,
                                   cols, stored.type_name));
    const std::uint64_t bytes = rows * tensor::weight_row_bytes(*stored.type, cols);
    const std::uint64_t skipped = place.skipped * tensor::weight_row_bytes(*stored.type, cols);
    ASSIGN_OR_RETURN(const void* data, lend(stored, skipped + place.part * bytes, bytes, memory));
    return Weight(*stored.type, rows, cols, data);
}

}  // namespace

Result<bool> is_same(const StoredTensor& a, const StoredTensor& b) {
    if (a.bytes != b.bytes || a.type_name != b.type_name || a.shape != b.shape) return false;
    constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
    Bytes left, right;
    for (std::uint64_t at = 0; at < a.bytes; at += kPiece) {
        left.resize(static_cast<std::size_t>(std::min(kPiece, a.bytes - at)));
        right.resize(left.size());
        RETURN_IF_ERROR(a.source->read(a.offset + at, left));
        RETURN_IF_ERROR(b.source->read(b.offset + at, right));
        if (left != right) return false;
    }
    return true;
}

Result<model::Model> assemble(const model::ModelConfig& config,
                              const std::map<std::string, StoredTensor>& stored,
                              const PlaceOf& place_of, const Redundant& redundant) {
    RETURN_IF_ERROR(model::validate(config));
    const model::ParameterLayout layout(config);
    // Checks all names before taking any memory, so that a false configuration costs none.
    std::set<std::string> used;
    for (const model::TensorInfo& info : layout.tensors()) {
        const TensorPlace place = place_of(info);
        if (place.name.empty())
            return Error{ErrorCode::kUnsupported, "this format has no place for " + info.name};
        if (!stored.contains(place.name)) return invalid("tensor " + place.name + " is missing");
        used.insert(place.name);
    }
    for (const auto& [name, where] : stored)
        if (!used.contains(name) && !redundant(name))
            return Error{ErrorCode::kUnsupported,
                         "tensor " + name + " belongs to a model that this program does not run"};
    auto memory = std::make_shared<WeightMemory>();
    model::Model model;
    model.config = config;
    model.weights.layers.resize(config.layers);
    for (const model::TensorInfo& info : layout.tensors()) {
        const TensorPlace place = place_of(info);
        ASSIGN_OR_RETURN(model::tensor_at(model.weights, info.kind, info.layer),
                         take(stored.at(place.name), info, place, *memory));
    }
    if (config.has_head() && config.tied_head) model.weights.head = model.weights.token_embedding;
    RETURN_IF_ERROR(check_finite(layout, model.weights));
    model.storage = std::move(memory);
    return model;
}

}  // namespace cairn::formats
