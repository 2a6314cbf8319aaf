// Rotary position embedding (Su et al. 2021): pairs of a head's elements are rotated by an angle
// that grows with the token's position.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "tensor/compute.h"
#include "tensor/operands.h"

namespace cairn::tensor {

/// cos and sin of position * theta^(-2i/d), computed in double and rounded once.
struct RopeTable {
    std::size_t positions = 0;
    std::size_t pairs = 0;   ///< head_dim / 2
    std::vector<float> cos;  ///< [positions, pairs]
    std::vector<float> sin;  ///< [positions, pairs]
};

/// theta^(-2i/d) for i in [0, head_dim / 2).
std::vector<double> rope_frequencies(std::size_t head_dim, double theta);
/// A table over any frequencies, so that a model may scale them; cos and sin are multiplied by
/// `attention_factor` before they are rounded.
RopeTable make_rope_table(const std::vector<double>& frequencies, std::size_t positions,
                          double attention_factor = 1.0);
RopeTable make_rope_table(std::size_t head_dim, double theta, std::size_t positions);

/// How the frequencies of a model that was trained on short texts are changed for longer ones. The
/// fields are those of `rope_scaling` in a Hugging Face config.json, in double and with its
/// defaults; what a model's configuration holds of them is model::RopeScale, which is encoded and
/// so has one spelling.
struct RopeScaling {
    enum class Kind { kNone, kLinear, kLlama3, kYarn };

    Kind kind = Kind::kNone;
    double factor = 1.0;            ///< how much longer
    double original_positions = 0;  ///< original_max_position_embeddings: llama3, yarn
    double low_freq_factor = 1.0;   ///< llama3
    double high_freq_factor = 4.0;  ///< llama3
    double beta_fast = 32.0;        ///< yarn: pairs with more turns in the original length stay
    double beta_slow = 1.0;         ///< yarn: pairs with fewer turns in it are interpolated
    bool truncate = true;           ///< yarn: the two borders are rounded to whole pairs
    double attention_factor = 0.0;  ///< yarn: factor of cos and sin; 0: by the formula
    double mscale = 0.0;            ///< yarn, as DeepSeek gives it; 0: absent
    double mscale_all_dim = 0.0;    ///< yarn, as DeepSeek gives it; 0: absent
};

/// Refuses what the formulas cannot take (kInvalid): factors below 1, no original length.
Status check_rope_scaling(const RopeScaling& scaling);
/// rope_frequencies, scaled; computed in double by our own functions.
std::vector<double> scaled_rope_frequencies(std::size_t head_dim, double theta,
                                            const RopeScaling& scaling);
/// What cos and sin are multiplied by: 1 except for yarn, whose formula is 0.1 ln(factor) + 1.
double rope_attention_factor(const RopeScaling& scaling);

/// Rotates every head of x [rows, heads * head_dim] in place.
void rope_forward(const Compute& compute, const RopeTable& table, RopePairing pairing,
                  RopeRows rows, Matrix x);
/// The inverse rotation: gradients of the inputs from those of the outputs, in place.
void rope_backward(const Compute& compute, const RopeTable& table, RopePairing pairing,
                   RopeRows rows, Matrix dx);

}  // namespace cairn::tensor
