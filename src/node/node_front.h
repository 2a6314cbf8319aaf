// The NodeApi of a process from its first moment on: until the node is there and its chain is
// restored, it tells how far it has come and what is wrong, and puts every other question off.
#pragma once

#include <functional>
#include <utility>

#include "node/node_api.h"

namespace cairn::node {

class NodeFront final : public NodeApi {
  public:
    /// `starting` is asked for the status until there is a node.
    explicit NodeFront(std::function<NodeStatus()> starting) : starting_(std::move(starting)) {}

    /// From now on this one answers. It must outlive the front, or be replaced by null, with which
    /// its services are forgotten, too.
    void set_node(NodeApi* node) {
        node_ = node;
        if (node != nullptr) return;
        serving_ = {};
        verifying_ = {};
    }

    /// From now on the status tells of it. May be empty.
    void set_serving(std::function<ServingView()> serving) { serving_ = std::move(serving); }
    void set_verifying(std::function<VerifyingView()> verifying) {
        verifying_ = std::move(verifying);
    }

    NodeStatus status() const override {
        NodeStatus status = node_ ? node_->status() : starting_();
        if (serving_) status.serving = serving_();
        if (verifying_) status.verifying = verifying_();
        return status;
    }
    std::vector<ServerView> servers() const override {
        return node_ ? node_->servers() : std::vector<ServerView>();
    }
    void merges(std::uint64_t from_height, std::size_t max,
                Callback<std::vector<MergeView>> answer) override {
        if (!node_) return answer(not_yet());
        node_->merges(from_height, max, std::move(answer));
    }
    void explain(const Hash256& id, std::size_t max,
                 Callback<std::vector<store::ContributionRecord>> answer) override {
        if (!node_) return answer(not_yet());
        node_->explain(id, max, std::move(answer));
    }
    void submit_payment(Bytes payment, Callback<Hash256> answer) override {
        if (!node_) return answer(not_yet());
        node_->submit_payment(std::move(payment), std::move(answer));
    }
    void pooled_payment(const Hash256& id, Callback<PooledView> answer) override {
        if (!node_) return answer(not_yet());
        node_->pooled_payment(id, std::move(answer));
    }
    void coins_of(std::vector<crypto::PublicKey> keys,
                  Callback<std::vector<CoinView>> answer) override {
        if (!node_) return answer(not_yet());
        node_->coins_of(std::move(keys), std::move(answer));
    }
    void prove(const proof::Question& question, Callback<Bytes> answer) override {
        if (!node_) return answer(not_yet());
        node_->prove(question, std::move(answer));
    }
    void trace_coin(const chain::OutPoint& coin, std::size_t max_steps, std::uint64_t max_bytes,
                    Callback<proof::CoinTrace> answer) override {
        if (!node_) return answer(not_yet());
        node_->trace_coin(coin, max_steps, max_bytes, std::move(answer));
    }
    void generate(std::string prompt, std::uint32_t max_tokens, std::uint64_t seed,
                  Callback<std::string> answer) override {
        if (!node_) return answer(not_yet());
        node_->generate(std::move(prompt), max_tokens, seed, std::move(answer));
    }
    void served_model(const Hash256& known, Callback<std::optional<ServedModel>> answer) override {
        if (!node_) return answer(std::optional<ServedModel>());
        node_->served_model(known, std::move(answer));
    }
    void export_model(std::string path, Callback<Hash256> answer) override {
        if (!node_) return answer(not_yet());
        node_->export_model(std::move(path), std::move(answer));
    }

  private:
    static Error not_yet() {
        return {ErrorCode::kTimeout,
                "this node is still starting and has not read its chain yet: ask again in a moment "
                "(`cairn chain status` says how far it is)"};
    }

    std::function<ServingView()> serving_;
    std::function<VerifyingView()> verifying_;
    std::function<NodeStatus()> starting_;
    NodeApi* node_ = nullptr;
};

}  // namespace cairn::node
