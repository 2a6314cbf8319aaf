// A whole chain in a test: a ledger over the fake model, people with keys, targets that are easy to
// meet, and a time that each block moves on by one spacing. Only for tests.
#pragma once

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "chain/target.h"
#include "chain/test_objects.h"
#include "consensus/commitment_rules.h"
#include "consensus/fake_model.h"
#include "consensus/ledger.h"

namespace cairn::consensus {

struct Person {
    crypto::SecretKey secret;
    crypto::PublicKey key;
    explicit Person(std::uint8_t number)
        : secret(chain::test_secret(number)), key(chain::test_key(number)) {}
};

inline chain::NetworkDefinition test_network() {
    chain::NetworkDefinition network;
    network.name = "test";
    network.first_target = 0x20ffffff;
    network.genesis_time_ms = 1'700'000'000'000;
    network.norm_start = 1000;
    network.novelty_rounds = 0;
    network.coinbase_maturity = 2;
    network.max_contributions = 8;
    network.paid_contributions = 4;
    network.window_rounds = 3;
    CHECK(chain::validate(network).ok());
    return network;
}

/// A delta of norm |size| along one parameter; negative steps go down the fake model's slope.
inline Delta step(std::size_t parameter, std::int32_t size = -1000) {
    Delta delta(8, 0);
    delta[parameter] = size;
    return delta;
}

class TestChain {
  public:
    explicit TestChain(chain::NetworkDefinition definition = test_network(),
                       const RuleBook& book = own_rule_book())
        : network(std::move(definition)), ledger(network, model, book) {
        headers.push_back(ledger.genesis().header);
    }

    const chain::NetworkDefinition network;
    FakeModel model{8, network.novelty_rounds};
    Ledger ledger;
    std::vector<chain::BlockHeader> headers;  ///< by height
    std::vector<BlockUndo> undos;
    std::vector<chain::Block> blocks;  ///< from height 1
    BlockReport report;                ///< of the latest assemble, then connect
    SeededRandom random{1};

    HeaderContext context() const {
        HeaderContext context;
        context.height = static_cast<std::uint32_t>(headers.size());
        context.parent = headers.back();
        if (headers.size() > 1) context.grandparent_time_ms = headers[headers.size() - 2].time_ms;
        return context;
    }
    std::uint64_t next_time_ms() const { return headers.back().time_ms + network.spacing_ms; }
    std::uint32_t next_height() const { return ledger.height() + 1; }

    chain::Commitment commit(const Person& person, const Bytes& payload) {
        chain::Commitment commitment;
        commitment.round = network.round_of(next_height());
        commitment.start = stamps().block;
        commitment.key = person.key;
        commitment.payload_commitment = chain::payload_commitment(person.key, payload);
        restamp(commitment, person);
        return commitment;
    }
    /// What stamps for the next block rest on. In a merge block there are none.
    RoundStart stamps() const {
        RoundStart start = round_start(network, ledger.rules(), context());
        if (start.target == 0) start.target = 0x20ffffff;
        return start;
    }
    /// Searches the stamp and signs, after fields were changed.
    void restamp(chain::Commitment& commitment, const Person& person) {
        const chain::U256 share = share_target(stamps());
        while (!chain::meets_target(
            chain::stamp_hash(network.work, ledger.genesis_id(), commitment), share))
            ++commitment.nonce;
        commitment.signature = crypto::sign(
            person.secret, chain::signature_hash(ledger.genesis_id(), commitment), random);
    }
    chain::Contribution reveal(const Person& person, const chain::Commitment& commitment,
                               const Bytes& payload) {
        chain::Contribution contribution{chain::commitment_id(commitment), payload, {}};
        contribution.signature = crypto::sign(
            person.secret, chain::signature_hash(ledger.genesis_id(), contribution), random);
        return contribution;
    }
    /// Pays `amount` of the coin at `outpoint` to `to`, the rest less the fee back to `owner`.
    chain::Payment pay(const Person& owner, const chain::OutPoint& outpoint,
                       const crypto::PublicKey& to, std::uint64_t amount, std::uint64_t fee) {
        chain::Payment payment;
        const chain::Output spent = ledger.coins().find(outpoint)->output;
        payment.inputs = {outpoint};
        payment.outputs = {{amount, chain::OutputKind::kKey, to}};
        if (spent.amount > amount + fee)
            payment.outputs.push_back(
                {spent.amount - amount - fee, chain::OutputKind::kKey, owner.key});
        resign(payment, owner);
        return payment;
    }
    void resign(chain::Payment& payment, const Person& owner) {
        std::vector<chain::Output> spent;
        for (const chain::OutPoint& input : payment.inputs) {
            const Coin* coin = ledger.coins().find(input);
            spent.push_back(coin != nullptr ? coin->output : chain::Output{});
        }
        payment.signatures.assign(
            payment.inputs.size(),
            crypto::sign(owner.secret, chain::signature_hash(ledger.genesis_id(), payment, spent),
                         random));
    }

