// Any model that ModelConfig describes, in plain double precision, written from the equations
// alone: the oracle for hidden states, losses and, by finite differences, for gradients. Shares no
// code with the passes it checks.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/layout.h"

namespace cairn::model {

class Oracle {
  public:
    using Row = std::vector<double>;
    using K = TensorKind;

    explicit Oracle(const ParameterLayout& layout) : layout_(layout), c_(layout.config()) {}

    /// Sum of the losses over sequences of `T` tokens, in nats.
    double loss(std::span<const double> flat, std::span<const std::uint32_t> tokens,
                std::span<const std::uint32_t> targets, std::size_t T) const {
        double sum = 0;
        for (std::size_t at = 0; at < tokens.size(); at += T) {
            const std::vector<Row> states = hidden(flat, tokens.subspan(at, T));
            const auto head = tensor(flat, c_.tied_head ? K::kTokenEmbedding : K::kHead);
            for (std::size_t t = 0; t < T; ++t) {
                const Row z = times(head, states[t]);
                double total = 0;
                for (const double v : z) total += std::exp(v);
                sum += std::log(total) - z[targets[at + t]];
            }
        }
        return sum;
    }

    /// The hidden states of one sequence after all layers and the final norm, if there is one.
    /// `source`: the states of the text that cross attention sees.
    std::vector<Row> hidden(std::span<const double> flat, std::span<const std::uint32_t> tokens,
                            std::span<const Row> source = {}) const {
        std::vector<Row> x;
        for (std::size_t t = 0; t < tokens.size(); ++t) x.push_back(embed(flat, tokens[t], t));
        for (std::uint32_t l = 0; l < c_.layers; ++l) x = layer(flat, l, x, source);
        if (c_.has_final_norm())
            for (Row& row : x) row = norm(flat, row, K::kFinalNorm, K::kFinalNormBias, 0);
        return x;
    }

