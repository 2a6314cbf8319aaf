// What consensus asks of the model. The rules read integers only; the model enters through this
// one interface, which worth/ implements with bit-exact numerics rounded to integers, and
// fake_model.h with a few lines for tests of the rules.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/int128.h"
#include "base/result.h"

namespace cairn::consensus {

/// An integer change of the model: one entry per parameter, unit 2^-24, tile padding included.
using Delta = std::vector<std::int32_t>;

/// What a merge did, so that it can be undone exactly. Opaque to consensus.
class ModelUndo {
  public:
    virtual ~ModelUndo() = default;
};

/// Who computes on the judge batch. Both give the same integers; what the fast kernels call invalid
/// is asked of the reference before a block is refused.
enum class JudgeKernels { kFast, kReference };

/// A seed draws two batches of windows: of one comes the public step, on the other is judged.
enum class JudgeBatch { kPublic, kScoring };

/// The model as chain state. Calls that compute may take seconds. An Error is a failure of ours and
/// leads to `undecided`, except decode's kInvalid, which is the payload's.
class ModelSeam {
  public:
    virtual ~ModelSeam() = default;

    /// Merkle root over the tiles of theta.
    virtual Hash256 root() const = 0;
    /// Commits to the window of recently merged deltas (part of the rules root).
    virtual Hash256 recent_merges_root() const = 0;
    virtual std::uint64_t parameter_count() const = 0;

    /// Payload -> delta, by the network's codec. kInvalid for a malformed or out-of-bounds payload.
    virtual Result<Delta> decode(ByteView payload, const Hash256& codec_seed) const = 0;
    /// The cosine that two payloads of one update have whose decoded deltas look like this one,
    /// over 2^16 and above 0: how alike copies are after the codec.
    virtual std::uint32_t payload_cosine(const Delta& delta) const = 0;
    /// The integer gradient of a batch's loss at theta + offset, clamped as merge() would: one
    /// bit-exact backward pass. An empty offset is theta itself. One entry for each parameter; S(d)
    /// =
    /// -<g, d> is how far d lowers the batch's summed loss to first order, unit 2^-40 nats.
    virtual Result<Delta> judge_gradient(JudgeKernels kernels, const Hash256& judge_seed,
                                         JudgeBatch batch, const Delta& offset) = 0;
    /// The integer loss (unit 2^-20 nats, summed) of the first quarter of the scoring batch's
    /// windows at theta + offset, by a forward pass. An empty offset is theta itself.
    virtual Result<std::int64_t> judge_loss(JudgeKernels kernels, const Hash256& judge_seed,
                                            const Delta& offset) = 0;

    /// The window of recently merged deltas, oldest first. Valid until the model changes.
    virtual std::vector<std::span<const std::int32_t>> recent_merges() const = 0;

    /// theta += merged, clamped to +-2^30; pushes `merged` into the window of recent merges.
    virtual std::unique_ptr<ModelUndo> merge(const Delta& merged) = 0;
    /// Takes back the latest merge that has not been taken back.
    virtual void undo(std::unique_ptr<ModelUndo> undo) = 0;

    /// A model of its own in the same state, for another thread. It remembers no answers.
    virtual std::unique_ptr<ModelSeam> copy() const = 0;

    /// For snapshots: save() gives everything that merge() changes, in one spelling, and load()
    /// takes it; the caller then compares the roots.
    virtual Bytes save() const = 0;
    virtual Status load(ByteView saved) = 0;
};

}  // namespace cairn::consensus
