// Rotary position embedding (Su et al. 2021): pairs of a head's elements turn by an angle that
// grows with the token's position.
#pragma once

#include <cstddef>
#include <vector>

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// Which elements make a pair: (2i, 2i+1) as in llama2.c and GGUF's llama, or (i, i + d/2) as in
/// Hugging Face models. It belongs to the model.
enum class RopePairing { kInterleaved, kHalves };

/// cos and sin of position * theta^(-2i/d), computed in double and rounded once.
struct RopeTable {
    std::size_t positions = 0;
    std::size_t pairs = 0;   ///< head_dim / 2
    std::vector<float> cos;  ///< [positions, pairs]
    std::vector<float> sin;  ///< [positions, pairs]
};

/// theta^(-2i/d) for i in [0, head_dim / 2).
std::vector<double> rope_frequencies(std::size_t head_dim, double theta);
/// A table over any frequencies, so that a model may scale them.
RopeTable make_rope_table(const std::vector<double>& frequencies, std::size_t positions);
RopeTable make_rope_table(std::size_t head_dim, double theta, std::size_t positions);

/// Which positions the rows of a matrix have: row i is position first + i mod tokens.
struct RopeRows {
    std::size_t tokens;     ///< rows per sequence
    std::size_t first = 0;  ///< position of each sequence's first row
};

/// Turns every head of x [rows, heads * head_dim] in place.
void rope_forward(const Compute& compute, const RopeTable& table, RopePairing pairing,
                  RopeRows rows, Matrix x);
/// The same turn backwards: gradients of the inputs from those of the outputs, in place.
void rope_backward(const Compute& compute, const RopeTable& table, RopePairing pairing,
                   RopeRows rows, Matrix dx);

}  // namespace cairn::tensor
