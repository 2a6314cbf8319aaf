#include "lab/audit_cost.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "audit/freivalds.h"
#include "tensor/weight.h"

namespace cairn::lab {

namespace {

using model::LayerWeights;
using Matrices = std::vector<tensor::Weight*>;

Matrices matrices_of(LayerWeights& w) {
    return {&w.wq, &w.wk, &w.wv, &w.wo, &w.w_gate, &w.w_up, &w.w_down};
}

/// One layer of random weights, its matrices in W8A8-row and packed.
model::Model make_layer(const model::ModelConfig& config, const tensor::Compute& compute,
                        std::uint64_t& weight_bytes) {
    model::Model dense =
        model::make_model(config, model::initial_parameters(model::ParameterLayout(config), 1));
    std::vector<Bytes> memory;
    for (tensor::Weight* w : matrices_of(dense.weights.layers[0])) {
        Bytes& bytes = memory.emplace_back(
            w->rows * tensor::weight_row_bytes(tensor::WeightType::kW8A8Row, w->cols));
        CHECK(tensor::quantise_weight(w->f32(), tensor::WeightType::kW8A8Row, bytes.data()).ok());
        *w = {tensor::WeightType::kW8A8Row, w->rows, w->cols, bytes.data()};
        weight_bytes += bytes.size();
    }
    return model::pack_model(compute, dense);
}

class Bench {
  public:
    Bench(const AuditCostCase& given, const model::ModelConfig& config, std::uint32_t repeats,
          const tensor::Compute& compute, const Clock& clock)
        : compute_(compute), clock_(clock), repeats_(repeats) {
        cost_.given = given;
        model_ = make_layer(config, compute, cost_.weight_bytes);
        SeededRandom random(3);
        inputs_.resize(std::size_t{given.tokens} * given.width);
        for (float& x : inputs_) x = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
    }

    Result<AuditCost> run() {
        SystemRandom random;
        ASSIGN_OR_RETURN(
            const audit::FreivaldsSecrets secrets,
            audit::FreivaldsSecrets::draw(model_.config, model_.weights, kLayer, random));
        cost_.secret_bytes = secrets.bytes();
        cost_.secrets_drawn = seconds([&] {
            (void)audit::FreivaldsSecrets::draw(model_.config, model_.weights, kLayer, random);
        });
        Bytes evidence;
        cost_.evidence_made = seconds([&] {
            evidence = audit::make_evidence(model_.config, model_.weights, kLayer, inputs_,
                                            model::KvType::kF32, compute_)
                           .value();
        });
        cost_.evidence_bytes = evidence.size();
        cost_.layer_computed = seconds([&] {
            (void)audit::recompute(model_.config, model_.weights, kLayer, inputs_,
                                   model::KvType::kF32, compute_);
        });
        cost_.layer_audited = seconds([&] {
            const auto checked =
                audit::check_evidence(model_.config, model_.weights, secrets, inputs_,
                                      model::KvType::kF32, evidence, compute_);
            CHECK(checked.ok() && checked->suspicion.empty());
        });
        products(secrets);
        return cost_;
    }

  private:
    static constexpr model::LayerRange kLayer{0, 1};

    double seconds(const std::function<void()>& work) {
        std::uint64_t least = UINT64_MAX;
        for (std::uint32_t i = 0; i < repeats_; ++i) {
            const std::uint64_t begun = clock_.monotonic_us();
            work();
            least = std::min(least, clock_.monotonic_us() - begun);
        }
        return static_cast<double>(least) / 1e6;
    }

    /// Sums come from memory, as evidence does: there are as many as the layer has.
    void products(const audit::FreivaldsSecrets& secrets) {
        const auto& kernels = audit::field_kernels_of(*compute_.kernels);
        const std::size_t rows = audit::kReplayRows;
        const std::size_t tokens = cost_.given.tokens / rows * rows;
        const std::size_t most =
            audit::field_padded(std::max(model_.config.dim, model_.config.hidden_dim));
        std::vector<float> x(rows * most, 0.5F);
        std::vector<float> y(rows * most);
        std::vector<std::int16_t> quants(rows * most, 77);
        std::vector<std::int32_t> sums(tokens * most, 123'456);
        std::uint64_t out[audit::kReplayRows];
        const auto for_all = [&](const auto& body) {
            for (std::size_t row = 0; row < tokens; row += rows)
                for (const tensor::Weight* w : matrices_of(model_.weights.layers[0])) body(row, *w);
        };
        cost_.products_computed = seconds([&] {
            for_all([&](std::size_t, const tensor::Weight& w) {
                tensor::matmul_nt(compute_, {x.data(), rows, w.cols}, w, {y.data(), rows, w.rows});
            });
        });
        std::uint64_t sink = 0;
        cost_.products_checked = seconds([&] {
            for_all([&](std::size_t row, const tensor::Weight& w) {
                const audit::MatrixSecret& secret = secrets.of(w);
                kernels.dot_sums(sums.data() + row * most, audit::field_padded(w.rows), rows,
                                 static_cast<std::int64_t>(w.cols) * 127 * 128, secret.r, out);
                sink += out[0];
                kernels.dot_quants(quants.data(), audit::field_padded(w.cols), rows,
                                   secret.projection, out);
                sink += out[0];
            });
        });
        CHECK(sink != 1);  // read, so that nothing is left out
    }

    const tensor::Compute& compute_;
    const Clock& clock_;
    std::uint32_t repeats_;
    model::Model model_;
    std::vector<float> inputs_;
    AuditCost cost_;
};

}  // namespace

Result<AuditCost> measure_audit_cost(const AuditCostCase& given, std::uint32_t repeats,
                                     const tensor::Compute& compute, const Clock& clock) {
    model::ModelConfig config{.dim = given.width,
                              .hidden_dim = given.hidden,
                              .layers = 1,
                              .heads = given.heads,
                              .kv_heads = given.kv_heads,
                              .vocab = 4,
                              .context = given.tokens};
    RETURN_IF_ERROR(model::validate(config));
    if (given.width % 4 != 0 || given.hidden % 4 != 0 || given.tokens < audit::kReplayRows)
        return invalid("widths are multiples of 4, and 64 tokens are the least");
    return Bench(given, config, repeats, compute, clock).run();
}

}  // namespace cairn::lab
