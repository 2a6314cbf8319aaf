#include "lab/paper_chain.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/core.h>

#include "base/check.h"
#include "codec/codec.h"
#include "lab/made_text.h"
#include "node/assets.h"
#include "node/calibrate.h"
#include "node/chain_model_reader.h"
#include "node/local_trainer.h"
#include "node/network_presets.h"
#include "sim/world.h"
#include "text/bpe.h"
#include "worth/network_rules.h"

namespace cairn::lab {

namespace {

constexpr std::uint64_t kMaxBlockMs = 250'000;  // virtual, in the mean: a hundred times the spacing
constexpr std::uint64_t kSliceMs = 50;
/// So that the last blocks that are looked at are not contested.
constexpr std::uint32_t kBeyond = 3;
constexpr std::size_t kTextBytes = 60'000;
constexpr std::size_t kReportBytes = 6'000;
constexpr std::uint32_t kVocab = 300;
constexpr std::uint32_t kLocalSteps = 2;
constexpr std::uint32_t kAdamRatePpb = 5'000'000;

/// Gives weights to a trainer; what is published of the model is measured by the one node that
/// watches.
class WeightsOnly final : public node::ModelReader {
  public:
    explicit WeightsOnly(std::unique_ptr<node::ModelReader> inner) : inner_(std::move(inner)) {}
    node::WeightsPtr weights(const node::ChainState& state) const override {
        return inner_->weights(state);
    }
    model::Model model_of(node::WeightsPtr weights) const override {
        return inner_->model_of(std::move(weights));
    }
    std::shared_ptr<const text::Tokenizer> tokenizer() const override { return nullptr; }
    Result<std::vector<double>> report_losses(const std::vector<float>&) override {
        return std::vector{0.0};
    }
    Result<std::string> generate(const std::vector<float>&, const std::string&, std::uint32_t,
                                 std::uint64_t) override {
        return Error{ErrorCode::kUnsupported, "this node writes nothing"};
    }
    Status export_model(const std::vector<float>&, const std::string&) override {
        return Error{ErrorCode::kUnsupported, "this node exports nothing"};
    }

  private:
    std::unique_ptr<node::ModelReader> inner_;
};

/// Counts the payloads of a trainer that goes with its node.
struct Made {
    std::uint64_t payloads = 0, rescaled = 0;
};
class CountingTrainer final : public node::DeltaSource {
  public:
    CountingTrainer(std::unique_ptr<node::LocalTrainer> trainer, Made& made)
        : trainer_(std::move(trainer)), made_(made) {}
    bool wants_weights() const override { return trainer_->wants_weights(); }
    std::uint32_t steps_wanted() const override { return trainer_->steps_wanted(); }
    Result<node::RoundPayload> produce(const node::RoundTask& task) override {
        const std::uint64_t before = trainer_->rescaled();
        auto made = trainer_->produce(task);
        ++made_.payloads;
        made_.rescaled += trainer_->rescaled() - before;
        return made;
    }

  private:
    std::unique_ptr<node::LocalTrainer> trainer_;
    Made& made_;
};

/// The network of a case. Node 0 watches; the miners are the others, in their order.
class PaperKit final : public sim::ModelKit {
  public:
    static Result<std::unique_ptr<PaperKit>> create(const PaperChainCase& given,
                                                    std::uint64_t seed) {
        std::unique_ptr<PaperKit> kit(new PaperKit());
        ASSIGN_OR_RETURN(kit->kernels_, tensor::kernels_from_environment());
        RETURN_IF_ERROR(kit->make_texts(given));
        RETURN_IF_ERROR(kit->define(given, seed));
        return kit;
    }

    chain::NetworkDefinition network() const override { return network_; }
    std::unique_ptr<consensus::ModelSeam> make_model() override {
        return worth::ChainModel::create(network_, judge_, {kernels_, &pool_}).value();
    }
    std::unique_ptr<node::ModelReader> make_reader(consensus::ModelSeam& model) override {
        auto reader = std::make_unique<node::ChainModelReader>(
            dynamic_cast<const worth::ChainModel&>(model), report_, network_.report_parts(),
            nullptr, kernels_, 1);
        if (std::exchange(watched_, true)) return std::make_unique<WeightsOnly>(std::move(reader));
        return reader;
    }
    std::unique_ptr<node::DeltaSource> make_trainer(int number, std::uint64_t seed) override {
        const auto miner = static_cast<std::size_t>(number) - 1;
        auto trainer = node::LocalTrainer::create(network_, texts_.at(miner), judge_,
                                                  seed * 100 + miner, kernels_, 1);
        CHECK(trainer.ok());
        return std::make_unique<CountingTrainer>(*std::move(trainer), made_);
    }
    /// Of the first model.
    Result<std::vector<double>> first_losses() {
        ASSIGN_OR_RETURN(const auto model,
                         worth::ChainModel::create(network_, judge_, {kernels_, &pool_}));
        node::ChainModelReader reader(*model, report_, network_.report_parts(), nullptr, kernels_,
                                      1);
        const auto weights = model->state().weights();
        return reader.report_losses({weights.begin(), weights.end()});
    }
    const Made& made() const { return made_; }
    std::uint64_t payload_bytes() const {
        const model::ParameterLayout layout(worth::model_config(network_), codec::kTile);
        return codec::payload_size(network_.codec, layout.size());
    }

