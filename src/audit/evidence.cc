#include "audit/evidence.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "audit/field_kernels.h"
#include "model/held_layers.h"
#include "tensor/quantised_format.h"
#include "tensor/weight.h"

namespace cairn::audit {

namespace {

/// Sums up to here follow from the product that they gave: two of them never give the same float.
constexpr std::int32_t kReadable = std::int32_t{1} << 21;
/// Below it products of scales may have lost bits.
constexpr float kLeastScale = 0x1p-100F;

std::int32_t sum_of(const tensor::Weight& w, std::size_t output, const std::int16_t* q) {
    std::int32_t sum = 0;
    for (std::size_t g = 0; g < tensor::quantised_groups(w); ++g) {
        const tensor::QuantisedGroup group = tensor::quantised_group(w, output, g);
        const std::size_t first = g * tensor::kQuantGroup;
        for (std::size_t k = 0; k < std::min(tensor::kQuantGroup, w.cols - first); ++k)
            sum += q[first + k] * group.q[k];
    }
    return sum;
}

/// Computes the products as always and reads the sums off them.
class SumsKeeper final : public model::Products {
  public:
    explicit SumsKeeper(const tensor::Compute& compute)
        : compute_(compute), kernels_(field_kernels_of(*compute.kernels)) {}

    void multiply(tensor::ConstMatrix x, std::span<const tensor::Product> products) override {
        tensor::matmul_nt(compute_, x, products);
        quants_.resize(x.rows * x.cols);
        activation_scales_.resize(x.rows);
        for (std::size_t i = 0; i < x.rows; ++i)
            activation_scales_[i] =
                kernels_.quantise(x.row(i), x.cols, quants_.data() + i * x.cols);
        for (const tensor::Product& product : products) keep(product, x.cols);
    }

    Bytes take() && { return std::move(evidence_); }

  private:
    void keep(const tensor::Product& product, std::size_t cols) {
        const tensor::Weight& w = product.w;
        const std::vector<float> scales = row_scales(w);
        sums_.resize(w.rows);
        for (std::size_t i = 0; i < product.c.rows; ++i) {
            const float* y = product.c.row(i);
            const std::int16_t* q = quants_.data() + i * cols;
            for (std::size_t j = 0; j < w.rows; ++j) {
                const float scale = scales[j] * activation_scales_[i];
                const double ratio = static_cast<double>(y[j]) / static_cast<double>(scale);
                const bool readable =
                    std::fabs(scale) >= kLeastScale && std::fabs(ratio) <= kReadable;
                sums_[j] =
                    readable ? static_cast<std::int32_t>(std::lrint(ratio)) : sum_of(w, j, q);
            }
            append_sums(sums_, evidence_);
        }
    }

    const tensor::Compute& compute_;
    const FieldKernels& kernels_;
    std::vector<std::int16_t> quants_;
    std::vector<float> activation_scales_;
    std::vector<std::int32_t> sums_;
    Bytes evidence_;
};

}  // namespace

std::vector<float> row_scales(const tensor::Weight& w) {
    std::vector<float> scales((w.rows + tensor::kQuantPanel - 1) / tensor::kQuantPanel *
                              tensor::kQuantPanel);
    for (std::size_t panel = 0; panel * tensor::kQuantPanel < w.rows; ++panel)
        tensor::panel_scales(w, panel, scales.data() + panel * tensor::kQuantPanel);
    scales.resize(w.rows);
    return scales;
}

Status can_show_evidence(const model::ModelConfig& config, const model::Weights& weights,
                         model::LayerRange layers) {
    if (!config.causal)
        return Error{ErrorCode::kUnsupported,
                     "sessions of encoders have no sums to show; they are replayed"};
    if (config.crosses())
        return Error{ErrorCode::kUnsupported,
                     "sessions of decoders with cross attention have no sums to show; they are "
                     "replayed"};
    if (!config.ranks.empty())
        return Error{ErrorCode::kUnsupported,
                     "a model with factors of low rank has no sums to show; it is replayed"};
    if (!model::has_layers(config, weights, layers))
        return not_found("the auditor does not hold these layers");
    for (std::uint32_t layer = layers.begin; layer < layers.end; ++layer) {
        const model::LayerWeights& w = weights.layers[layer];
        for (const tensor::Weight* matrix :
             {&w.wq, &w.wk, &w.wv, &w.wo, &w.w_gate, &w.w_up, &w.w_down})
            if (!matrix->empty() && matrix->type != tensor::WeightType::kW8A8Row)
                return Error{ErrorCode::kUnsupported,
                             "only w8a8-row models have sums to show; others are replayed"};
    }
    return ok_status();
}

void append_sums(std::span<const std::int32_t> sums, Bytes& out) {
    std::int64_t largest = 0;
    for (const std::int32_t sum : sums) largest = std::max(largest, std::abs(std::int64_t{sum}));
    const std::uint8_t width = largest <= kLargestSum[2] ? 2 : largest <= kLargestSum[3] ? 3 : 4;
    out.push_back(width);
    std::size_t at = out.size();
    out.resize(at + sums.size() * width);
    for (const std::int32_t sum : sums) {
        const std::size_t bytes = width == 4 ? 4 : 2;
        std::memcpy(out.data() + at, &sum, bytes);
        at += bytes;
    }
    if (width != 3) return;
    for (const std::int32_t sum : sums) out[at++] = static_cast<std::uint8_t>(sum >> 16);
}

Result<Bytes> make_evidence(const model::ModelConfig& config, const model::Weights& weights,
                            model::LayerRange layers, std::span<const float> inputs,
                            model::KvType kv, const tensor::Compute& compute) {
    RETURN_IF_ERROR(can_show_evidence(config, weights, layers));
    SumsKeeper keeper(compute);
    RETURN_IF_ERROR(recompute(config, weights, layers, inputs, kv, compute, tensor::StateType::kF32,
                              0, &keeper));
    return std::move(keeper).take();
}

}  // namespace cairn::audit
