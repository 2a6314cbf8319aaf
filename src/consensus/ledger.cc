// CONSENSUS: changing a result here splits the network.
//
// The ledger's state: how it begins, how a block that was found valid changes it, how it goes
// back, how it is saved. Judging is in ledger_connect.cc, the miner's side in ledger_assemble.cc.
#include "consensus/ledger.h"

#include "base/check.h"
#include "consensus/commitment_rules.h"
#include "consensus/contribution_rules.h"
#include "consensus/evaluator.h"
#include "consensus/exact_dot.h"
#include "consensus/payment_rules.h"
#include "consensus/state_root.h"
#include "crypto/hash.h"

namespace cairn::consensus {
namespace {

constexpr std::string_view kMagic = "cairnsta";
/// Format 1 gave the model's length in 32 bits, too few for 215 million parameters and four merges.
constexpr std::uint32_t kFormat = 2;

}  // namespace

Ledger::Ledger(const chain::NetworkDefinition& network, ModelSeam& model, const RuleBook& book)
    : network_(network),
      book_(book),
      model_(model),
      genesis_id_(chain::genesis_id(network)),
      rules_(network),
      evaluator_(std::make_unique<Evaluator>(network, genesis_id_, model, JudgeKernels::kFast)) {
    genesis_ = chain::make_genesis(network, state_root());
    tip_ = chain::block_hash(genesis_.header);
    enter_next();
}

Ledger::~Ledger() = default;

void Ledger::enter_next() { entered_ = book_.entered(network_, height_ + 1, rules_); }

Verdict Ledger::check_known() const {
    const chain::Versions versions = network_.versions_at(height_ + 1);
    if (book_.knows(versions)) return Verdict::valid();
    return Verdict::undecided("the next block follows " + chain::to_string(versions) +
                              ", which this program does not know; update Cairn");
}

Hash256 Ledger::state_root() const {
    return consensus::state_root(model_.root(), coins_.root(), rules_root());
}

Hash256 Ledger::rules_root() const { return rules_.root(model_.recent_merges_root()); }

void Ledger::apply(const chain::Block& block, std::uint32_t height, const MergePlan& plan,
                   BlockUndo& undo) {
    undo.previous_tip = tip_;
    undo.rules = rules_;
    if (entered_) rules_ = std::move(*entered_);
    const auto create = [&](const Hash256& id, const std::vector<chain::Output>& outputs,
                            bool coinbase) {
        for (std::uint32_t i = 0; i < outputs.size(); ++i) {
            const chain::OutPoint outpoint{id, i};
            coins_.add(outpoint, Coin{outputs[i], height, coinbase});
            undo.created.push_back(outpoint);
        }
    };
    for (const chain::Payment& payment : block.payments) {
        for (const chain::OutPoint& input : payment.inputs)
            undo.spent.emplace_back(input, coins_.remove(input));
    }
    for (const chain::Payment& payment : block.payments)
        create(chain::payment_id(payment), payment.outputs, false);
    create(chain::coinbase_id(block.coinbase), block.coinbase.outputs, true);

    if (network_.is_first_of_round(height))
        rules_.start_round(block.header.previous, block.header.target);
    for (const chain::Commitment& commitment : block.commitments)
        rules_.open({commitment, chain::commitment_id(commitment), height, block.coinbase.miner});
    if (network_.is_merge_height(height)) {
        if (!plan.paid.empty()) undo.model = model_.merge(plan.merged);
        rules_.finish_round(
            network_, plan.record,
            next_stamp_factor(network_, rules_.stamp_factor(), rules_.open_commitments().size()));
    }
    const Rules& rules = book_.rules_at(network_, height);
    if (rules.keep_places != nullptr) rules.keep_places(network_, block, rules_);
    height_ = height;
    tip_ = chain::block_hash(block.header);
    enter_next();
}

void Ledger::disconnect(BlockUndo&& undo) {
    CHECK(height_ > 0);
    if (undo.model != nullptr) model_.undo(std::move(undo.model));
    for (const chain::OutPoint& outpoint : undo.created) coins_.remove(outpoint);
    for (const auto& [outpoint, coin] : undo.spent) coins_.add(outpoint, coin);
    rules_ = std::move(undo.rules);
    tip_ = undo.previous_tip;
    --height_;
    enter_next();
    undo = BlockUndo{};
}

Verdict Ledger::check_payment(const chain::Payment& payment, std::uint32_t height,
                              std::uint64_t* fee) const {
    RETURN_UNLESS_VALID(consensus::check_spending(network_, coins_, payment, height, fee));
    const Hash256 with_signatures = crypto::Sha256()
                                        .update(chain::payment_id(payment).view())
                                        .update(chain::witness_hash(payment).view())
                                        .finish();
    if (signed_.contains(with_signatures)) return Verdict::valid();
    RETURN_UNLESS_VALID(check_signatures(genesis_id_, coins_, payment));
    signed_.insert(with_signatures);
    return Verdict::valid();
}

Verdict Ledger::check_next(const chain::Payment& payment, std::uint64_t* fee) const {
    RETURN_UNLESS_VALID(check_known());
    return check_payment(payment, height_ + 1, fee);
}

Verdict Ledger::check_spending(const chain::Payment& payment, std::uint64_t* fee) const {
    RETURN_UNLESS_VALID(check_known());
    return consensus::check_spending(network_, coins_, payment, height_ + 1, fee);
}

Verdict Ledger::check_next(const chain::Commitment& commitment, const HeaderContext& context,
                           Work stamp) const {
    CHECK(context.height == height_ + 1);
    RETURN_UNLESS_VALID(check_known());
    return check_commitment(network_, genesis_id_, next_state(), commitment, context.height,
                            round_start(network_, next_state(), context), stamp);
}

Verdict Ledger::check_next(const chain::Contribution& contribution) const {
    RETURN_UNLESS_VALID(check_known());
    RETURN_UNLESS_VALID(check_contribution(network_, genesis_id_, next_state(), contribution));
    const Result<Delta> delta = evaluator_->decode(next_state(), contribution);
    if (!delta.ok())
        return delta.error().code == ErrorCode::kInvalid
                   ? Verdict::invalid(Rule::kC5, delta.error().message)
                   : Verdict::undecided(delta.error().message);
    return check_norm(next_rules(), norm(*delta), next_state().mean_norm(network_));
}

Bytes Ledger::save() const {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kFormat);
    writer.fixed(genesis_id_);
    writer.u32(height_);
    writer.fixed(tip_);
    coins_.write(writer);
    rules_.write(writer);
    const Bytes model = model_.save();
    writer.u64(model.size());
    writer.raw(model);
    return std::move(writer).take();
}

Status Ledger::load(ByteView saved) {
    Reader reader(saved);
    const bool is_snapshot = as_text(reader.raw(kMagic.size())) == kMagic;
    const std::uint32_t format = reader.u32();
    if (!is_snapshot || format < 1 || format > kFormat)
        return invalid("not a snapshot of format 1 or 2");
    if (reader.fixed<32>() != genesis_id_) return invalid("snapshot belongs to another network");
    const std::uint32_t height = reader.u32();
    const Hash256 tip = reader.fixed<32>();
    ASSIGN_OR_RETURN(CoinSet coins, CoinSet::read(reader));
    ASSIGN_OR_RETURN(RulesState rules, RulesState::read(reader));
    const ByteView model = reader.raw(format == 1 ? reader.u32() : reader.u64());
    RETURN_IF_ERROR(reader.finish());
    RETURN_IF_ERROR(model_.load(model));
    coins_ = std::move(coins);
    rules_ = std::move(rules);
    height_ = height;
    tip_ = tip;
    enter_next();
    evaluator_->forget();
    return ok_status();
}

}  // namespace cairn::consensus
