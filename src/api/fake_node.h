// A node that exists only in tests of the API: its chain has merge blocks whose loss falls, and
// four contributors, of whom one is always refused.
#pragma once

#include <cmath>

#include "base/int128.h"
#include "crypto/hash.h"
#include "node/node_api.h"
#include "text/bpe.h"

namespace cairn::api {

inline Hash256 fake_hash(const std::string& name) { return crypto::sha256(as_bytes(name)); }

class FakeNode final : public node::NodeApi {
  public:
    explicit FakeNode(std::uint64_t merge_blocks = 40, std::uint64_t now_ms = 1'790'000'000'000)
        : merge_blocks_(merge_blocks), now_ms_(now_ms) {}

    /// Adds a merge block to the chain.
    void grow() { ++merge_blocks_; }
    std::string exported_to;
    Bytes submitted;
    Bytes waiting;  ///< the payment that it says waits in its pool, whichever it is asked for
    std::uint64_t generated = 0;

    node::NodeStatus status() const override {
        node::NodeStatus status;
        status.genesis_id = fake_hash("genesis");
        status.network_name = "three books";
        status.miner_key = fake_hash("contributor 1");
        status.listen_address = "127.0.0.1:9333";
        status.height = status.headers_height = 4 * merge_blocks_ + 2;
        status.tip = fake_hash("tip");
        status.state_root = fake_hash("state");
        status.tip_time_ms = now_ms_;
        status.supply = merge_blocks_ * 287'654'321;
        status.round = {merge_blocks_, 3, 4};
        status.loss = {4 * (merge_blocks_ - 1), 2.75, 2.8125, {{"books", 2.5}, {"notes", 3.0}}};
        status.earned = merge_blocks_ * 91'234'567;
        status.mempool_payments = 2;
        for (std::uint64_t i = 2; i <= 3; ++i)
            status.peers.push_back({i, "127.0.0.1:933" + std::to_string(i),
                                    fake_hash("contributor " + std::to_string(i)), i == 2,
                                    status.height});
        status.mining = {true, true, status.height + 1, 123'456, 48'000, merge_blocks_ + 7};
        status.training = {true, "training", merge_blocks_, 11, 30, 3.42, merge_blocks_ - 1};
        return status;
    }

    std::vector<node::ServerView> served_by;
    std::vector<node::ServerView> servers() const override { return served_by; }

    void merges(std::uint64_t from, std::size_t max,
                node::Callback<std::vector<node::MergeView>> answer) override {
        std::vector<node::MergeView> found;
        for (std::uint64_t i = 1; i <= merge_blocks_ && found.size() < max; ++i)
            if (4 * i >= from) found.push_back(merge(i));
        answer(std::move(found));
    }

    void explain(const Hash256& id, std::size_t max,
                 node::Callback<std::vector<store::ContributionRecord>> answer) override {
        std::vector<store::ContributionRecord> found;
        for (std::uint64_t i = merge_blocks_; i > 0; --i)
            for (const auto& record : merge(i).contributions)
                if (found.size() < max &&
                    (record.commitment_id == id || record.contributor == id || record.block == id))
                    found.push_back(record);
        answer(std::move(found));
    }

