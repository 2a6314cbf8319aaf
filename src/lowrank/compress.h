// A whole model with the matrices of its layers as two thin factors: which ranks, the factors, and
// a report of each matrix. Embeddings, head, norms and biases stay as they are.
//
//   Compressed made = *compress(compute, model, {.rule = ByEnergy{0.9}});
//   made.model                  // runs, trains and is saved as any model
//   made.model = *multiply_out(compute, made.model);   // and back, for programs without factors
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lowrank/moments.h"
#include "lowrank/rank.h"

namespace cairn::lowrank {

struct CompressOptions {
    RankRule rule;
    /// Each head's part of wq, wk, wv and wo by itself (papers B, section 4.2), all of a matrix
    /// with one rank: the largest that any of them needs.
    bool per_head = false;
    /// Activation-aware: energies and factors are those of W L (moments.h); null: of W.
    const Moments* moments = nullptr;
    /// What factors are stored as; rows of other lengths than its blocks as f16.
    tensor::WeightType factor_type = tensor::WeightType::kF32;
    /// For ByBytes: all matrices will be stored so, those that stay whole too.
    bool everything = false;
    std::size_t power_steps = SvdOptions{}.power_steps;
    std::uint64_t seed = 1;
    /// Told how many of all matrices are done, and the next one's name.
    std::function<void(std::size_t done, std::size_t total, const std::string& name)> progress{};
};

struct MatrixReport {
    std::string name;  ///< "layers.3.wq"
    std::uint32_t layer = 0;
    model::Projection projection{};
    std::size_t m = 0, n = 0;
    std::size_t parts = 1;         ///< heads with factors of their own
    std::size_t rank = 0;          ///< of each part; 0: whole, as factors would not be smaller
    double ratio = 1;              ///< numbers of the factors over m n
    std::vector<double> energies;  ///< kept of W (papers B: Eq 9), of each part
    double seen_energy = 1;        ///< kept of W L, of all parts; the mean of energies without L
};

/// Over its parts.
double mean_energy(const MatrixReport& report);

struct Compressed {
    model::Model model;
    std::vector<MatrixReport> matrices;
    double total_energy = 1;                              ///< papers B: Eq 13
    std::uint64_t numbers_before = 0, numbers_after = 0;  ///< of these matrices
};

/// kInvalid where a rule makes no sense for the model (a budget below all ranks 1, or ranks at
/// which nothing would be smaller), kUnsupported if matrices are factors already.
Result<Compressed> compress(const tensor::Compute& compute, const model::Model& model,
                            const CompressOptions& options);

/// The same function with whole matrices, in f32: U V of each pair, rounded once for each number.
model::Model multiply_out(const tensor::Compute& compute, const model::Model& model);

}  // namespace cairn::lowrank
