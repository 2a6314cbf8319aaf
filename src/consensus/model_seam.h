// What consensus asks of the model. The rules read integers only; the model enters through this
// one interface, which worth/ implements with bit-exact numerics rounded to integers, and
// fake_model.h with a few lines for tests of the rules.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/int128.h"
#include "base/result.h"

namespace cairn::consensus {

/// An integer change of the model: one entry per parameter, unit 2^-24, tile padding included.
using Delta = std::vector<std::int32_t>;

/// What the judge batch says of one delta d at the current model (C6).
struct DeltaJudgement {
    Int128 score = 0;        ///< S(d) = -<g, d>, g the integer judge gradient
    Int128 dot_merged = 0;   ///< <d, M>, M the exact sum of the recently merged deltas
    std::uint64_t norm = 0;  ///< floor(sqrt(<d, d>)), unit 2^-24
};

/// What the judge batch says of the recently merged deltas themselves.
struct MergedJudgement {
    Int128 score = 0;  ///< S(M)
    Int128 norm2 = 0;  ///< <M, M>
};

/// What a merge did, so that it can be undone exactly. Opaque to consensus.
class ModelUndo {
  public:
    virtual ~ModelUndo() = default;
};

/// Who computes on the judge batch. Both give the same integers; what the fast kernels call invalid
/// is asked of the reference before a block is refused.
enum class JudgeKernels { kFast, kReference };

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
    /// floor(sqrt(<d, d>)).
    virtual std::uint64_t norm(const Delta& delta) const = 0;

    /// One bit-exact backward pass over the judge batch drawn by `judge_seed`, then integers only.
    /// The gradient is cached for (kernels, root, judge_seed).
    virtual Result<DeltaJudgement> judge(JudgeKernels kernels, const Hash256& judge_seed,
                                         const Delta& delta) = 0;
    virtual Result<MergedJudgement> judge_merged(JudgeKernels kernels,
                                                 const Hash256& judge_seed) = 0;
    /// Integer loss of the judge batch (per-token loss x 2^20, summed) at theta, and at
    /// theta + merged, clamped as merge() would.
    virtual Result<std::int64_t> judge_loss(JudgeKernels kernels, const Hash256& judge_seed) = 0;
    virtual Result<std::int64_t> judge_loss_after(JudgeKernels kernels, const Hash256& judge_seed,
                                                  const Delta& merged) = 0;

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
