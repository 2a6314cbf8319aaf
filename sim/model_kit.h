// Which model a simulated network has: the fake of consensus/ where the model does not matter, or
// a tiny real one (tiny_model.h). A kit makes what each node needs of it.
#pragma once

#include <memory>

#include "chain/network.h"
#include "consensus/model_seam.h"
#include "node/delta_source.h"
#include "node/model_reader.h"

namespace cairn::sim {

class ModelKit {
  public:
    virtual ~ModelKit() = default;
    virtual chain::NetworkDefinition network() const = 0;
    /// At theta^0.
    virtual std::unique_ptr<consensus::ModelSeam> make_model() = 0;
    /// May be null. `model` is one of make_model() and outlives the reader.
    virtual std::unique_ptr<node::ModelReader> make_reader(consensus::ModelSeam& model) = 0;
    /// An honest trainer; `number` decides its private data.
    virtual std::unique_ptr<node::DeltaSource> make_trainer(int number, std::uint64_t seed) = 0;
};

/// Blocks every two virtual seconds with three miners at two hashes per 50 ms; rounds of four.
chain::NetworkDefinition sim_network_definition();
/// The same with Argon2id, for which miners try two hashes in 400 ms: they are really computed.
chain::NetworkDefinition slow_work_definition();
inline constexpr std::uint64_t kSlowWorkPauseMs = 400;

/// The same with one winner a block, and nothing else.
chain::NetworkDefinition one_winner_definition();

class FakeModelKit final : public ModelKit {
  public:
    explicit FakeModelKit(chain::NetworkDefinition network = sim_network_definition())
        : network_(std::move(network)) {}
    chain::NetworkDefinition network() const override { return network_; }
    std::unique_ptr<consensus::ModelSeam> make_model() override;
    std::unique_ptr<node::ModelReader> make_reader(consensus::ModelSeam&) override {
        return nullptr;
    }
    std::unique_ptr<node::DeltaSource> make_trainer(int number, std::uint64_t seed) override;

  private:
    chain::NetworkDefinition network_;
};

}  // namespace cairn::sim
