// The node as others see it: NodeApi.
#include "node/node.h"

namespace cairn::node {
namespace {

/// A block that joins the chain while coins are counted makes the count start again, so often.
constexpr int kMaxCounts = 5;

}  // namespace

NodeStatus Node::status() const {
    NodeStatus status;
    const TipInfo& tip = *chain_.tip();
    status.genesis_id = chain_.genesis_id();
    status.network_name = config_.network.name;
    status.node_key = key_;
    status.miner_key = own_keys_.coinbase();
    status.listen_address = seams_.network.listen_address();
    status.height = tip.node->height;
    status.tip = tip.node->hash;
    status.state_root = tip.state_root;
    status.tip_time_ms = tip.node->header.time_ms;
    status.headers_height = chain_.tree().best_header()->height;
    status.supply = tip.supply;
    status.mempool_payments = mempool_.payments();
    status.mempool_commitments = mempool_.commitments();
    status.mempool_contributions = mempool_.contributions().size();
    status.reorganisations = chain_.reorganisations();
    for (const auto& [id, peer] : peers_) {
        if (!peer.ready) continue;
        const std::uint64_t told = peer.best ? peer.best->height : 0;
        status.peers.push_back({id, peer.info.address, peer.info.key, peer.info.outbound,
                                std::max(told, peer.hello.height)});
    }
    const Miner::Progress mining = miner_.progress();
    status.mining = {miner_.enabled(), mining.searching,    mining.height,
                     mining.hashes,    mining.hashes_per_s, mining.blocks};
    const RoundTrainer::Progress training = trainer_.progress();
    status.training = {seams_.source != nullptr, training.stage,        training.round,
                       training.steps,           training.steps_wanted, training.local_loss,
                       training.merged};
    status.warning = clock_.trouble.empty() ? chain_.trouble() : clock_.trouble;
    return status;
}

std::vector<MergeView> Node::merges(std::uint64_t from_height, std::size_t max) const {
    std::vector<MergeView> views;
    auto merges = seams_.store.merges(from_height, max);
    if (!merges.ok()) return views;
    for (store::MergeRecord& merge : *merges) {
        MergeView view;
        auto contributions =
            seams_.store.contributions_at(merge.height, config_.network.max_contributions * 2);
        if (contributions.ok()) view.contributions = std::move(*contributions);
        view.merge = std::move(merge);
        views.push_back(std::move(view));
    }
    return views;
}

Result<Bytes> Node::block_at(std::uint64_t height) const {
    const BlockNode* node = height <= chain_.tip()->node->height
                                ? chain_.active_at(static_cast<std::uint32_t>(height))
                                : nullptr;
    if (!node) return not_found("the chain has no block at height " + std::to_string(height));
    return chain_.block_bytes(node->hash);
}

Result<Bytes> Node::block(const Hash256& id) const { return chain_.block_bytes(id); }

std::vector<store::ContributionRecord> Node::explain(const Hash256& id, std::size_t max) const {
    auto records = seams_.store.contributions(id, max);
    return records.ok() ? std::move(*records) : std::vector<store::ContributionRecord>{};
}

void Node::submit_payment(Bytes bytes, Answer<Hash256> answer) {
    const auto payment = chain::decode_payment(bytes);
    if (!payment.ok()) return answer(payment.error());
    const Hash256 id = chain::payment_id(*payment);
    relay_.submit_payment(*payment, [id, answer = std::move(answer)](const Status& status) {
        answer(status.ok() ? Result<Hash256>(id) : Result<Hash256>(status.error()));
    });
}

void Node::coins_of(std::vector<crypto::PublicKey> keys, Answer<std::vector<CoinView>> answer) {
    if (keys.size() > kMaxCoinKeys)
        return answer(invalid("coins of at most " + std::to_string(kMaxCoinKeys) +
                              " keys at once, not " + std::to_string(keys.size())));
    collect_coins(std::make_shared<const std::set<crypto::PublicKey>>(keys.begin(), keys.end()),
                  kMaxCounts, std::move(answer));
}

void Node::collect_coins(std::shared_ptr<const std::set<crypto::PublicKey>> keys, int tries,
                         Answer<std::vector<CoinView>> answer) {
    auto coins = std::make_shared<std::vector<CoinView>>();
    auto tip = std::make_shared<Hash256>();
    seams_.loop.offload(
        Lane::kChain,
        [this, keys, coins, tip] {
            *tip = ledger().tip();
            const std::uint64_t next = ledger().height() + std::uint64_t{1};
            for (const auto& [outpoint, coin] : ledger().coins().all()) {
                if (!keys->contains(coin.output.key)) continue;
                const bool mature =
                    !coin.coinbase || next >= coin.height + config_.network.coinbase_maturity;
                coins->push_back({outpoint.id, outpoint.index, coin.output.amount, coin.height,
                                  coin.coinbase, mature, coin.output.key});
            }
        },
        [this, keys, tries, coins, tip, answer = std::move(answer)] {
            // The pool follows the loop's tip; coins of another would not go with it.
            if (*tip != chain_.tip()->node->hash && tries > 1)
                return collect_coins(keys, tries - 1, answer);
            for (CoinView& coin : *coins) coin.spent = mempool_.spends({coin.txid, coin.index});
            for (const auto& [id, payment] : mempool_.pooled_payments())
                for (std::uint32_t i = 0; i < payment.outputs.size(); ++i)
                    if (keys->contains(payment.outputs[i].key))
                        coins->push_back({id, i, payment.outputs[i].amount, 0, false, false,
                                          payment.outputs[i].key, false, true});
            answer(std::move(*coins));
        });
}

void Node::with_weights(WeightsWork work, std::function<void(Status)> done) {
    if (!seams_.reader)
        return done(Error{ErrorCode::kUnsupported, "this node has no model that can be read"});
    auto weights = std::make_shared<WeightsPtr>();
    auto root = std::make_shared<Hash256>();
    seams_.loop.offload(
        Lane::kChain,
        [this, weights, root] {
            *weights = seams_.reader->weights();
            *root = ledger().state_root();
        },
        [this, weights, root, work = std::move(work), done = std::move(done)] {
            seams_.loop.offload(
                Lane::kServe, [weights, root, work] { work(**weights, *root); },
                [done] { done(ok_status()); });
        });
}

void Node::generate(std::string prompt, std::uint32_t max_tokens, std::uint64_t seed,
                    Answer<std::string> answer) {
    auto text = std::make_shared<Result<std::string>>(not_found("no text"));
    with_weights(
        [this, text, prompt = std::move(prompt), max_tokens, seed](const auto& weights,
                                                                   const Hash256&) {
            *text = seams_.reader->generate(weights, prompt, max_tokens, seed);
        },
        [text, answer = std::move(answer)](const Status& status) {
            answer(status.ok() ? std::move(*text) : Result<std::string>(status.error()));
        });
}

void Node::export_model(std::string path, Answer<Hash256> answer) {
    auto written = std::make_shared<Result<Hash256>>(not_found("nothing was written"));
    with_weights(
        [this, written, path = std::move(path)](const auto& weights, const Hash256& root) {
            const Status status = seams_.reader->export_model(weights, path);
            *written = status.ok() ? Result<Hash256>(root) : Result<Hash256>(status.error());
        },
        [written, answer = std::move(answer)](const Status& status) {
            answer(status.ok() ? std::move(*written) : Result<Hash256>(status.error()));
        });
}

}  // namespace cairn::node