  private:
    PaperKit() = default;
    Status make_texts(const PaperChainCase& given);
    Status define(const PaperChainCase& given, std::uint64_t seed);

    chain::NetworkDefinition network_;
    const tensor::Kernels* kernels_ = nullptr;
    ThreadPool pool_{1};
    std::unique_ptr<text::BpeTokenizer> tokenizer_;
    std::vector<std::uint32_t> judge_, report_;
    std::vector<std::vector<std::uint32_t>> texts_;
    bool watched_ = false;
    Made made_;
};

Status PaperKit::make_texts(const PaperChainCase& given) {
    const std::size_t languages = given.unlike ? given.miners.size() : 1;
    std::string judge_text;
    for (std::size_t i = 0; i < languages; ++i)
        judge_text += made_text(i, 100 + i, kTextBytes / languages);
    const std::string_view learn_from[] = {judge_text};
    ASSIGN_OR_RETURN(tokenizer_, text::train_bpe(learn_from, kVocab));
    for (std::size_t i = 0; i < languages; ++i) {
        const auto judge = tokenizer_->encode(made_text(i, 100 + i, kTextBytes / languages));
        const auto report = tokenizer_->encode(made_text(i, 200 + i, kReportBytes));
        judge_.insert(judge_.end(), judge.begin(), judge.end());
        report_.insert(report_.end(), report.begin(), report.end());
        if (languages > 1)
            network_.sources.push_back({"text-" + std::to_string(i + 1),
                                        static_cast<std::uint32_t>(judge.size()),
                                        static_cast<std::uint32_t>(report.size())});
    }
    for (std::size_t i = 0; i < given.miners.size(); ++i)
        texts_.push_back(tokenizer_->encode(made_text(given.unlike ? i : 0, 300 + i, kTextBytes)));
    return ok_status();
}

Status PaperKit::define(const PaperChainCase& given, std::uint64_t seed) {
    const std::vector<chain::TextSource> sources = network_.sources;
    ASSIGN_OR_RETURN(network_, node::network_preset("tiny"));
    network_.sources = sources;
    network_.name = "paper";
    network_.architecture.vocab = kVocab;
    network_.weights_seed = seed;
    network_.codec = given.codec;
    network_.public_share = 0;
    network_.recipe.local_steps = kLocalSteps;
    network_.recipe.learning_rate_ppb = kAdamRatePpb;
    network_.round_length = kMergedRound;
    if (given.one_winner)
        node::set_one_winner(network_);
    else
        network_.recipe.local_steps *= kMergedRound;
    if (given.optimiser == chain::Optimiser::kSgd) node::set_sgd(network_);
    const chain::NetworkDefinition easy = sim::sim_network_definition();
    network_.genesis_time_ms = easy.genesis_time_ms;
    network_.first_target = easy.first_target;
    network_.spacing_ms = easy.spacing_ms;
    network_.tokenizer_hash = node::tokenizer_hash(tokenizer_->serialise());
    network_.judge_hash = worth::token_text_hash(judge_);
    network_.report_hash = worth::token_text_hash(report_);
    ASSIGN_OR_RETURN(const node::Calibration start,
                     node::calibrate(network_, judge_, texts_.back(), kernels_, 1));
    network_.norm_start = start.norm_start;
    return chain::validate(network_);
}

sim::WorldOptions options() {
    sim::WorldOptions options;
    options.links = {.min_delay_us = 500, .max_delay_us = 2'000};
    options.chain_lane = {100, 1'000};
    options.check_every = 200'000;
    return options;
}

void add_nodes(sim::World& world, const PaperChainCase& given) {
    world.add_node({.mine = false, .train = false});
    const std::uint32_t rounds = given.one_winner ? 1 : kMergedRound;
    for (std::size_t i = 0; i < given.miners.size(); ++i) {
        sim::NodeSpec spec;
        for (int peer = 0; peer <= static_cast<int>(i); ++peer) spec.connect.push_back(peer);
        spec.hashes_per_slice = given.miners[i].hashes;
        spec.slice_pause_ms = kSliceMs;
        spec.own_work_part = 0;
        const int number = world.add_node(spec);
        const std::uint64_t us = std::uint64_t{given.miners[i].training_ms} * 1'000 * rounds;
        world.loop(number).set_lane_time(Lane::kTrain, {us, us});
    }
}

/// 2^256 / target.
double hashes_for(std::uint32_t compact) {
    const int exponent = static_cast<int>(compact >> 24);
    return std::ldexp(1.0 / (compact & 0xffffff), 256 - 8 * (exponent - 3));
}

Status read_chain(sim::World& world, std::uint32_t blocks, PaperChainOutcome& outcome) {
    const auto miners = static_cast<int>(world.size()) - 1;
    outcome.won.assign(static_cast<std::size_t>(miners), 0);
    for (std::uint32_t height = 1; height <= blocks; ++height) {
        ASSIGN_OR_RETURN(const chain::Block block, world.block_at(0, height));
        outcome.block_hashes += hashes_for(block.header.target) / blocks;
        outcome.merged += static_cast<std::uint32_t>(block.contributions.size());
        for (int i = 0; i < miners; ++i)
            if (block.coinbase.miner == crypto::public_key(world.key(i + 1)))
                ++outcome.won[static_cast<std::size_t>(i)];
    }
    ASSIGN_OR_RETURN(const auto merges, world.store(0).merges(0, blocks));
    for (const store::MergeRecord& merge : merges)
        if (merge.report_loss && merge.height <= blocks)
            outcome.losses.push_back({static_cast<std::uint32_t>(merge.height), *merge.report_loss,
                                      merge.source_losses});
    return ok_status();
}

}  // namespace

Result<PaperChainOutcome> run_paper_chain(const PaperChainCase& given, std::uint32_t blocks,
                                          std::uint64_t seed,
                                          const std::function<void(std::uint32_t)>& progress) {
    ASSIGN_OR_RETURN(const auto kit, PaperKit::create(given, seed));
    sim::World world(seed, "lab paper-chain", *kit, options());
    add_nodes(world, given);
    const auto done = [&] {
        if (progress) progress(std::min(world.height(0), blocks));
        return world.height(0) >= blocks + kBeyond;
    };
    const bool reached = world.run_until(done, kMaxBlockMs * (blocks + kBeyond));
    if (reached) world.run_ms(2'000);  // the last reports
    if (!world.failure().empty()) return invalid(world.failure());
    if (!reached)
        return Error{ErrorCode::kTimeout,
                     fmt::format("the simulated network found only {} of {} blocks in the time "
                                 "that it has",
                                 world.height(0), blocks)};
    PaperChainOutcome outcome;
    ASSIGN_OR_RETURN(const std::vector<double> first, kit->first_losses());
    const double mean = std::reduce(first.begin(), first.end()) / static_cast<double>(first.size());
    outcome.losses.push_back({0, mean, first.size() > 1 ? first : std::vector<double>{}});
    RETURN_IF_ERROR(read_chain(world, blocks, outcome));
    outcome.made = kit->made().payloads;
    outcome.rescaled = kit->made().rescaled;
    outcome.payload_bytes = kit->payload_bytes();
    return outcome;
}

// Between two times at which somebody begins to search, those who search do so at a constant rate.
std::vector<double> expected_wins(const std::vector<PaperMiner>& miners, double block_hashes) {
    std::vector<std::uint32_t> begins;
    for (const PaperMiner& miner : miners) begins.push_back(miner.training_ms);
    std::ranges::sort(begins);
    begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
    std::vector<double> wins(miners.size(), 0);
    double left = 1;  // the chance that nobody has found the block yet
    for (std::size_t k = 0; k < begins.size(); ++k) {
        double searching = 0;
        for (const PaperMiner& miner : miners)
            if (miner.training_ms <= begins[k]) searching += miner.hashes;
        double found = left;  // the last stretch has no end
        if (k + 1 < begins.size()) {
            const double slices = static_cast<double>(begins[k + 1] - begins[k]) / kSliceMs;
            found *= 1 - std::exp(-searching * slices / block_hashes);
        }
        for (std::size_t i = 0; i < miners.size(); ++i)
            if (miners[i].training_ms <= begins[k]) wins[i] += found * miners[i].hashes / searching;
        left -= found;
    }
    return wins;
}

}  // namespace cairn::lab
