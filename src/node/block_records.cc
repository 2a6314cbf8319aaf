#include "node/block_records.h"

#include <map>

#include "crypto/hash.h"
#include "worth/network_rules.h"

namespace cairn::node {
namespace {

class Parties {
  public:
    void receive(const chain::Output& output) { add(output, &store::PaymentParty::received); }
    void spend(const chain::Output& output) { add(output, &store::PaymentParty::spent); }
    std::vector<store::PaymentParty> take() && {
        std::vector<store::PaymentParty> parties;
        for (const auto& [key, party] : by_key_) parties.push_back(party);
        return parties;
    }

  private:
    /// Coins in a channel are nobody's yet, but both ends' keys took part.
    void add(const chain::Output& output, std::uint64_t store::PaymentParty::*sum) {
        store::PaymentParty& party = at(output.key);
        if (output.kind == chain::OutputKind::kKey) {
            party.*sum += output.amount;
            return;
        }
        at(output.payee);
        at(channels_from(output.key)).*sum += output.amount;
        at(channels_to(output.payee)).*sum += output.amount;
    }
    store::PaymentParty& at(const crypto::PublicKey& key) {
        store::PaymentParty& party = by_key_[key];
        party.key = key;
        return party;
    }
    std::map<crypto::PublicKey, store::PaymentParty> by_key_;
};

double nats_per_token(std::int64_t loss, std::uint32_t tokens) {
    return static_cast<double>(loss) / (1 << 20) / tokens;
}

}  // namespace

crypto::PublicKey channels_from(const crypto::PublicKey& payer) {
    return crypto::tagged_hash("cairn/channels-from", payer.view());
}

crypto::PublicKey channels_to(const crypto::PublicKey& payee) {
    return crypto::tagged_hash("cairn/channels-to", payee.view());
}

store::ContributionRecord contribution_record(const consensus::ContributionReport& report,
                                              const consensus::BlockReport& block,
                                              const Hash256& hash) {
    store::ContributionRecord record;
    record.commitment_id = report.commitment_id;
    record.contributor = report.key;
    record.round = block.round;
    record.height = block.height;
    record.block = hash;
    record.merged = report.merged;
    record.reason = report.reason;
    record.score = report.score;
    record.norm = report.norm;
    record.worth = report.weighed.worth;
    record.worth_reference = block.worth_reference;
    record.reward = report.reward;
    return record;
}

store::BlockRecords block_records(const chain::NetworkDefinition& network, const Hash256& hash,
                                  const chain::Block& block, const consensus::BlockReport& report,
                                  const consensus::BlockUndo& undo) {
    store::BlockRecords records;
    records.hash = hash;
    records.height = report.height;

    Parties minted;
    for (const chain::Output& output : block.coinbase.outputs) minted.receive(output);
    records.payments.push_back(
        {chain::coinbase_id(block.coinbase), true, std::move(minted).take()});
    std::map<chain::OutPoint, chain::Output> spent;
    for (const auto& [outpoint, coin] : undo.spent) spent[outpoint] = coin.output;
    for (const chain::Payment& payment : block.payments) {
        Parties parties;
        for (const chain::OutPoint& input : payment.inputs) parties.spend(spent[input]);
        for (const chain::Output& output : payment.outputs) parties.receive(output);
        records.payments.push_back({chain::payment_id(payment), false, std::move(parties).take()});
    }

    if (!report.merge) return records;
    store::MergeRecord merge;
    merge.height = report.height;
    merge.block = hash;
    merge.time_ms = block.header.time_ms;
    const std::uint32_t tokens = worth::judge_rules(network).loss_tokens();
    if (report.judge_loss_before)
        merge.judge_loss_before = nats_per_token(*report.judge_loss_before, tokens);
    if (report.judge_loss_after)
        merge.judge_loss_after = nats_per_token(*report.judge_loss_after, tokens);
    merge.contributions = static_cast<std::uint32_t>(block.contributions.size());
    merge.minted = report.minted;
    merge.state_root = block.header.state_root;
    records.merge = merge;
    for (const consensus::ContributionReport& contribution : report.contributions)
        records.contributions.push_back(contribution_record(contribution, report, hash));
    return records;
}

}  // namespace cairn::node
