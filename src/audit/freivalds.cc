#include "audit/freivalds.h"

#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "audit/field.h"
#include "tensor/quantised_format.h"
#include "tensor/split.h"

namespace cairn::audit {

namespace {

/// No quantised activation exceeds 127 and no weight 128.
constexpr std::int64_t kLargestTerm = 127 * 128;

/// W^T r. A weight has 8 bits and each half of r 31, so that a 64-bit sum holds 2^24 rows.
std::vector<std::uint64_t> project(const tensor::Weight& w, const SumsFactor& r) {
    CHECK(w.rows <= std::size_t{1} << 24);
    const std::size_t groups = tensor::quantised_groups(w);
    std::vector<std::int64_t> low(groups * tensor::kQuantGroup);
    std::vector<std::int64_t> high(low.size());
    for (std::size_t row = 0; row < w.rows; ++row)
        for (std::size_t g = 0; g < groups; ++g) {
            const tensor::QuantisedGroup group = tensor::quantised_group(w, row, g);
            for (std::size_t k = 0; k < tensor::kQuantGroup; ++k) {
                low[g * tensor::kQuantGroup + k] += std::int64_t{group.q[k]} * r.low[row];
                high[g * tensor::kQuantGroup + k] += std::int64_t{group.q[k]} * r.high[row];
            }
        }
    std::vector<std::uint64_t> projection(w.cols);
    for (std::size_t k = 0; k < w.cols; ++k)
        projection[k] = field_of(low[k] + (static_cast<Int128>(field_of(high[k])) << 30));
    return projection;
}

MatrixSecret draw_secret(std::string name, const tensor::Weight& w, Random& random) {
    std::vector<std::uint64_t> elements(w.rows);
    for (std::uint64_t& element : elements) element = draw_field(random);
    SumsFactor r(elements);
    QuantsFactor projection(project(w, r));
    return {std::move(name), std::move(r), std::move(projection), row_scales(w), w.cols};
}

/// Takes the products' sums from evidence and checks them.
class CheckedProducts final : public model::Products {
  public:
    CheckedProducts(const FreivaldsSecrets& secrets, ByteView evidence,
                    const tensor::Compute& compute)
        : secrets_(secrets),
          evidence_(evidence),
          compute_(compute),
          kernels_(field_kernels_of(*compute.kernels)) {}

    void multiply(tensor::ConstMatrix x, std::span<const tensor::Product> products) override {
        if (suspicion_.empty()) {
            stride_ = field_padded(x.cols);
            if (quants_.size() != x.rows * stride_ || x.cols != stride_)
                quants_.assign(x.rows * stride_, 0);
            scales_.resize(x.rows);
            tensor::split(compute_, x.rows, kGrain, [&](std::size_t begin, std::size_t end) {
                for (std::size_t i = begin; i < end; ++i)
                    scales_[i] = kernels_.quantise(x.row(i), x.cols, quants_.data() + i * stride_);
            });
        }
        for (const tensor::Product& product : products) {
            if (suspicion_.empty()) check(secrets_.of(product.w), product.c);
            if (!suspicion_.empty()) fill_zeros(product.c);
        }
    }

    /// What is wrong with the evidence; empty if nothing.
    std::string verdict() const {
        if (suspicion_.empty() && !evidence_.empty()) return "the evidence is too long";
        return suspicion_;
    }

  private:
    static constexpr std::size_t kGrain = 4;

    /// Where a row's sums lie, and how wide they are.
    struct Row {
        const std::uint8_t* sums;
        std::size_t width;
    };

    static void fill_zeros(tensor::Matrix y) {
        for (std::size_t i = 0; i < y.rows; ++i) std::fill_n(y.row(i), y.cols, 0.0F);
    }

    bool cut_rows(std::size_t rows, std::size_t outputs) {
        rows_.clear();
        for (std::size_t i = 0; i < rows; ++i) {
            const std::size_t width = evidence_.empty() ? 0 : evidence_[0];
            if (width < 2 || width > 4 || (evidence_.size() - 1) / width < outputs) return false;
            rows_.push_back({evidence_.data() + 1, width});
            evidence_ = evidence_.subspan(1 + width * outputs);
        }
        return true;
    }

    void check(const MatrixSecret& secret, tensor::Matrix y) {
        if (!cut_rows(y.rows, y.cols)) {
            suspicion_ = secret.name + ": the evidence is cut short or not in its form";
            return;
        }
        first_bad_ = y.rows;
        sums_stride_ = field_padded(y.cols);
        sums_.resize(y.rows * sums_stride_);
        tensor::split(compute_, y.rows, kGrain, [&](std::size_t begin, std::size_t end) {
            // A few rows at a time, in the same memory, which stays in the cache.
            std::int32_t* const sums = sums_.data() + begin * sums_stride_;
            for (std::size_t row = begin; row < end; row += kGrain)
                check_rows(secret, y.row_range(row, std::min(kGrain, end - row)), row, sums);
        });
        if (first_bad_ < y.rows)
            suspicion_ = fmt::format("{}: row {} of a batch is not the product of the weights",
                                     secret.name, first_bad_.load());
    }

