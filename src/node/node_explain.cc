// What the node remembers about contributions that are in no block: `cairn explain` reads it.
#include "base/log.h"
#include "crypto/hash.h"
#include "node/block_records.h"
#include "node/node.h"

namespace cairn::node {
namespace {

Hash256 sentence_key(const Hash256& id, const std::string& reason) {
    return crypto::Sha256().update(id.view()).update(as_bytes(reason)).finish();
}

}  // namespace

void Node::remember(std::vector<store::ContributionRecord> records) {
    std::erase_if(records, [this](const store::ContributionRecord& record) {
        explained_.insert(record.commitment_id);
        return !explained_.insert(sentence_key(record.commitment_id, record.reason));
    });
    if (records.empty()) return;
    chain_.lane().on_lane([records = std::move(records)](ChainState& state) {
        for (const store::ContributionRecord& record : records) {
            const Status put = state.store().put_refused(record);
            if (!put.ok()) log_warn("{}", put.error().message);
        }
    });
}

void Node::explain_template(const consensus::BlockReport& report) {
    std::vector<store::ContributionRecord> records;
    for (const consensus::ContributionReport& contribution : report.contributions)
        if (!contribution.merged)
            records.push_back(contribution_record(contribution, report, Hash256{}));
    remember(std::move(records));
    // What harmed the others is tried no more on this tip: its room is for others.
    for (const consensus::ContributionReport& contribution : report.contributions)
        if (!contribution.merged && contribution.joint_share.value_or(0) < 0)
            relay_.drop_contribution(contribution.commitment_id);
}

void Node::explain_refusal(const chain::Contribution& contribution, const std::string& reason) {
    const TipInfo& tip = *chain_.tip();
    const consensus::OpenCommitment* open = tip.rules.find(contribution.commitment_id);
    if (!open) return;  // a made-up id costs nothing, and a record is a write to the disk
    store::ContributionRecord record;
    record.commitment_id = contribution.commitment_id;
    record.contributor = open->commitment.key;
    record.round = config_.network.round_of(tip.next.height);
    record.height = config_.network.merge_height(static_cast<std::uint32_t>(record.round));
    record.reason = reason;
    remember({record});
}

void Node::explain_left_out(const std::vector<ItemPtr>& left_out) {
    std::vector<store::ContributionRecord> records;
    const std::uint32_t tip_round = config_.network.round_of(chain_.tip()->next.height);
    for (const ItemPtr& contribution : left_out) {
        const Hash256& commitment_id = contribution->name.id;
        if (explained_.contains(commitment_id)) continue;
        store::ContributionRecord record;
        record.commitment_id = commitment_id;
        record.round = tip_round == 0 ? 0 : tip_round - 1;
        record.height = config_.network.merge_height(static_cast<std::uint32_t>(record.round));
        record.reason =
            "the round's merge block came without it: its miner left it out or had not received it";
        records.push_back(record);
    }
    remember(std::move(records));
}

}  // namespace cairn::node