  private:
    std::span<const double> tensor(std::span<const double> flat, K kind,
                                   std::uint32_t layer = 0) const {
        return layout_.slice_if(flat, kind, layer);
    }
    static Row times(std::span<const double> weight, const Row& x) {
        Row y(weight.size() / x.size());
        for (std::size_t i = 0; i < y.size(); ++i)
            for (std::size_t k = 0; k < x.size(); ++k) y[i] += weight[i * x.size() + k] * x[k];
        return y;
    }
    static void add(Row& x, std::span<const double> y) {
        for (std::size_t i = 0; i < y.size(); ++i) x[i] += y[i];
    }
    Row linear(std::span<const double> flat, K weight, K bias, std::uint32_t l,
               const Row& x) const {
        Row y = matrix(flat, *projection_of(weight), l, x);
        add(y, tensor(flat, bias, l));
        return y;
    }
    // Factors as they are written down: each block's V, then its U.
    Row matrix(std::span<const double> flat, Projection p, std::uint32_t l, const Row& x) const {
        const auto left = tensor(flat, matrix_of(p), l);
        const auto right = tensor(flat, right_factor_of(p), l);
        if (right.empty()) return times(left, x);
        const FactorBlocks blocks = c_.blocks(p);
        return in_blocks(left, blocks.left, in_blocks(right, blocks.right, x));
    }
    static Row in_blocks(std::span<const double> weight, std::size_t blocks, const Row& x) {
        Row y;
        for (std::size_t b = 0; b < blocks; ++b) {
            const auto from = x.begin() + static_cast<std::ptrdiff_t>(b * x.size() / blocks);
            const Row part =
                times(weight.subspan(b * weight.size() / blocks, weight.size() / blocks),
                      Row(from, from + static_cast<std::ptrdiff_t>(x.size() / blocks)));
            y.insert(y.end(), part.begin(), part.end());
        }
        return y;
    }
    Row normalised(std::span<const double> x, std::span<const double> gamma,
                   std::span<const double> beta, bool centred) const {
        const auto n = static_cast<double>(x.size());
        double mean = 0;
        if (centred)
            for (const double v : x) mean += v / n;
        double squares = 0;
        for (const double v : x) squares += (v - mean) * (v - mean) / n;
        Row y(x.size());
        for (std::size_t i = 0; i < x.size(); ++i)
            y[i] = (x[i] - mean) / std::sqrt(squares + double{c_.norm_eps}) * gamma[i] +
                   (beta.empty() ? 0 : beta[i]);
        return y;
    }
    Row norm(std::span<const double> flat, const Row& x, K gamma, K beta, std::uint32_t l) const {
        return normalised(x, tensor(flat, gamma, l), tensor(flat, beta, l),
                          c_.norm == NormKind::kLayer);
    }
    Row embed(std::span<const double> flat, std::uint32_t token, std::size_t position) const {
        const auto row_of = [&](K kind, std::size_t row) {
            return tensor(flat, kind).subspan(row * c_.dim, c_.dim);
        };
        const auto row = row_of(K::kTokenEmbedding, token);
        Row x(row.begin(), row.end());
        if (c_.scaled_embedding)
            for (double& v : x) v *= std::sqrt(static_cast<double>(c_.dim));
        if (c_.positions == PositionKind::kLearned) add(x, row_of(K::kPositionEmbedding, position));
        if (c_.positions == PositionKind::kSinusoidal)
            for (std::size_t i = 0; i < c_.dim; ++i) {
                const double angle = static_cast<double>(position) *
                                     std::pow(10000.0, -static_cast<double>(i / 2 * 2) / c_.dim);
                x[i] += i % 2 == 0 ? std::sin(angle) : std::cos(angle);
            }
        if (c_.token_types > 0) add(x, row_of(K::kTypeEmbedding, 0));
        return c_.embedding_norm ? norm(flat, x, K::kEmbeddingNorm, K::kEmbeddingNormBias, 0) : x;
    }
    // The angle of pair i, unscaled or scaled linearly; the other scalings have a test in tensor/.
    double angle(std::size_t position, std::size_t i, bool local) const {
        const double scale = c_.rope_scale.kind == RopeScalingKind::kLinear && !local
                                 ? double{c_.rope_scale.factor}
                                 : 1.0;
        return static_cast<double>(position) / scale *
               std::pow(double{local ? c_.local_rope_theta : c_.rope_theta},
                        -2.0 * static_cast<double>(i) / static_cast<double>(c_.head_dim()));
    }
    // Norm of heads and rotation.
    void turn(Row& x, std::span<const double> gamma, std::size_t position, bool local) const {
        const std::size_t d = c_.head_dim();
        for (std::size_t at = 0; at < x.size(); at += d) {
            if (c_.qk_norm) {
                const Row y = normalised(std::span(x).subspan(at, d), gamma, {}, false);
                std::copy(y.begin(), y.end(), x.begin() + static_cast<std::ptrdiff_t>(at));
            }
            if (c_.positions != PositionKind::kRotary) continue;
            for (std::size_t i = 0; i < d / 2; ++i) {
                const double turned = angle(position, i, local);
                double& a = x[at + (c_.rope_interleaved ? 2 * i : i)];
                double& b = x[at + (c_.rope_interleaved ? 2 * i + 1 : i + d / 2)];
                const double a0 = a;
                a = a0 * std::cos(turned) - b * std::sin(turned);
                b = a0 * std::sin(turned) + b * std::cos(turned);
            }
        }
    }
    Row attend(const Row& q, std::span<const Row> keys, std::span<const Row> values) const {
        const std::size_t d = c_.head_dim();
        const std::size_t share = c_.heads / c_.kv_heads;
        Row out(q.size());
        for (std::size_t head = 0; head < c_.heads; ++head) {
            Row p(keys.size());
            double total = 0;
            for (std::size_t j = 0; j < keys.size(); ++j) {
                for (std::size_t i = 0; i < d; ++i)
                    p[j] += q[head * d + i] * keys[j][head / share * d + i];
                p[j] = std::exp(p[j] / std::sqrt(static_cast<double>(d)));
                total += p[j];
            }
            for (std::size_t j = 0; j < keys.size(); ++j)
                for (std::size_t i = 0; i < d; ++i)
                    out[head * d + i] += p[j] / total * values[j][head / share * d + i];
        }
        return out;
    }
    static double activate(FeedForward kind, double v) {
        constexpr double kRootTwoOverPi = 0.79788456080286535588;
        switch (kind) {
            case FeedForward::kSwiglu:
                return v / (1 + std::exp(-v));
            case FeedForward::kGelu:
                return v * 0.5 * std::erfc(-v / std::sqrt(2.0));
            case FeedForward::kGeluTanh:
            case FeedForward::kGeglu:
                return v * 0.5 * (1 + std::tanh(kRootTwoOverPi * (v + 0.044715 * v * v * v)));
            case FeedForward::kRelu:
                return v > 0 ? v : 0;
        }
        return 0;
    }
    Row feed_forward(std::span<const double> flat, std::uint32_t l, const Row& x) const {
        Row up = linear(flat, K::kWUp, K::kBUp, l, x);
        if (!tensor(flat, K::kWGate, l).empty()) {
            const Row gate = linear(flat, K::kWGate, K::kBGate, l, x);
            for (std::size_t i = 0; i < up.size(); ++i) up[i] *= activate(c_.feed_forward, gate[i]);
        } else {
            for (double& v : up) v = activate(c_.feed_forward, v);
        }
        return linear(flat, K::kWDown, K::kBDown, l, up);
    }
    // One query row's cross attention.
    Row cross(std::span<const double> flat, std::uint32_t l, const Row& x,
              std::span<const Row> source) const {
        const auto affine = [&](K weight, K bias, const Row& row) {
            Row y = times(tensor(flat, weight, l), row);
            add(y, tensor(flat, bias, l));
            return y;
        };
        std::vector<Row> keys, values;
        for (const Row& state : source) {
            keys.push_back(affine(K::kCrossWk, K::kCrossBk, state));
            values.push_back(affine(K::kCrossWv, K::kCrossBv, state));
        }
        return affine(K::kCrossWo, K::kCrossBo,
                      attend(affine(K::kCrossWq, K::kCrossBq, x), keys, values));
    }
    std::vector<Row> layer(std::span<const double> flat, std::uint32_t l, std::vector<Row> x,
                           std::span<const Row> source) const {
        const bool before = c_.norm_position != NormPosition::kPost;
        const bool behind = c_.norm_position == NormPosition::kBoth;
        const bool local = c_.window > 0 && (l + 1) % c_.window_period > 0;
        const auto post = [&](const Row& row, K kind) {
            return behind ? normalised(row, tensor(flat, kind, l), {}, false) : row;
        };
        const auto attn_norm = [&](const Row& row) {
            return norm(flat, row, K::kAttnNorm, K::kAttnNormBias, l);
        };
        const auto ffn_norm = [&](const Row& row) {
            return norm(flat, row, K::kFfnNorm, K::kFfnNormBias, l);
        };
        std::vector<Row> queries, keys, values;
        for (std::size_t t = 0; t < x.size(); ++t) {
            const Row n = before ? attn_norm(x[t]) : x[t];
            queries.push_back(linear(flat, K::kWq, K::kBq, l, n));
            keys.push_back(linear(flat, K::kWk, K::kBk, l, n));
            values.push_back(linear(flat, K::kWv, K::kBv, l, n));
            turn(queries.back(), tensor(flat, K::kQNorm, l), t, local);
            turn(keys.back(), tensor(flat, K::kKNorm, l), t, local);
        }
        for (std::size_t t = 0; t < x.size(); ++t) {
            const std::size_t seen = c_.causal ? t + 1 : x.size();
            const std::size_t from = local && seen > c_.window ? seen - c_.window : 0;
            const Row attn_output = attend(queries[t], std::span(keys).subspan(from, seen - from),
                                           std::span(values).subspan(from, seen - from));
            add(x[t], post(linear(flat, K::kWo, K::kBo, l, attn_output), K::kAttnPostNorm));
            if (!before) x[t] = attn_norm(x[t]);
            const auto cross_norm = [&](const Row& row) {
                return norm(flat, row, K::kCrossNorm, K::kCrossNormBias, l);
            };
            if (c_.crosses()) {
                add(x[t], cross(flat, l, before ? cross_norm(x[t]) : x[t], source));
                if (!before) x[t] = cross_norm(x[t]);
            }
            add(x[t], post(feed_forward(flat, l, before ? ffn_norm(x[t]) : x[t]), K::kFfnPostNorm));
            if (!before) x[t] = ffn_norm(x[t]);
        }
        return x;
    }

    const ParameterLayout& layout_;
    const ModelConfig& c_;
};

}  // namespace cairn::model
