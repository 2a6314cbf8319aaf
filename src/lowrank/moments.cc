#include "lowrank/moments.h"

#include <algorithm>
#include <cmath>

#include "tensor/matmul.h"
#include "tensor/split.h"

namespace cairn::lowrank {

namespace {

using model::Projection;
using tensor::Compute;
using tensor::ConstMatrix;
using tensor::Matrix;

// Of the mean diagonal of S.
constexpr double kFloor = 1e-3;

std::size_t group_of(Projection projection) {
    switch (projection) {
        case Projection::kQuery:
        case Projection::kKey:
        case Projection::kValue:
            return 0;
        case Projection::kOutput:
            return 1;
        case Projection::kGate:
        case Projection::kUp:
            return 2;
        case Projection::kDown:
            return 3;
    }
    return 0;
}

// Computes the products, and adds up their inputs: of each layer four groups, in turn.
class Listener : public model::Products {
  public:
    Listener(const Compute& compute, std::size_t layers, std::function<Matrix(std::size_t)> sum)
        : compute_(compute), groups_(4 * layers), sum_(std::move(sum)) {}

    void multiply(ConstMatrix x, std::span<const tensor::Product> products) override {
        tensor::matmul_nt(compute_, x, products);
        tensor::matmul_tn_accumulate(compute_, x, x, sum_(next_));
        next_ = (next_ + 1) % groups_;
    }

  private:
    const Compute& compute_;
    std::size_t groups_;
    std::size_t next_ = 0;
    std::function<Matrix(std::size_t)> sum_;
};

}  // namespace

Result<Moments> Moments::of(const Compute& compute, const model::Model& model,
                            std::span<const std::uint32_t> tokens, std::size_t window,
                            const std::function<void(std::size_t)>& progress) {
    const model::ModelConfig& c = model.config;
    if (!c.ranks.empty())
        return Error{ErrorCode::kUnsupported, "the model's matrices are factors already"};
    if (!c.causal)
        return Error{ErrorCode::kUnsupported,
                     "an encoder cannot be calibrated by a text here; leave the text away"};
    if (tokens.empty()) return invalid("the calibration text is empty");
    Moments moments;
    moments.sums_.resize(c.layers);
    const std::size_t widths[] = {c.dim, c.q_dim(), c.dim, c.hidden_dim};
    for (auto& layer : moments.sums_)
        for (std::size_t i = 0; i < 4; ++i) {
            layer[i].width = widths[i];
            layer[i].values.resize(widths[i] * widths[i]);
        }
    Listener listener(compute, c.layers, [&](std::size_t group) {
        Sum& sum = moments.sums_[group / 4][group % 4];
        return Matrix(sum.values.data(), sum.width, sum.width);
    });
    window = std::min<std::size_t>(window, c.context);
    model::Transformer transformer(c, model.weights, model::all_layers(c), compute,
                                   {.max_batch = window, .max_positions = window});
    transformer.set_products(&listener);
    std::vector<float> states(window * c.dim);
    for (std::size_t at = 0; at < tokens.size(); at += window) {
        const std::size_t n = std::min(window, tokens.size() - at);
        const std::span<float> rows = std::span(states).first(n * c.dim);
        model::KvCache cache(c, model::all_layers(c), n);
        transformer.embed(tokens.subspan(at, n), 0, rows);
        transformer.forward(rows, cache);
        if (progress) progress(at + n);
    }
    return moments;
}

ConstMatrix Moments::at(std::uint32_t layer, Projection projection) const {
    const Sum& sum = sums_[layer][group_of(projection)];
    return {sum.values.data(), sum.width, sum.width};
}

Whitening::Whitening(ConstMatrix s, std::size_t begin, std::size_t size)
    : size_(size), l_(size * size) {
    double trace = 0;
    for (std::size_t i = 0; i < size; ++i) trace += double{s.row(begin + i)[begin + i]};
    const double floor = trace > 0 ? kFloor * trace / static_cast<double>(size) : 1.0;
    for (std::size_t j = 0; j < size; ++j) {
        double* row = l_.data() + j * size;
        for (std::size_t k = 0; k <= j; ++k) {
            double sum = double{s.row(begin + j)[begin + k]} + (k == j ? floor : 0.0);
            const double* other = l_.data() + k * size;
            for (std::size_t i = 0; i < k; ++i) sum -= row[i] * other[i];
            // Rounding of the sums can cost a pivot its sign; the floor is the least there is.
            row[k] = k == j ? std::sqrt(std::max(sum, floor / 2)) : sum / other[k];
        }
    }
}

std::vector<float> Whitening::apply(const Compute& compute, ConstMatrix w) const {
    CHECK(w.cols == size_);
    std::vector<float> l(l_.size());
    for (std::size_t i = 0; i < l.size(); ++i) l[i] = static_cast<float>(l_[i]);
    std::vector<float> result(w.rows * size_);
    tensor::matmul_nn(compute, w, ConstMatrix(l.data(), size_, size_),
                      Matrix(result.data(), w.rows, size_));
    return result;
}

// Each row x of x L = v, from the last column on.
void Whitening::undo(const Compute& compute, Matrix v) const {
    CHECK(v.cols == size_);
    tensor::split(compute, v.rows, 1, [&](std::size_t begin, std::size_t end) {
        std::vector<double> x(size_);
        for (std::size_t r = begin; r < end; ++r) {
            std::copy_n(v.row(r), size_, x.begin());
            for (std::size_t j = size_; j-- > 0;) {
                const double* row = l_.data() + j * size_;
                x[j] /= row[j];
                for (std::size_t i = 0; i < j; ++i) x[i] -= x[j] * row[i];
            }
            for (std::size_t j = 0; j < size_; ++j) v.row(r)[j] = static_cast<float>(x[j]);
        }
    });
}

}  // namespace cairn::lowrank
