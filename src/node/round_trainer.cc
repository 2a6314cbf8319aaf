#include "node/round_trainer.h"

#include <algorithm>

#include "base/log.h"
#include "chain/target.h"
#include "consensus/commitment_rules.h"

namespace cairn::node {
namespace {

/// Far more than an honest stamp needs; then the round is given up.
constexpr std::uint64_t kMaxStampTries = std::uint64_t{1} << 26;

bool search_stamp(const Hash256& genesis_id, const chain::U256& target,
                  chain::Commitment& commitment) {
    for (std::uint64_t i = 0; i < kMaxStampTries; ++i, ++commitment.nonce)
        if (chain::meets_target(chain::stamp_hash(genesis_id, commitment), target)) return true;
    return false;
}

}  // namespace

RoundTrainer::RoundTrainer(Random& random, Loop& loop, ActiveChain& chain, Relay& relay,
                           Mempool& mempool, DeltaSource* source, const ModelReader* reader,
                           KeyOfRound key_of_round)
    : random_(random),
      loop_(loop),
      chain_(chain),
      relay_(relay),
      mempool_(mempool),
      source_(source),
      reader_(reader),
      key_of_round_(std::move(key_of_round)),
      secret_(key_of_round_(0)),
      key_(crypto::public_key(secret_)) {
    CHECK(!source_ || !source_->wants_weights() || reader_);
}

RoundTrainer::~RoundTrainer() {
    if (run_) run_->stop = true;
}

void RoundTrainer::stop() {
    stopped_ = true;
    if (run_) run_->stop = true;
}

void RoundTrainer::note(std::string text) {
    if (text == note_) return;
    note_ = std::move(text);
    log_info("round {}: {}", round_, note_);
}

void RoundTrainer::set_deadline() {
    if (deadline_ != 0) loop_.cancel(deadline_);
    const chain::NetworkDefinition& network = chain_.network();
    const std::uint64_t blocks = std::max(network.round_length, 3U) - 2;
    deadline_ = loop_.call_after(blocks * network.spacing_ms, [this, run = run_] {
        deadline_ = 0;
        run->stop = true;
    });
}

std::uint32_t RoundTrainer::merge_height() const { return chain_.network().merge_height(round_); }

std::uint32_t RoundTrainer::first_target() const {
    const TipInfo& tip = *chain_.tip();
    const bool first_of_round = (tip.next.height - 1) % chain_.network().round_length == 0;
    return first_of_round ? consensus::expected_target(chain_.network(), tip.next)
                          : tip.rules.round_first_target();
}

void RoundTrainer::on_tip(const SwitchOutcome& outcome) {
    for (const ConnectedBlock& connected : outcome.connected)
        for (const consensus::ContributionReport& report : connected.report.contributions)
            if (report.merged && report.key == key_) ++merged_;
    if (!source_ || stopped_) return;
    const TipInfo& tip = *chain_.tip();
    const std::uint32_t round = chain_.network().round_of(tip.next.height);
    const BlockNode* start = chain_.active_at(round * chain_.network().round_length);
    CHECK(start != nullptr);
    if (start != start_ || round != round_ || !run_) begin(round, start);
    keep_going();
}

void RoundTrainer::begin(std::uint32_t round, const BlockNode* start) {
    if (run_) run_->stop = true;
    ++generation_;
    round_ = round;
    start_ = start;
    stage_ = Stage::kWaiting;
    payload_ = {};
    secret_ = key_of_round_(round);
    key_ = crypto::public_key(secret_);
    run_ = std::make_shared<Run>();
    const TipInfo& tip = *chain_.tip();
    if (tip.next.height >= merge_height() || tip.rules.has_commitment_of(key_))
        return note("waiting for the next round");
    stage_ = Stage::kTraining;
    note("training");
    if (!source_->wants_weights()) return train(nullptr);
    auto weights = std::make_shared<WeightsPtr>();
    chain_.lane().on_lane(
        [this, start, weights, round](ChainState& state) {
            // The model is theta^t from the round's start until its merge block.
            const BlockNode* at = state.tip();
            if (ancestor_at(at, start->height) == start &&
                at->height < chain_.network().merge_height(round))
                *weights = reader_->weights();
        },
        [this, weights, generation = generation_] {
            if (generation != generation_) return;
            if (*weights) return train(*weights);
            stage_ = Stage::kWaiting;  // the lane is in another round already; its tip will come
        });
}

void RoundTrainer::train(WeightsPtr weights) {
    auto made = std::make_shared<Result<RoundPayload>>(not_found("nothing was made"));
    RoundTask task;
    task.round = round_;
    task.start_block = start_->hash;
    task.codec_seed = chain::codec_seed(chain_.genesis_id(), round_, key_);
    task.key = key_;
    task.mean_norm = chain_.tip()->rules.mean_norm(chain_.network());
    task.weights = std::move(weights);
    task.stop = &run_->stop;
    task.progress = [run = run_](std::uint32_t step, double loss) {
        run->steps = step;
        run->loss = loss;
    };
    set_deadline();
    loop_.offload(
        Lane::kTrain,
        [this, task = std::move(task), made, run = run_] { *made = source_->produce(task); },
        [this, made, generation = generation_] {
            if (generation == generation_) on_payload(std::move(*made));
        });
}

void RoundTrainer::on_payload(Result<RoundPayload> made) {
    CHECK(stage_ == Stage::kTraining);
    if (!made.ok() || made->payload.empty()) {
        stage_ = Stage::kWaiting;
        note(made.ok() ? "nothing to give this round" : "failed: " + made.error().message);
        if (!made.ok()) log_warn("round {} of training failed: {}", round_, made.error().message);
        return;
    }
    payload_ = std::move(*made);
    run_->steps = payload_.steps;
    stamp();
}

void RoundTrainer::stamp() {
    stage_ = Stage::kWaiting;
    const TipInfo& tip = *chain_.tip();
    if (tip.next.height >= merge_height()) return note("too late for this round");
    stage_ = Stage::kStamping;
    note("stamping the commitment");
    auto commitment = std::make_shared<chain::Commitment>();
    commitment->round = round_;
    commitment->key = key_;
    commitment->payload_commitment = chain::payload_commitment(key_, payload_.payload);
    commitment->nonce = random_.u64() >> 1;
    const chain::U256 target = consensus::share_target(chain_.network(), first_target());
    auto found = std::make_shared<bool>(false);
    loop_.offload(
        Lane::kTrain,
        [this, commitment, target, found] {
            *found = search_stamp(chain_.genesis_id(), target, *commitment);
        },
        [this, commitment, found, generation = generation_] {
            if (generation == generation_) on_stamped(*commitment, *found);
        });
}

void RoundTrainer::on_stamped(chain::Commitment commitment, bool found) {
    stage_ = Stage::kCommitted;
    if (!found) {
        note("no stamp was found");
        return;
    }
    commitment.signature =
        crypto::sign(secret_, chain::signature_hash(chain_.genesis_id(), commitment), random_);
    commitment_ = commitment;
    commitment_id_ = chain::commitment_id(commitment);
    const auto outcome = relay_.submit(commitment_);
    note(outcome.added == Mempool::Added::kRefused ? "commitment refused: " + outcome.reason
                                                   : "committed");
    keep_going();
}

void RoundTrainer::keep_going() {
    const TipInfo& tip = *chain_.tip();
    const std::uint32_t height = tip.node->height;
    if (stage_ == Stage::kTraining) {
        // The last block that may carry a commitment is merge - 1. Stop so early that one block
        // (in longer rounds two, since blocks may come in quick succession) can still carry it,
        // and earlier by reveal_depth, to see it buried before the payload is shown.
        const std::uint32_t length = chain_.network().round_length;
        const std::uint32_t margin = length >= 6 ? 3 : 2;
        const std::uint32_t depth = std::min(chain_.network().reveal_depth + margin, length - 1);
        if (height + depth >= merge_height()) run_->stop = true;
        return;
    }
    if (stage_ != Stage::kCommitted) return;
    if (tip.rules.find(commitment_id_)) {
        note("carried");
        if (height + 1 >= merge_height()) reveal();
        return;
    }
    if (tip.next.height >= merge_height()) {
        note("no block carried the commitment");
        return;
    }
    // A reorganisation may have changed the share target, or the pool may have lost it.
    if (mempool_.contains(ItemKind::kCommitment, commitment_id_)) return;
    const auto again = relay_.submit(commitment_);
    if (again.added == Mempool::Added::kRefused && !tip.rules.has_commitment_of(key_)) stamp();
}

void RoundTrainer::reveal() {
    note("revealed");
    if (mempool_.contains(ItemKind::kContribution, commitment_id_)) return;
    chain::Contribution contribution;
    contribution.commitment_id = commitment_id_;
    contribution.payload = payload_.payload;
    contribution.signature =
        crypto::sign(secret_, chain::signature_hash(chain_.genesis_id(), contribution), random_);
    const auto outcome = relay_.submit(contribution);
    if (outcome.added == Mempool::Added::kRefused) note("payload refused: " + outcome.reason);
}

RoundTrainer::Progress RoundTrainer::progress() const {
    Progress progress;
    progress.stage = source_ ? note_ : "off";
    progress.round = round_;
    progress.merged = merged_;
    if (source_) progress.steps_wanted = source_->steps_wanted();
    if (run_) {
        progress.steps = run_->steps;
        progress.local_loss = run_->loss;
    }
    return progress;
}

}  // namespace cairn::node
