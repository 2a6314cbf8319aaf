// ModelState: the model as chain state. Parameters are int32 fixed point (unit 2^-24), so that
// adding a merged delta and taking it back are exact; a float copy is kept in step for computing.
// The root is a Merkle root over tiles of 4096 parameters. A window of the latest merged deltas is
// part of the state, because what they brought counts as said.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "crypto/merkle.h"
#include "model/layout.h"

namespace cairn::worth {

/// No parameter leaves [-2^30, 2^30] (that is +-64); what would is clamped.
inline constexpr std::int32_t kThetaLimit = std::int32_t{1} << 30;
/// At most this many merged deltas are remembered.
inline constexpr std::uint32_t kMaxNoveltyRounds = 16;

/// A merged delta and its hash, shared between the window and undo records.
struct MergedDelta {
    std::vector<std::int32_t> values;
    Hash256 hash;
};
using MergedDeltaPtr = std::shared_ptr<const MergedDelta>;

/// What one merge did: enough to take it back to the bit.
struct MergeUndo {
    MergedDeltaPtr merged;
    MergedDeltaPtr forgotten;  ///< fell out of the window; null if nothing did
    /// (index, value before) of the parameters that were clamped.
    std::vector<std::pair<std::uint64_t, std::int32_t>> clamped;
};

/// theta^0 in integers only: matrices are sums of four uniforms with standard deviation 0.02
/// (output projections smaller by sqrt(2 * layers)), norm weights 1, padding 0.
std::vector<std::int32_t> initial_theta(const model::ParameterLayout& layout,
                                        std::uint64_t weights_seed);
/// float(q) * 2^-24 of every parameter.
std::vector<float> weights_of(std::span<const std::int32_t> theta);
/// The root of theta^0, tile by tile: the definition may be a stranger's.
Hash256 initial_model_root(const model::ParameterLayout& layout, std::uint64_t weights_seed);

/// The bytes that save() gives when the window is full.
constexpr std::uint64_t saved_bytes(std::uint64_t parameters, std::uint32_t novelty_rounds) {
    return 16 + 4 * parameters * (1 + std::uint64_t{novelty_rounds});
}
/// A model whose state is larger has no place in a snapshot (store/store.h).
inline constexpr std::uint64_t kMaxSavedBytes = std::uint64_t{96} << 30;

class ModelState {
  public:
    /// theta^0 by `weights_seed`. CHECKs that layout.tile() is 4096 and novelty_rounds in range
    /// (0: nothing is remembered).
    ModelState(const model::ParameterLayout& layout, std::uint64_t weights_seed,
               std::uint32_t novelty_rounds);

    const model::ParameterLayout& layout() const { return layout_; }
    std::span<const std::int32_t> theta() const { return theta_; }
    /// float(q) * 2^-24 of every parameter.
    std::span<const float> weights() const { return weights_; }
    Hash256 root() const { return tree_.root(); }

    /// theta += delta, clamped. CHECKs the size.
    MergeUndo merge(std::span<const std::int32_t> delta);
    /// Takes back the latest merge that was not taken back.
    void undo(const MergeUndo& undo);
    /// What weights() would be after merge(delta).
    std::vector<float> weights_after(std::span<const std::int32_t> delta) const;

    /// theta as it was before the latest merges, which stay; of them the last one first.
    std::vector<std::int32_t> theta_before(std::span<const MergeUndo* const> merges) const;

    /// The remembered merged deltas, oldest first. Valid until the next change.
    std::vector<std::span<const std::int32_t>> recent_merges() const;
    Hash256 recent_merges_root() const;

    /// theta and the window, canonical. load checks sizes and bounds; the caller compares roots.
    Bytes save() const;
    Status load(ByteView saved);

  private:
    void refresh();

    model::ParameterLayout layout_;
    std::uint32_t novelty_rounds_;
    std::vector<std::int32_t> theta_;
    std::vector<float> weights_;
    crypto::MerkleTree tree_;
    std::deque<MergedDeltaPtr> recent_;  // oldest first
};

}  // namespace cairn::worth