    /// At most kGrain rows, of which `first` is the first of the batch.
    void check_rows(const MatrixSecret& secret, tensor::Matrix y, std::size_t first,
                    std::int32_t* sums) {
        const std::int64_t bound = std::min<std::int64_t>(
            kLargestTerm * static_cast<std::int64_t>(secret.in), kLargestSum[4]);
        for (std::size_t i = 0; i < y.rows; ++i) {
            const auto [at, width] = rows_[first + i];
            std::int32_t* const row = sums + i * sums_stride_;
            const std::int64_t largest = kernels_.read_sums(width, at, y.cols, row);
            std::fill(row + y.cols, row + sums_stride_, 0);
            const bool spelled = width == 2 || largest > kLargestSum[width - 1];
            if (largest > bound || !spelled) return bad(first + i);
        }
        std::uint64_t claimed[kGrain];
        std::uint64_t right[kGrain];
        kernels_.dot_sums(sums, sums_stride_, y.rows, bound, secret.r, claimed);
        kernels_.dot_quants(quants_.data() + first * stride_, stride_, y.rows, secret.projection,
                            right);
        for (std::size_t i = 0; i < y.rows; ++i)
            if (claimed[i] != right[i]) return bad(first + i);
        for (std::size_t i = 0; i < y.rows; ++i)
            kernels_.outputs(sums + i * sums_stride_, secret.scales.data(), scales_[first + i],
                             y.cols, y.row(i));
    }

    void bad(std::size_t row) {
        std::size_t before = first_bad_;
        while (row < before && !first_bad_.compare_exchange_weak(before, row)) {
        }
    }

    const FreivaldsSecrets& secrets_;
    ByteView evidence_;
    const tensor::Compute& compute_;
    const FieldKernels& kernels_;
    std::string suspicion_;
    std::vector<std::int16_t> quants_;  // [rows, stride_]
    std::vector<float> scales_;         // [rows]
    std::size_t stride_ = 0;
    std::vector<Row> rows_;
    std::vector<std::int32_t> sums_;  // [rows, sums_stride_]
    std::size_t sums_stride_ = 0;
    std::atomic<std::size_t> first_bad_ = 0;
};

}  // namespace

Result<FreivaldsSecrets> FreivaldsSecrets::draw(const model::ModelConfig& config,
                                                const model::Weights& weights,
                                                model::LayerRange layers, Random& random) {
    RETURN_IF_ERROR(can_show_evidence(config, weights, layers));
    FreivaldsSecrets secrets;
    secrets.layers_ = layers;
    for (std::uint32_t layer = layers.begin; layer < layers.end; ++layer) {
        const model::LayerWeights& w = weights.layers[layer];
        const std::pair<const char*, const tensor::Weight*> matrices[] = {
            {"wq", &w.wq},         {"wk", &w.wk},     {"wv", &w.wv},        {"wo", &w.wo},
            {"w_gate", &w.w_gate}, {"w_up", &w.w_up}, {"w_down", &w.w_down}};
        for (const auto& [name, matrix] : matrices)
            if (!matrix->empty())
                secrets.secrets_.emplace(
                    matrix->data,
                    draw_secret(fmt::format("layer {}, {}", layer, name), *matrix, random));
    }
    return secrets;
}

const MatrixSecret& FreivaldsSecrets::of(const tensor::Weight& w) const {
    const auto found = secrets_.find(w.data);
    CHECK(found != secrets_.end());
    return found->second;
}

std::uint64_t FreivaldsSecrets::bytes() const {
    std::uint64_t total = 0;
    for (const auto& [data, secret] : secrets_)
        total += 8 * (secret.r.low.size() + secret.projection.digits[0].size()) +
                 4 * secret.scales.size();
    return total;
}

Result<FreivaldsResult> check_evidence(const model::ModelConfig& config,
                                       const model::Weights& weights,
                                       const FreivaldsSecrets& secrets,
                                       std::span<const float> inputs, model::KvType kv,
                                       ByteView evidence, const tensor::Compute& compute) {
    CheckedProducts products(secrets, evidence, compute);
    FreivaldsResult result;
    ASSIGN_OR_RETURN(result.outputs, recompute(config, weights, secrets.layers(), inputs, kv,
                                               compute, tensor::StateType::kF32, 0, &products));
    result.suspicion = products.verdict();
    return result;
}

}  // namespace cairn::audit
