#include "formats/export_tensor.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/core.h>

namespace cairn::formats {

namespace {

using tensor::Weight;
using tensor::WeightType;

constexpr std::size_t kChunkFloats = std::size_t{1} << 18;
constexpr float kMaxF16 = 65504.0F;

bool is_rotated(model::TensorKind kind) {
    switch (kind) {
        case model::TensorKind::kWq:
        case model::TensorKind::kBq:
        case model::TensorKind::kWk:
        case model::TensorKind::kBk:
        case model::TensorKind::kQNorm:
        case model::TensorKind::kKNorm:
            return true;
        default:
            return false;
    }
}

// Maps row `to` of the file (or element, for a bias) to the row of our tensor that belongs there.
class Order {
  public:
    Order(const model::ModelConfig& config, const model::TensorInfo& info, bool interleaved)
        : head_(config.head_dim()),
          permuted_(config.positions == model::PositionKind::kRotary && is_rotated(info.kind) &&
                    interleaved != config.rope_interleaved),
          interleaved_(interleaved) {}

    bool same() const { return !permuted_; }
    std::size_t operator()(std::size_t to) const {
        if (!permuted_) return to;
        const std::size_t i = to % head_;
        const std::size_t half = head_ / 2;
        // Element 2i of the one pairing is element i of the other, 2i + 1 is i + half.
        const std::size_t from =
            interleaved_ ? i / 2 + (i % 2) * half : (i < half ? 2 * i : 2 * (i - half) + 1);
        return to - i + from;
    }

  private:
    std::size_t head_;
    bool permuted_;
    bool interleaved_;
};

// Collects rows of floats, converts them to the file's type and passes them to the sink.
class Narrowing {
  public:
    Narrowing(const ExportTensor& tensor, std::size_t cols, const Sink& sink)
        : tensor_(tensor), cols_(cols), sink_(sink) {}

    /// Room for the next row.
    Result<float*> row() {
        if (rows_ > 0 && (rows_ + 1) * cols_ > kChunkFloats) RETURN_IF_ERROR(flush());
        values_.resize((rows_ + 1) * cols_);
        return values_.data() + rows_++ * cols_;
    }

    Status flush() {
        if (rows_ == 0) return ok_status();
        if (tensor_.type == WeightType::kF16)
            for (const float value : values_)
                if (!(std::fabs(value) <= kMaxF16))
                    return invalid(
                        fmt::format("tensor {} has a value of {}, beyond f16; write "
                                    "it as bf16 or f32",
                                    tensor_.name, value));
        out_.resize(rows_ * tensor::weight_row_bytes(tensor_.type, cols_));
        const auto narrowed =
            tensor::quantise_weight({values_.data(), rows_, cols_}, tensor_.type, out_.data());
        if (!narrowed.ok()) return narrowed.error().with_prefix("tensor " + tensor_.name);
        rows_ = 0;
        return sink_(out_);
    }

