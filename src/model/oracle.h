// A Llama-style model in plain double precision, written from the equations alone: the oracle for
// losses and, by finite differences, for gradients. Shares no code with the passes it checks.
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
    explicit Oracle(const ParameterLayout& layout) : layout_(layout), c_(layout.config()) {}

    /// Sum of the losses over sequences of `T` tokens, in nats.
    double loss(std::span<const double> flat, std::span<const std::uint32_t> tokens,
                std::span<const std::uint32_t> targets, std::size_t T) const {
        double sum = 0;
        for (std::size_t at = 0; at < tokens.size(); at += T)
            sum += sequence(flat, tokens.subspan(at, T), targets.subspan(at, T));
        return sum;
    }

  private:
    using Row = std::vector<double>;

    std::span<const double> tensor(std::span<const double> flat, TensorKind kind,
                                   std::uint32_t layer = 0) const {
        return layout_.slice(flat, kind, layer);
    }
    static Row times(std::span<const double> weight, const Row& x) {
        Row y(weight.size() / x.size());
        for (std::size_t i = 0; i < y.size(); ++i)
            for (std::size_t k = 0; k < x.size(); ++k) y[i] += weight[i * x.size() + k] * x[k];
        return y;
    }
    Row norm(const Row& x, std::span<const double> gamma) const {
        double squares = 0;
        for (const double v : x) squares += v * v;
        const double r =
            1 / std::sqrt(squares / static_cast<double>(x.size()) + double{c_.norm_eps});
        Row y(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * r * gamma[i];
        return y;
    }
    void rotate(Row& x, std::size_t position) const {
        const std::size_t d = c_.head_dim();
        for (std::size_t head = 0; head < x.size() / d; ++head)
            for (std::size_t i = 0; i < d / 2; ++i) {
                const double angle = static_cast<double>(position) *
                                     std::pow(double{c_.rope_theta}, -2.0 * static_cast<double>(i) /
                                                                         static_cast<double>(d));
                double& a = x[head * d + (c_.rope_interleaved ? 2 * i : i)];
                double& b = x[head * d + (c_.rope_interleaved ? 2 * i + 1 : i + d / 2)];
                const double a0 = a;
                a = a0 * std::cos(angle) - b * std::sin(angle);
                b = a0 * std::sin(angle) + b * std::cos(angle);
            }
    }
    Row attend(const Row& q, const std::vector<Row>& keys, const std::vector<Row>& values) const {
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
    double sequence(std::span<const double> flat, std::span<const std::uint32_t> tokens,
                    std::span<const std::uint32_t> targets) const {
        const auto embedding = tensor(flat, TensorKind::kTokenEmbedding);
        const auto head = c_.tied_head ? embedding : tensor(flat, TensorKind::kHead);
        std::vector<std::vector<Row>> keys(c_.layers), values(c_.layers);
        double sum = 0;
        for (std::size_t t = 0; t < tokens.size(); ++t) {
            const auto row = embedding.subspan(std::size_t{tokens[t]} * c_.dim, c_.dim);
            Row x(row.begin(), row.end());
            for (std::uint32_t l = 0; l < c_.layers; ++l) {
                const Row n = norm(x, tensor(flat, TensorKind::kAttnNorm, l));
                Row q = times(tensor(flat, TensorKind::kWq, l), n);
                Row k = times(tensor(flat, TensorKind::kWk, l), n);
                rotate(q, t);
                rotate(k, t);
                keys[l].push_back(k);
                values[l].push_back(times(tensor(flat, TensorKind::kWv, l), n));
                add(x, times(tensor(flat, TensorKind::kWo, l), attend(q, keys[l], values[l])));
                const Row f = norm(x, tensor(flat, TensorKind::kFfnNorm, l));
                Row gate = times(tensor(flat, TensorKind::kWGate, l), f);
                const Row up = times(tensor(flat, TensorKind::kWUp, l), f);
                for (std::size_t i = 0; i < gate.size(); ++i)
                    gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
                add(x, times(tensor(flat, TensorKind::kWDown, l), gate));
            }
            const Row z = times(head, norm(x, tensor(flat, TensorKind::kFinalNorm)));
            double total = 0;
            for (const double v : z) total += std::exp(v);
            sum += std::log(total) - z[targets[t]];
        }
        return sum;
    }
    static void add(Row& x, const Row& y) {
        for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    }

    const ParameterLayout& layout_;
    const ModelConfig& c_;
};

}  // namespace cairn::model
