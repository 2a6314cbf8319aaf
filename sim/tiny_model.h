// A kit with a tiny but real model: the real judge, codec, local steps and merges, on made-up
// English, small enough for a virtual network of several nodes.
#pragma once

#include "node/test_network.h"
#include "sim/model_kit.h"

namespace cairn::sim {

class TinyModelKit final : public ModelKit {
  public:
    TinyModelKit();
    /// Blocks, rounds and optimiser as in `rules`.
    explicit TinyModelKit(const chain::NetworkDefinition& rules);
    chain::NetworkDefinition network() const override { return tiny_.definition; }
    std::unique_ptr<consensus::ModelSeam> make_model() override;
    std::unique_ptr<node::ModelReader> make_reader(consensus::ModelSeam& model) override;
    std::unique_ptr<node::DeltaSource> make_trainer(int number, std::uint64_t seed) override;

  private:
    node::TinyNetwork tiny_;
    const tensor::Kernels* kernels_;
    ThreadPool pool_{1};
};

}  // namespace cairn::sim
