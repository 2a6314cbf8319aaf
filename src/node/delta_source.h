// The seam between a node's rounds and what makes a contribution: the real one trains on private
// text (local_trainer.h), simulated ones are honest or attack. A source works on Lane::kTrain.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "consensus/rules.h"
#include "crypto/keys.h"

namespace cairn::node {

struct RoundTask {
    std::uint32_t round = 0;
    Hash256 start_block;  ///< theta^t is the model after it
    Hash256 codec_seed;
    crypto::PublicKey key;
    std::uint64_t mean_norm = 0;  ///< m of C5 as the round begins
    consensus::Rules rules;       ///< of the round's merge block
    /// theta^t as floats; null unless the source wants it.
    std::shared_ptr<const std::vector<float>> weights;
    /// Raised when the round's time runs out: finish with what there is.
    const std::atomic<bool>* stop = nullptr;
    /// Called between steps, from the source's thread.
    std::function<void(std::uint32_t step, double loss)> progress;
};

struct RoundPayload {
    Bytes payload;  ///< empty: nothing to give this round
    std::uint32_t steps = 0;
    double last_loss = 0;
};

class DeltaSource {
  public:
    virtual ~DeltaSource() = default;
    virtual bool wants_weights() const = 0;
    /// K: how many steps it would take if there is time.
    virtual std::uint32_t steps_wanted() const = 0;
    virtual Result<RoundPayload> produce(const RoundTask& task) = 0;
};

}  // namespace cairn::node