  private:
    const ExportTensor& tensor_;
    std::size_t cols_;
    const Sink& sink_;
    std::size_t rows_ = 0;
    std::vector<float> values_;
    Bytes out_;
};

Status write_rows(const model::Model& model, const ExportTensor& tensor, bool interleaved,
                  const Sink& sink) {
    Narrowing narrowing(tensor, static_cast<std::size_t>(tensor.shape.back()), sink);
    for (const model::TensorInfo& info : tensor.parts) {
        const Weight& weight = model::tensor_at(model.weights, info.kind, info.layer);
        const Order order(model.config, info, interleaved);
        const bool as_it_is = weight.type == tensor.type && !weight.packed;
        const auto* data = static_cast<const std::uint8_t*>(weight.data);
        if (as_it_is && order.same()) {
            RETURN_IF_ERROR(narrowing.flush());
            RETURN_IF_ERROR(sink({data, weight.canonical_bytes()}));
            continue;
        }
        const std::size_t row_bytes = tensor::weight_row_bytes(weight.type, weight.cols);
        for (std::size_t row = 0; row < weight.rows; ++row) {
            if (as_it_is) {
                RETURN_IF_ERROR(sink({data + order(row) * row_bytes, row_bytes}));
                continue;
            }
            ASSIGN_OR_RETURN(float* out, narrowing.row());
            tensor::weight_row(weight, order(row), out);
        }
    }
    return narrowing.flush();
}

Status write_transposed(const model::Model& model, const ExportTensor& tensor, bool interleaved,
                        const Sink& sink) {
    const auto rows = static_cast<std::size_t>(tensor.shape[0]);
    const auto cols = static_cast<std::size_t>(tensor.shape[1]);
    std::vector<float> values(rows * cols);
    std::vector<float> line(rows);
    std::size_t at = 0;
    for (const model::TensorInfo& info : tensor.parts) {
        const Weight& weight = model::tensor_at(model.weights, info.kind, info.layer);
        const Order order(model.config, info, interleaved);
        for (std::size_t row = 0; row < weight.rows; ++row, ++at) {
            tensor::weight_row(weight, order(row), line.data());
            for (std::size_t i = 0; i < rows; ++i) values[i * cols + at] = line[i];
        }
    }
    Narrowing narrowing(tensor, cols, sink);
    for (std::size_t row = 0; row < rows; ++row) {
        ASSIGN_OR_RETURN(float* out, narrowing.row());
        std::copy_n(values.data() + row * cols, cols, out);
    }
    return narrowing.flush();
}

// Norms and biases: one row, of all parts in turn.
Status write_vector(const model::Model& model, const ExportTensor& tensor, bool interleaved,
                    const Sink& sink) {
    Narrowing narrowing(tensor, static_cast<std::size_t>(tensor.shape[0]), sink);
    ASSIGN_OR_RETURN(float* out, narrowing.row());
    for (const model::TensorInfo& info : tensor.parts) {
        const Weight& weight = model::tensor_at(model.weights, info.kind, info.layer);
        const float* values = model::floats(weight);
        const Order order(model.config, info, interleaved);
        for (std::size_t i = 0; i < weight.cols; ++i) *out++ = values[order(i)] - tensor.added;
    }
    return narrowing.flush();
}

// Tables whose rows are added to the residual stream: no product reads them, so narrowing gains
// nothing.
bool is_table(model::TensorKind kind) {
    return kind == model::TensorKind::kPositionEmbedding ||
           kind == model::TensorKind::kTypeEmbedding;
}

}  // namespace

Result<std::vector<ExportTensor>> tensors_to_export(const model::Model& model,
                                                    const ExportFormat& format) {
    std::vector<ExportTensor> result;
    std::map<std::string, std::size_t> places;
    const model::ParameterLayout layout = model.layout();
    for (const model::TensorInfo& info : layout.tensors()) {
        const TensorPlace place = format.place_of(info);
        if (place.name.empty())
            return Error{ErrorCode::kUnsupported, "the format has no place for " + info.name};
        const Weight& weight = model::tensor_at(model.weights, info.kind, info.layer);
        CHECK(!weight.empty());
        const auto [at, fresh] = places.emplace(place.name, result.size());
        if (fresh) {
            ExportTensor tensor;
            tensor.name = place.name;
            tensor.transposed = place.transposed;
            tensor.added = place.added;
            tensor.type = format.type(info, weight.type);
            result.push_back(std::move(tensor));
        }
        result[at->second].parts.push_back(info);
    }
    for (ExportTensor& tensor : result) {
        std::uint64_t rows = 0;
        std::uint64_t length = 0;
        for (const model::TensorInfo& info : tensor.parts) rows += info.rows, length += info.cols;
        const model::TensorInfo& first = tensor.parts.front();
        if (!first.is_matrix)
            tensor.shape = {length};
        else if (tensor.transposed)
            tensor.shape = {first.cols, rows};
        else
            tensor.shape = {rows, first.cols};
        const std::uint64_t count = first.is_matrix ? tensor.shape[0] : 1;
        tensor.bytes = count * tensor::weight_row_bytes(
                                   tensor.type, static_cast<std::size_t>(tensor.shape.back()));
    }
    return result;
}

Status write_export_tensor(const model::Model& model, const ExportTensor& tensor,
                           bool rope_interleaved, const Sink& sink) {
    if (!tensor.parts.front().is_matrix) return write_vector(model, tensor, rope_interleaved, sink);
    if (tensor.transposed) return write_transposed(model, tensor, rope_interleaved, sink);
    return write_rows(model, tensor, rope_interleaved, sink);
}

bool falls_back_to_f16(const model::TensorInfo& info, WeightType wanted) {
    return info.is_matrix && !is_table(info.kind) && info.cols % tensor::weight_group(wanted) != 0;
}

WeightType default_export_type(const model::TensorInfo& info, WeightType current,
                               std::optional<WeightType> wanted) {
    if (!info.is_matrix) return WeightType::kF32;
    if (!wanted) return current;
    if (is_table(info.kind)) return WeightType::kF32;
    return falls_back_to_f16(info, *wanted) ? WeightType::kF16 : *wanted;
}

}  // namespace cairn::formats
