// The node as others see it: NodeApi.
#include "fetch/manifest.h"
#include "node/largest_coins.h"
#include "node/node.h"
#include "node/upgrades_ahead.h"
#include "serve/model_snapshot.h"

namespace cairn::node {
namespace {

/// A block that joins the chain while coins are counted makes the count start again: so many
/// counts.
constexpr int kMaxCounts = 5;
constexpr std::size_t kMaxWaitingForWeights = 64;
constexpr std::size_t kMaxModelNames = 16;

Result<std::vector<MergeView>> read_merges(const store::Store& store, std::uint64_t from_height,
                                           std::size_t max, std::size_t max_contributions) {
    ASSIGN_OR_RETURN(auto merges, store.merges(from_height, max));
    std::vector<MergeView> views;
    for (store::MergeRecord& merge : merges) {
        MergeView view;
        ASSIGN_OR_RETURN(view.contributions,
                         store.contributions_at(merge.height, max_contributions));
        view.merge = std::move(merge);
        views.push_back(std::move(view));
    }
    return views;
}

/// Whether one of the keys owns the output, or is an end of the channel that it is.
bool is_of(const std::set<crypto::PublicKey>& keys, const chain::Output& output) {
    return keys.contains(output.key) ||
           (output.kind == chain::OutputKind::kChannel && keys.contains(output.payee));
}

/// The settled merge block, whose model may have to be made from that of the tip. After a start,
/// while what was merged since is not here to be taken back, the latest one, once a block lies upon
/// it: this node has judged that itself. Null if there is neither.
const BlockNode* served_merge(const chain::NetworkDefinition& network, const ChainState& state,
                              std::uint64_t now_ms) {
    const BlockNode* tip = state.tip();
    const BlockNode* settled = settled_merge(network, tip, now_ms);
    if (state.merges_above(settled)) return settled;
    const BlockNode* latest = ancestor_at(tip, tip->height - tip->height % network.round_length);
    return latest == tip ? nullptr : latest;
}

/// Whether `merge` is on the branch of `known`, and not above it: a chain that stood still shows
/// its last merge, and must not take it back with the next block. `known` may be null.
bool is_no_newer(const BlockNode* merge, const BlockNode* known, const BlockNode* tip) {
    return known != nullptr && merge->height <= known->height && known->height <= tip->height &&
           ancestor_at(tip, known->height) == known;
}

CoinView view_of(const chain::OutPoint& outpoint, const chain::Output& output) {
    CoinView view;
    view.txid = outpoint.id;
    view.index = outpoint.index;
    view.amount = output.amount;
    view.key = output.key;
    view.channel = output.kind == chain::OutputKind::kChannel;
    view.payee = output.payee;
    view.expiry = output.expiry;
    return view;
}

}  // namespace

std::string troubles_text(const NodeStatus& status) {
    std::string text;
    for (const ConditionView& condition : status.conditions)
        if (condition.trouble) text += (text.empty() ? "" : "; ") + condition_text(condition);
    return text;
}

NodeStatus Node::status() const {
    NodeStatus status;
    const TipInfo& tip = *chain_.tip();
    status.state = chain_.is_ready() ? state::kRunning : state::kLoading;
    status.conditions = conditions_.now();
    status.genesis_id = chain_.genesis_id();
    status.network_name = config_.network.name;
    status.node_key = key_;
    status.miner_key = miner_key_;
    status.listen_address = seams_.network.listen_address();
    status.height = tip.node->height;
    status.tip = tip.node->hash;
    status.state_root = tip.state_root;
    status.tip_time_ms = tip.node->header.time_ms;
    status.headers_height = chain_.tree().best_header()->height;
    status.supply = tip.supply;
    const std::uint32_t length = config_.network.round_length;
    status.round = {config_.network.round_of(tip.node->height + 1), tip.node->height % length + 1,
                    length};
    status.loss = figures_.loss;
    status.earned = figures_.earned.minted;
    status.mempool_payments = mempool_.payments().size();
    status.mempool_commitments = mempool_.commitments().size();
    status.mempool_contributions = mempool_.contributions().size();
    // Half a block of payments: a merge block's payloads take the rest.
    status.mempool_fee_rate = mempool_.payments().fee_rate_within(
        config_.network.max_payments, config_.network.max_block_bytes / 2);
    status.reorganisations = chain_.reorganisations();
    for (const auto& [id, peer] : peers_) {
        if (!peer.ready) continue;
        const std::uint64_t told = peer.branches.empty() ? 0 : peer.branches.best()->height;
        status.peers.push_back({id, peer.info.address, peer.info.key, peer.info.outbound,
                                std::max(told, peer.hello.height)});
    }
    const Miner::Progress mining = miner_.progress();
    status.mining = {miner_.enabled(), mining.searching,    mining.height,
                     mining.hashes,    mining.hashes_per_s, mining.blocks};
    const RoundTrainer::Progress training = trainer_.progress();
    status.training = {seams_.source != nullptr, training.stage,        training.round,
                       training.steps,           training.steps_wanted, training.local_loss,
                       figures_.earned.merged};
    const serve::EvidenceCounts& evidence = desk_.counts();
    status.evidence = {evidence.judged, evidence.convicting, evidence.in_vain, desk_.kept().size(),
                       evidence_.unchecked()};
    status.upgrades = upgrades_ahead(config_.network, tip.node->height, chain_.newest());
    return status;
}

std::vector<ServerView> Node::servers() const {
    const std::uint64_t now_ms = seams_.clock.monotonic_us() / 1000 + 1;
    std::vector<ServerView> views;
    for (const auto& [key, server] : servers_.table().known()) {
        ServerView view{server.record, now_ms - server.heard_ms, server.own, {}};
        for (const auto& [content, height] : model_names_)
            if (content == server.record.model) view.height = height;
        if (const auto standing = desk_.standing(key))
            view.standing = {desk_.book().find(key)->audits, standing->accuracy, standing->score,
                             std::string(trust::status_name(standing->status)), standing->why};
        if (const serve::ExhibitNote* note = evidence_.unchecked(key))
            view.accused = "exhibit " + to_hex(note->id.view()).substr(0, 16) +
                           " accuses it, which is not checked here: the model is not here";
        views.push_back(std::move(view));
    }
    return views;
}

void Node::name_model(ServedModel served, Callback<std::optional<ServedModel>> answer) {
    const auto kept = std::make_shared<ServedModel>(std::move(served));
    offload(
        seams_.loop, Lane::kServe,
        [kept] { return serve::content_hash(kept->model.config, kept->model.weights); },
        alive_.guard([this, kept, answer = std::move(answer)](const Hash256& content) {
            std::erase_if(model_names_, [&](const auto& name) { return name.first == content; });
            model_names_.emplace_back(content, kept->height);
            if (model_names_.size() > kMaxModelNames) model_names_.pop_front();
            answer(std::optional<ServedModel>(std::move(*kept)));
        }));
}

void Node::merges(std::uint64_t from_height, std::size_t max,
                  Callback<std::vector<MergeView>> answer) {
    const std::size_t most = config_.network.max_contributions * std::size_t{2};
    offload(
        seams_.loop, Lane::kRead,
        [&store = store_, from_height, max, most] {
            return read_merges(store, from_height, max, most);
        },
        alive_.guard(std::move(answer)));
}

void Node::explain(const Hash256& id, std::size_t max,
                   Callback<std::vector<store::ContributionRecord>> answer) {
    offload(
        seams_.loop, Lane::kRead,
        [&store = store_, id, max] { return store.contributions(id, max); },
        alive_.guard(std::move(answer)));
}

void Node::submit_payment(Bytes bytes, Callback<Hash256> answer) {
    const auto payment = chain::decode_payment(bytes);
    if (!payment.ok()) return answer(payment.error());
    const Hash256 id = chain::payment_id(*payment);
    relay_.submit_payment(*payment, [id, answer = std::move(answer)](const Status& status) {
        answer(status.ok() ? Result<Hash256>(id) : Result<Hash256>(status.error()));
    });
}

void Node::pooled_payment(const Hash256& id, Callback<PooledView> answer) {
    const ItemPtr item = mempool_.payments().find(id);
    if (!item)
        return answer(not_found("no payment " + short_hex(id) +
                                " waits in the node's pool: it may be in a block by now, or was "
                                "never taken"));
    answer(PooledView{item->encoded(), mempool_.payments().fee_of(id)});
}

void Node::coins_of(std::vector<crypto::PublicKey> keys, Callback<std::vector<CoinView>> answer) {
    if (keys.size() > kMaxCoinKeys)
        return answer(invalid("coins of at most " + std::to_string(kMaxCoinKeys) +
                              " keys at once, not " + std::to_string(keys.size())));
    collect_coins(std::make_shared<const std::set<crypto::PublicKey>>(keys.begin(), keys.end()),
                  kMaxCounts, std::move(answer));
}

void Node::collect_coins(std::shared_ptr<const std::set<crypto::PublicKey>> keys, int tries,
                         Callback<std::vector<CoinView>> answer) {
    struct Counted {
        Hash256 tip;
        std::vector<CoinView> coins;
    };
    chain_.lane().on_lane(
        [keys, maturity = config_.network.coinbase_maturity](ChainState& state) {
            const consensus::Ledger& ledger = state.ledger();
            Counted counted{ledger.tip(), {}};
            const std::uint64_t next = ledger.height() + std::uint64_t{1};
            for (const chain::OutPoint& outpoint :
                 largest_coins(ledger.coins(), *keys, kMaxCoinViews)) {
                const consensus::Coin& coin = *ledger.coins().find(outpoint);
                CoinView view = view_of(outpoint, coin.output);
                view.height = coin.height;
                view.coinbase = coin.coinbase;
                view.mature = !coin.coinbase || next >= coin.height + maturity;
                counted.coins.push_back(std::move(view));
            }
            return counted;
        },
        alive_.guard([this, keys, tries, answer = std::move(answer)](Counted counted) {
            // The pool belongs to the loop's tip, so the coins must be those of the same tip.
            if (counted.tip != chain_.tip()->node->hash && tries > 1)
                return collect_coins(keys, tries - 1, answer);
            std::vector<CoinView>& coins = counted.coins;
            for (CoinView& coin : coins) coin.spent = mempool_.spends({coin.txid, coin.index});
            for (const ItemPtr& item : mempool_.payments().by_fee_rate()) {
                const std::vector<chain::Output>& outputs = item->payment().outputs;
                for (std::uint32_t i = 0; i < outputs.size(); ++i) {
                    if (!is_of(*keys, outputs[i])) continue;
                    coins.push_back(view_of({item->name.id, i}, outputs[i]));
                    coins.back().mature = false;
                    coins.back().pending = true;
                }
            }
            answer(std::move(coins));
        }));
}

template <typename T>
void Node::with_weights(WeightsWork<T> work, Callback<T> answer) {
    if (!seams_.reader)
        return answer(Error{ErrorCode::kUnsupported, "this node has no model that can be read"});
    if (weights_out_) {
        if (weights_next_.size() >= kMaxWaitingForWeights)
            return answer(
                Error{ErrorCode::kFull, "too many wait for this node's model; try again"});
        weights_next_.push_back(
            [this, work = std::move(work), answer = std::move(answer)]() mutable {
                with_weights<T>(std::move(work), std::move(answer));
            });
        return;
    }
    weights_out_ = true;
    struct Model {
        WeightsPtr weights;
        Hash256 root;
    };
    chain_.lane().on_lane(
        [reader = seams_.reader](ChainState& state) {
            return Model{reader->weights(state), state.ledger().state_root()};
        },
        alive_.guard([this, work = std::move(work), answer = std::move(answer)](Model model) {
            offload(
                seams_.loop, Lane::kServe,
                [model = std::move(model), work] { return work(*model.weights, model.root); },
                alive_.guard([this, answer](Result<T> made) {
                    weights_out_ = false;
                    if (!weights_next_.empty()) {
                        const auto next = std::move(weights_next_.front());
                        weights_next_.pop_front();
                        next();
                    }
                    answer(std::move(made));
                }));
        }));
}

void Node::generate(std::string prompt, std::uint32_t max_tokens, std::uint64_t seed,
                    Callback<std::string> answer) {
    with_weights<std::string>(
        [reader = seams_.reader, prompt = std::move(prompt), max_tokens, seed](const auto& weights,
                                                                               const Hash256&) {
            return reader->generate(weights, prompt, max_tokens, seed);
        },
        std::move(answer));
}

void Node::find_outputs(std::vector<chain::OutPoint> outpoints,
                        std::function<void(std::vector<std::optional<channel::OnChain>>)> answer) {
    chain_.lane().on_lane(
        [outpoints = std::move(outpoints)](ChainState& state) {
            std::vector<std::optional<channel::OnChain>> found;
            for (const chain::OutPoint& outpoint : outpoints) {
                const consensus::Coin* coin = state.ledger().coins().find(outpoint);
                found.push_back(coin == nullptr
                                    ? std::nullopt
                                    : std::optional(channel::OnChain{coin->output, coin->height}));
            }
            return found;
        },
        alive_.guard(std::move(answer)));
}

void Node::served_model(const Hash256& known, Callback<std::optional<ServedModel>> answer) {
    using Served = std::optional<ServedModel>;
    if (!seams_.reader)
        return answer(Error{ErrorCode::kUnsupported, "this node has no model that can be read"});
    const std::uint64_t now_ms = seams_.clock.wall_ms();
    const BlockNode* tip = chain_.tip()->node;
    const BlockNode* merge = settled_merge(config_.network, tip, now_ms);
    const BlockNode* had = chain_.tree().find(known);
    const bool is_behind =
        chain_.tree().best_header()->height > tip->height + config_.network.round_length;
    if (is_no_newer(merge, had, tip) || (is_behind && !known.is_zero())) return answer(Served());
    chain_.lane().on_lane(
        [reader = seams_.reader, network = &config_.network, had,
         now_ms](ChainState& state) -> Served {
            const BlockNode* at = served_merge(*network, state, now_ms);
            if (at == nullptr || is_no_newer(at, had, state.tip())) return std::nullopt;
            WeightsPtr weights = reader->weights_at(state, at);
            if (weights == nullptr) return std::nullopt;
            const auto parts = state.parts_at(at);
            return ServedModel{at->height,
                               at->hash,
                               at->header.state_root,
                               at->header.time_ms,
                               reader->model_of(std::move(weights)),
                               reader->tokenizer(),
                               parts ? parts->model_root : state.ledger().model_root()};
        },
        alive_.guard([this, answer = std::move(answer)](Served served) {
            if (!served) return answer(std::move(served));
            name_model(std::move(*served), answer);
        }));
}

void Node::look_for_model() {
    const bool wanted = config_.evidence.always || !servers_.table().known().empty();
    if (!wanted || !seams_.reader || looking_for_model_) return;
    looking_for_model_ = true;
    served_model(judged_by_, alive_.guard([this](Result<std::optional<ServedModel>> served) {
        if (!served.ok() || !*served) {
            looking_for_model_ = false;
            return;
        }
        judged_by_ = (*served)->block;
        offload(
            seams_.loop, Lane::kServe,
            [model = std::make_shared<const model::Model>(std::move((*served)->model)),
             model_root = (*served)->model_root] {
                auto snapshot = serve::snapshot_of(model);
                if (snapshot.ok() && !model_root.is_zero())
                    snapshot->chain_name = fetch::chain_model_name(model->config, model_root);
                return snapshot;
            },
            alive_.guard([this](Result<serve::ModelSnapshot> snapshot) {
                looking_for_model_ = false;
                if (snapshot.ok()) desk_.put_chain_model(*std::move(snapshot));
            }));
    }));
}

void Node::export_model(std::string path, Callback<Hash256> answer) {
    with_weights<Hash256>(
        [reader = seams_.reader, path = std::move(path)](const auto& weights,
                                                         const Hash256& root) -> Result<Hash256> {
            RETURN_IF_ERROR(reader->export_model(weights, path));
            return root;
        },
        std::move(answer));
}

}  // namespace cairn::node
