#include "node/round_trainer.h"

#include "base/log.h"
#include "chain/target.h"
#include "consensus/commitment_rules.h"
#include "consensus/winner_rules.h"

namespace cairn::node {
namespace {

/// Far more than an honest stamp needs; then the round is given up.
constexpr std::uint64_t kMaxStampTries = std::uint64_t{1} << 26;
/// Between two looks at whether the stamp is still wanted, as hashes of SHA-256d: a few
/// milliseconds.
constexpr std::uint64_t kCostPerLook = 4096;

bool search_stamp(chain::WorkFunction work, const Hash256& genesis_id, const chain::U256& target,
                  const std::atomic<bool>& stop, chain::Commitment& commitment) {
    const std::uint64_t tries_per_look = kCostPerLook / chain::cost_of(work);
    for (std::uint64_t i = 0; i < kMaxStampTries; ++i, ++commitment.nonce) {
        if (chain::meets_target(chain::stamp_hash(work, genesis_id, commitment), target))
            return true;
        if (i % tries_per_look == 0 && stop) return false;
    }
    return false;
}

}  // namespace

RoundTrainer::RoundTrainer(Random& random, Loop& loop, ActiveChain& chain, Relay& relay,
                           Mempool& mempool, DeltaSource* source, const ModelReader* reader,
                           KeyOfRound key_of_round, Disk* disk)
    : random_(random),
      loop_(loop),
      chain_(chain),
      relay_(relay),
      mempool_(mempool),
      source_(source),
      reader_(reader),
      key_of_round_(std::move(key_of_round)),
      disk_(disk) {
    CHECK(!source_ || !source_->wants_weights() || reader_);
    if (source_ && disk_) kept_ = kept_payload(*disk_);
}

std::optional<chain::Commitment> RoundTrainer::kept() const {
    return kept_ ? std::optional(kept_->commitment) : std::nullopt;
}

RoundTrainer::~RoundTrainer() {
    if (job_) job_->stop = true;
}

void RoundTrainer::stop() {
    state_.stopped = true;
    if (source_) proceed();
}

void RoundTrainer::on_tip() {
    if (!source_) return;
    state_ = after_tip(std::move(state_));
    proceed();
}

const consensus::OpenCommitment* RoundTrainer::carried() const {
    for (const consensus::OpenCommitment& open : chain_.tip()->rules.open_commitments())
        if (open.commitment.key == key_) return &open;
    return nullptr;
}

RoundTip RoundTrainer::look() const {
    const chain::NetworkDefinition& network = chain_.network();
    const TipInfo& tip = *chain_.tip();
    RoundTip seen;
    seen.next_height = tip.next.height;
    const std::uint32_t round = network.round_of(tip.next.height);
    const BlockNode* start = chain_.active_at(network.merge_height(round) - network.round_length);
    CHECK(start != nullptr);
    seen.start = start->hash;
    if (const consensus::OpenCommitment* open = carried()) {
        const bool ours =
            !payload_.payload.empty() && open->commitment.payload_commitment == payload_commitment_;
        seen.carried = ours ? Carried::kOurs : Carried::kOther;
        seen.payload_pooled = mempool_.contains(ItemKind::kContribution, open->id);
    }
    const consensus::RoundStart stamps = consensus::round_start(network, tip.rules, tip.next);
    if (state_.stage == Stage::kStamping) seen.stamp_holds = stamps_ == stamps;
    if (state_.stage == Stage::kStamped) {
        seen.stamp_holds =
            commitment_.start == stamps.block &&
            chain::meets_target(chain::stamp_hash(network.work, chain_.genesis_id(), commitment_),
                                consensus::share_target(stamps));
        seen.commitment_pooled =
            mempool_.contains(ItemKind::kCommitment, chain::commitment_id(commitment_));
    }
    return seen;
}

void RoundTrainer::proceed() {
    // Nobody knows here what the next block may carry.
    if (!chain_.knows_next_block() && !state_.stopped) {
        if (job_) job_->stop = true;
        note_ = "waits: this program does not know the rules of the next block";
        return;
    }
    while (!awaits_key_) {
        const RoundTip tip = look();
        const RoundAction action = next_action(chain_.network(), tip, state_);
        if (action == RoundAction::kNothing) {
            std::string text = describe(chain_.network(), tip, state_);
            if (text == note_) return;
            note_ = std::move(text);
            return log_info("round {}: {}", state_.round, note_);
        }
        state_ = after(chain_.network(), tip, std::move(state_), action);
        carry_out(action, tip);
    }
}

void RoundTrainer::carry_out(RoundAction action, const RoundTip& tip) {
    switch (action) {
        case RoundAction::kNothing:
            return;
        case RoundAction::kBegin:
            return begin();
        case RoundAction::kTrain:
            deadline_ = loop_.call_after(training_time_ms(chain_.network(), tip.next_height),
                                         alive_.guard([this] {
                                             deadline_ = 0;
                                             state_.time_is_up = true;
                                             proceed();
                                         }));
            return start_run();
        case RoundAction::kEndJob:
        case RoundAction::kDropStamp:
            job_->stop = true;
            return;
        case RoundAction::kKeep:
            job_->stop = true;
            commitment_ = carried()->commitment;
            return;
        case RoundAction::kStamp:
            return stamp();
        case RoundAction::kOffer:
            return offer();
        case RoundAction::kReveal:
            return reveal();
    }
}

void RoundTrainer::begin() {
    if (job_) job_->stop = true;
    job_.reset();
    payload_ = {};
    commitment_ = {};
    won_.reset();
    awaits_key_ = true;
    key_of_round_(state_.round, alive_.guard([this](const crypto::SecretKey& secret) {
        secret_ = secret;
        key_ = crypto::public_key(secret);
        awaits_key_ = false;
        take_up_kept();
        proceed();
    }));
}

void RoundTrainer::take_up_kept() {
    if (!kept_ || kept_->commitment.round > state_.round) return;
    const KeptPayload kept = *std::exchange(kept_, std::nullopt);
    if (kept.commitment.round != state_.round || kept.commitment.key != key_ ||
        state_.stage != Stage::kWaiting)
        return;
    log_info("round {}: going on with what was trained before this node was started", state_.round);
    payload_ = kept.made;
    payload_commitment_ = kept.commitment.payload_commitment;
    commitment_ = kept.commitment;
    state_.start = kept.start;
    state_.stage = Stage::kStamped;
}

void RoundTrainer::start_run() {
    job_ = std::make_shared<Job>();
    if (!source_->wants_weights()) return train(nullptr);
    const std::uint32_t merge = chain_.network().merge_height(state_.round);
    const BlockNode* start = chain_.active_at(merge - chain_.network().round_length);
    chain_.lane().on_lane(
        [reader = reader_, start, merge](ChainState& state) -> WeightsPtr {
            // The model is theta^t from the round's start until its merge block.
            const BlockNode* at = state.tip();
            const bool here = ancestor_at(at, start->height) == start && at->height < merge;
            return here ? reader->weights(state) : nullptr;
        },
        alive_.guard([this](WeightsPtr weights) {
            const bool wanted = state_.stage == Stage::kTraining;
            if (!wanted || !weights) return job_ended(JobEnd::kNoWeights);
            train(std::move(weights));
        }));
}

void RoundTrainer::train(WeightsPtr weights) {
    RoundTask task;
    task.round = state_.round;
    task.start_block = state_.start;
    task.codec_seed = chain::codec_seed(chain_.genesis_id(), state_.round, key_);
    task.key = key_;
    task.mean_norm = chain_.tip()->rules.mean_norm(chain_.network());
    task.rules =
        chain_.rule_book().rules_at(chain_.network(), chain_.network().merge_height(state_.round));
    task.weights = std::move(weights);
    task.stop = &job_->stop;
    task.progress = [job = job_](std::uint32_t step, double loss) {
        job->steps = step;
        job->loss = loss;
    };
    offload(
        loop_, Lane::kTrain,
        [source = source_, task = std::move(task), job = job_] { return source->produce(task); },
        alive_.guard([this](Result<RoundPayload> made) { on_made(std::move(made)); }));
}

void RoundTrainer::on_made(Result<RoundPayload> made) {
    if (!made.ok()) {
        log_warn("round {} of training failed: {}", state_.round, made.error().message);
        return job_ended(JobEnd::kNothing, "failed: " + made.error().message);
    }
    if (state_.stage != Stage::kTraining || made->payload.empty())
        return job_ended(JobEnd::kNothing);
    payload_ = std::move(*made);
    payload_commitment_ = chain::payload_commitment(key_, payload_.payload);
    if (chain_.network().one_winner()) make_own_work();
    job_ended(JobEnd::kPayload);
}

void RoundTrainer::make_own_work() {
    const consensus::WinnerPlace place{state_.start, chain_.network().merge_height(state_.round),
                                       key_};
    won_ = std::make_shared<const chain::Contribution>(consensus::winner_contribution(
        chain_.network(), chain_.genesis_id(), place, payload_.payload, *secret_, random_));
}

OwnWork RoundTrainer::own_work(const BlockNode* parent) const {
    if (!source_ || state_.stopped) return {};
    if (state_.start != parent->hash) return {OwnWork::State::kAwaited, {}, nullptr};
    switch (state_.stage) {
        case Stage::kMade:
            return {OwnWork::State::kMade, key_, won_};
        case Stage::kSpent:
            return {};
        default:
            return {OwnWork::State::kAwaited, {}, nullptr};
    }
}

void RoundTrainer::job_ended(JobEnd end, std::string trouble) {
    if (deadline_ != 0) loop_.cancel(deadline_);
    deadline_ = 0;
    state_ = after(std::move(state_), end, std::move(trouble));
    if (work_watch_) work_watch_();
    proceed();
}

void RoundTrainer::stamp() {
    job_ = std::make_shared<Job>();
    job_->steps = payload_.steps;
    job_->loss = payload_.last_loss;
    chain::Commitment commitment;
    commitment.round = state_.round;
    commitment.key = key_;
    commitment.payload_commitment = payload_commitment_;
    commitment.nonce = random_.u64() >> 1;
    const TipInfo& tip = *chain_.tip();
    stamps_ = consensus::round_start(chain_.network(), tip.rules, tip.next);
    commitment.start = stamps_.block;
    const chain::U256 target = consensus::share_target(stamps_);
    auto found = std::make_shared<chain::Commitment>(commitment);
    offload(
        loop_, Lane::kTrain,
        [work = chain_.network().work, genesis = chain_.genesis_id(), target, found, job = job_] {
            return search_stamp(work, genesis, target, job->stop, *found);
        },
        alive_.guard([this, found](bool ok) { on_stamped(*found, ok); }));
}

void RoundTrainer::on_stamped(chain::Commitment commitment, bool found) {
    if (!found) return job_ended(JobEnd::kNoStamp, "no stamp was found");
    if (state_.stage != Stage::kStamping) return job_ended(JobEnd::kStamp);
    commitment.signature =
        crypto::sign(*secret_, chain::signature_hash(chain_.genesis_id(), commitment), random_);
    commitment_ = commitment;
    if (!disk_) return job_ended(JobEnd::kStamp);
    // Before anybody is told: the lane's job is over when it is written.
    offload(
        loop_, Lane::kTrain,
        [disk = disk_, kept = KeptPayload{commitment, state_.start, payload_}] {
            return keep_payload(*disk, kept);
        },
        alive_.guard([this](const Status& written) {
            if (!written.ok())
                log_warn(
                    "round {}: what was trained is lost if this node ends before it is shown: {}",
                    state_.round, written.error().message);
            job_ended(JobEnd::kStamp);
        }));
}

void RoundTrainer::offer() {
    const auto outcome = relay_.submit(commitment_);
    if (outcome.added == Mempool::Added::kRefused)
        state_.trouble = "commitment refused: " + outcome.reason;
}

void RoundTrainer::reveal() {
    chain::Contribution contribution;
    contribution.commitment_id = carried()->id;
    contribution.payload = payload_.payload;
    contribution.signature =
        crypto::sign(*secret_, chain::signature_hash(chain_.genesis_id(), contribution), random_);
    const auto outcome = relay_.submit(contribution);
    if (outcome.added == Mempool::Added::kRefused)
        state_.trouble = "payload refused: " + outcome.reason;
}

RoundTrainer::Progress RoundTrainer::progress() const {
    Progress progress;
    progress.stage = source_ ? note_ : "off";
    progress.round = state_.round;
    if (source_) progress.steps_wanted = source_->steps_wanted();
    if (job_) {
        progress.steps = job_->steps;
        if (progress.steps > 0) progress.local_loss = job_->loss;
    }
    return progress;
}

}  // namespace cairn::node