    void submit_payment(Bytes payment, node::Callback<Hash256> answer) override {
        submitted = payment;
        if (payment.empty()) return answer(Error{ErrorCode::kInvalid, "an empty payment"});
        answer(crypto::sha256(payment));
    }
    void pooled_payment(const Hash256& id, node::Callback<node::PooledView> answer) override {
        if (id == fake_hash("none")) return answer(not_found("no such payment"));
        answer(node::PooledView{waiting, 250});
    }
    void coins_of(std::vector<crypto::PublicKey> keys,
                  node::Callback<std::vector<node::CoinView>> answer) override {
        std::vector<node::CoinView> coins;
        for (const crypto::PublicKey& key : keys)
            coins.push_back({key, 1, 5'000, 12, true, false, key, true, false});
        answer(std::move(coins));
    }
    proof::Question asked_to_prove;
    void prove(const proof::Question& question, node::Callback<Bytes> answer) override {
        asked_to_prove = question;
        if (question.id && question.id->is_zero()) return answer(not_found("no such thing"));
        answer(Bytes{1, 2, 3});
    }
    /// A coin that a payment of one coinbase made.
    void trace_coin(const chain::OutPoint& coin, std::size_t max_steps, std::uint64_t,
                    node::Callback<proof::CoinTrace> answer) override {
        proof::CoinTrace trace;
        trace.coin = coin;
        trace.output = {500, chain::OutputKind::kKey, fake_hash("contributor 1")};
        trace.steps.resize(2);
        trace.steps[0].id = coin.id;
        trace.steps[0].height = 9;
        trace.steps[0].inputs = {{{fake_hash("coinbase"), 0}, trace.output, 1}};
        trace.steps[1].id = fake_hash("coinbase");
        trace.steps[1].height = 4;
        trace.steps[1].coinbase = true;
        trace.coinbases = 1;
        trace.oldest_height = 4;
        if (max_steps < 2) {
            trace.steps.resize(1);
            trace.steps[0].inputs[0].from = proof::kNotFollowed;
            trace.not_followed = 1;
        }
        answer(std::move(trace));
    }
    void generate(std::string prompt, std::uint32_t max_tokens, std::uint64_t,
                  node::Callback<std::string> answer) override {
        ++generated;
        if (prompt == "nothing") return answer(Error{ErrorCode::kUnsupported, "no tokenizer"});
        answer(prompt +
               "the king said unto him, Go in peace; and the people went up every man "
               "to his tent, " +
               std::to_string(max_tokens) + " \xff in number.");
    }
    /// A tiny model, one for each merge block.
    void served_model(const Hash256& known,
                      node::Callback<std::optional<node::ServedModel>> answer) override {
        using Served = std::optional<node::ServedModel>;
        const Hash256 block = fake_hash("block " + std::to_string(merge_blocks_));
        ++asked_for_model;
        if (!has_model || block == known) return answer(Served());
        static const std::string_view text = "the cat and the hat and the theatre";
        static const auto tokenizer = std::shared_ptr<const text::Tokenizer>(
            text::train_bpe(std::span(&text, 1), 262).value());
        const model::ModelConfig config{.dim = 32,
                                        .hidden_dim = 64,
                                        .layers = 2,
                                        .heads = 4,
                                        .kv_heads = 2,
                                        .vocab = tokenizer->vocab_size(),
                                        .context = 256};
        answer(Served(node::ServedModel{
            4 * merge_blocks_, block, fake_hash("state"), now_ms_,
            model::make_model(
                config, model::initial_parameters(model::ParameterLayout(config), merge_blocks_)),
            has_tokenizer ? tokenizer : nullptr}));
    }
    bool has_model = true;
    bool has_tokenizer = true;
    std::uint64_t asked_for_model = 0;
    void export_model(std::string folder, node::Callback<Hash256> answer) override {
        exported_to = std::move(folder);
        answer(fake_hash("state"));
    }

  private:
    node::MergeView merge(std::uint64_t i) const {
        const double x = static_cast<double>(i);
        node::MergeView view;
        view.merge.height = 4 * i;
        view.merge.block = fake_hash("block " + std::to_string(i));
        view.merge.time_ms = now_ms_ - (merge_blocks_ - i) * 9'000;
        view.merge.state_root = fake_hash("state " + std::to_string(i));
        const double fall = 2.6 + 4.3 * std::exp(-x / 9) + 0.02 * std::sin(3 * x);
        if (i < merge_blocks_) {
            view.merge.report_loss = fall;
            view.merge.source_losses = {fall - 0.25, fall + 0.25};
        }
        view.merge.judge_loss_before = fall + 0.02;
        view.merge.judge_loss_after = fall - 0.05 + 0.06 * std::sin(11 * x);
        for (std::uint64_t k = 1; k <= 4; ++k) {
            if ((i + k) % 7 == 0) continue;
            view.contributions.push_back(contribution(i, k, view.merge));
            view.merge.minted += view.contributions.back().reward;
            view.merge.contributions += view.contributions.back().merged ? 1 : 0;
        }
        return view;
    }

    static store::ContributionRecord contribution(std::uint64_t i, std::uint64_t k,
                                                  const store::MergeRecord& merge) {
        store::ContributionRecord record;
        record.commitment_id = fake_hash("c" + std::to_string(i) + "/" + std::to_string(k));
        record.contributor = fake_hash("contributor " + std::to_string(k));
        record.round = i - 1;
        record.height = merge.height;
        record.merged = k < 4;
        record.norm = 20'123'456;
        record.score = Int128{record.merged ? 1 : -1} * 991'234'567'890'123;
        record.worth = record.score / 20'123'456;
        record.worth_reference = 48'000'000;
        if (record.merged) {
            record.block = merge.block;
            record.reward = 100'000'000 / k + (i % 5) * 1'234'567;
        } else {
            record.reason = "its score is negative: it leads up the judge batch's loss";
        }
        return record;
    }

    std::uint64_t merge_blocks_;
    std::uint64_t now_ms_;
};

}  // namespace cairn::api