    chain::Block assemble(const Candidates& candidates, const Person& miner) {
        auto block = ledger.assemble(context(), candidates, miner.key, next_time_ms(), &report);
        CHECK(block.ok());
        return *std::move(block);
    }
    /// Body root and nonce, after a block was changed.
    void seal(chain::Block& block) const {
        block.header.body_root = chain::body_root(block);
        const chain::U256 target = *chain::target_from_compact(block.header.target);
        while (!chain::meets_target(chain::work_hash(network.work, block.header), target))
            ++block.header.nonce;
    }
    Verdict connect(const chain::Block& block) {
        BlockUndo undo;
        const Verdict verdict =
            ledger.connect(block, context(), block.header.time_ms, &undo, &report);
        if (verdict.is_valid()) {
            headers.push_back(block.header);
            blocks.push_back(block);
            undos.push_back(std::move(undo));
        }
        return verdict;
    }
    /// Assembles, seals and connects; the block must be valid.
    chain::Block mine(const Person& miner, const Candidates& candidates = {}) {
        chain::Block block = assemble(candidates, miner);
        seal(block);
        const Verdict verdict = connect(block);
        if (!verdict.is_valid()) check_failed(__FILE__, __LINE__, verdict.reason().c_str());
        return block;
    }
    void disconnect() {
        ledger.disconnect(std::move(undos.back()));
        undos.pop_back();
        headers.pop_back();
        blocks.pop_back();
    }
    /// Mines until the next block is a merge block.
    void mine_to_merge(const Person& miner) {
        while (!network.is_merge_height(next_height())) mine(miner);
    }
    /// Mines until a new round begins with the next block.
    void mine_to_round(const Person& miner) {
        while (!network.is_first_of_round(next_height())) mine(miner);
    }

    /// One round: everybody commits a delta in its first block; returns what they may reveal.
    std::vector<chain::Contribution> commit_round(const Person& miner,
                                                  const std::vector<Person>& people,
                                                  const std::vector<Delta>& deltas) {
        mine_to_round(miner);
        Candidates candidates;
        std::vector<chain::Contribution> contributions;
        for (std::size_t i = 0; i < people.size(); ++i) {
            const Bytes payload = FakeModel::payload_of(deltas[i]);
            const chain::Commitment commitment = commit(people[i], payload);
            candidates.commitments.push_back(commitment);
            contributions.push_back(reveal(people[i], commitment, payload));
        }
        mine(miner, candidates);
        mine_to_merge(miner);
        return contributions;
    }
    /// A coin that `person` owns and may spend now: mines a round, then until the coin is mature.
    chain::OutPoint earn(const Person& person, std::size_t parameter = 0) {
        const auto contributions = commit_round(person, {person}, {step(parameter)});
        Candidates candidates;
        candidates.contributions.assign(contributions.begin(), contributions.end());
        const chain::Block block = mine(person, candidates);
        CHECK(!block.coinbase.outputs.empty());
        for (std::uint32_t i = 0; i < network.coinbase_maturity; ++i) mine(person);
        return {chain::coinbase_id(block.coinbase), 0};
    }
};

}  // namespace cairn::consensus
