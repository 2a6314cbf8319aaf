#include "sim/model_kit.h"

#include "base/random.h"
#include "consensus/fake_model.h"
#include "node/network_presets.h"

namespace cairn::sim {
namespace {

/// Steps down the fake model's slope, by a different length each time.
class FakeTrainer final : public node::DeltaSource {
  public:
    explicit FakeTrainer(std::uint64_t seed) : random_(seed) {}
    bool wants_weights() const override { return false; }
    std::uint32_t steps_wanted() const override { return 1; }
    Result<node::RoundPayload> produce(const node::RoundTask&) override {
        consensus::Delta delta(consensus::FakeModel().parameter_count());
        for (std::int32_t& entry : delta)
            entry = -200 - static_cast<std::int32_t>(random_.below(200));
        return node::RoundPayload{consensus::FakeModel::payload_of(delta), 1, 0};
    }

  private:
    SeededRandom random_;
};

}  // namespace

chain::NetworkDefinition sim_network_definition() {
    chain::NetworkDefinition network;
    network.name = "simulation";
    network.genesis_time_ms = 1'700'000'000'000;
    network.first_target = 0x20010000;  // 256 hashes
    network.spacing_ms = 2'000;
    network.halflife_ms = 120'000;
    network.norm_start = 1'000;
    network.novelty_rounds = 0;
    network.coinbase_maturity = 2;
    network.max_contributions = 8;
    network.paid_contributions = 4;
    network.window_rounds = 3;
    CHECK(chain::validate(network).ok());
    return network;
}

chain::NetworkDefinition slow_work_definition() {
    chain::NetworkDefinition network = sim_network_definition();
    network.work = chain::WorkFunction::kArgon2id;
    network.first_target = 0x2007ffff;  // 32 hashes
    network.share_factor = 8;
    CHECK(chain::validate(network).ok());
    return network;
}

chain::NetworkDefinition one_winner_definition() {
    chain::NetworkDefinition network = sim_network_definition();
    node::set_one_winner(network);
    CHECK(chain::validate(network).ok());
    return network;
}

std::unique_ptr<consensus::ModelSeam> FakeModelKit::make_model() {
    return std::make_unique<consensus::FakeModel>();
}

std::unique_ptr<node::DeltaSource> FakeModelKit::make_trainer(int number, std::uint64_t seed) {
    return std::make_unique<FakeTrainer>(seed * 1'000 + static_cast<std::uint64_t>(number));
}

}  // namespace cairn::sim
