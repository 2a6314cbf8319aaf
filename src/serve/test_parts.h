// For this room's tests alone: a server of the world whose layers are divided over parts in the
// same process, which may fail as machines do.
#pragma once

#include "serve/divided_layers.h"
#include "serve/test_world.h"

namespace cairn::serve {

/// What a test does to a part, and what it hears from it.
struct PartFaults {
    bool is_gone = false;                        ///< its link is lost, and nobody answers a dial
    bool is_silent = false;                      ///< it takes messages and answers none
    std::uint64_t lasts = UINT64_MAX;            ///< messages until it is gone
    std::function<void(PartMessage&)> tamper{};  ///< with what it answers
    std::function<void()> before_answer{};
    std::vector<std::size_t> sequences_together;  ///< of each message for heads
    LayerPart* part = nullptr;
};

class FaultyPart final : public PartPort {
  public:
    FaultyPart(std::string name, std::unique_ptr<LayerPart> part,
               std::shared_ptr<PartFaults> faults)
        : name_(std::move(name)), faults_(std::move(faults)) {
        faults_->part = part.get();
        local_ = std::make_unique<LocalPart>(std::move(part));
    }
    std::string name() const override { return name_; }
    bool is_up() const override { return up_ && !faults_->is_gone; }
    std::string why_down() const override { return "the link is lost"; }
    Status connect(std::uint64_t patience_ms) override {
        up_ = !faults_->is_gone;
        if (!up_) return Error{ErrorCode::kTimeout, "nothing answers there"};
        return local_->connect(patience_ms);
    }
    Status send(PartKind kind, Bytes body) override {
        if (faults_->lasts == 0) faults_->is_gone = true;
        if (faults_->is_gone) up_ = false;
        if (!up_) return io_error("the link is lost");
        --faults_->lasts;
        if (kind == PartKind::kHeads)
            faults_->sequences_together.push_back(decode_part_heads(body)->sequences.size());
        return local_->send(kind, std::move(body));
    }
    Result<PartMessage> receive(std::uint64_t patience_ms) override {
        if (faults_->is_silent) {
            up_ = false;
            return Error{ErrorCode::kTimeout, "it is silent for 3 s"};
        }
        if (faults_->is_gone) return io_error("the link is lost");
        if (faults_->before_answer) faults_->before_answer();
        auto answer = local_->receive(patience_ms);
        if (answer.ok() && faults_->tamper) faults_->tamper(*answer);
        return answer;
    }

  private:
    std::string name_;
    std::shared_ptr<PartFaults> faults_;
    std::unique_ptr<LocalPart> local_;
    bool up_ = false;
};

/// Layers of the world's model over as many machines as there are sizes, the first one the lead.
struct TestDivision {
    std::vector<std::shared_ptr<PartFaults>> faults;  ///< of each part but the lead's own
    LayerPart* lead = nullptr;
    std::shared_ptr<DividedLayers> layers;

    TestDivision(TestWorld& world, model::LayerRange range, std::vector<std::uint32_t> sizes,
                 const LayerPartOptions& options = {}) {
        std::vector<std::unique_ptr<PartPort>> ports;
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            auto part = std::make_unique<LayerPart>(world.snapshot, range, world.compute, options);
            if (i == 0) {
                lead = part.get();
                ports.push_back(std::make_unique<LocalPart>(std::move(part)));
                continue;
            }
            faults.push_back(std::make_shared<PartFaults>());
            ports.push_back(std::make_unique<FaultyPart>(
                "part " + std::to_string(i + 1) + " of " + std::to_string(sizes.size()),
                std::move(part), faults.back()));
        }
        layers = std::make_shared<DividedLayers>(world.snapshot, range,
                                                 model::divide_layers(world.snapshot.config, sizes),
                                                 std::move(ports), world.compute, world.clock);
    }
};

/// A server of the world whose layers are divided so.
inline FakeServer& add_divided(TestWorld& world, const std::string& address,
                               model::LayerRange range, const TestDivision& division,
                               const LayerServerOptions& options = {}) {
    FakeServer& server = world.add_server(address, range, options);
    server.server->set_divided(world.snapshot, range, division.layers);
    return server;
}

}  // namespace cairn::serve
