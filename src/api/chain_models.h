// ChainModels: the chain's model behind host::TextHost, so that OpenAI's API serves it (openai/).
// It is named as the network; answers name the merge block's height too ("guild@1234"). While it
// is asked, it follows the chain: a text goes on with the model with which it began, later ones get
// the newest (host::ModelHost::refresh).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/loop.h"
#include "host/model_host.h"
#include "node/node_api.h"

namespace cairn::api {

class ChainModelSource;

class ChainModels {
  public:
    /// Texts written at once.
    static constexpr std::size_t kPlaces = 4;
    static constexpr std::size_t kMaxWaiting = 64;
    /// What prompts computed before may take.
    static constexpr std::uint64_t kPrefixBytes = std::uint64_t{64} << 20;
    /// Of the memory that the node may take, this part at most.
    static constexpr std::uint64_t kMemoryShare = 2;
    /// How often the chain is looked at.
    static constexpr std::uint64_t kLookMs = 1'000;
    /// How long somebody waits for a model before he is told that there is none yet.
    static constexpr int kMaxLooks = 20;

    /// On the node's loop, on which it also ends; both outlive it. `threads` compute.
    /// `memory_bytes` are those of the whole node; 0: what is free now.
    static Result<std::unique_ptr<ChainModels>> start(node::NodeApi& node, Loop& loop,
                                                      std::size_t threads,
                                                      std::uint64_t memory_bytes);
    /// Ends what is being written.
    ~ChainModels();

    host::TextHost& host() { return *host_; }

  private:
    ChainModels(node::NodeApi& node, Loop& loop, std::string id)
        : node_(node), loop_(loop), id_(std::move(id)) {}
    void look();
    void ask();
    void on_answer(bool was_awaited, Result<std::optional<node::ServedModel>> answer);

    node::NodeApi& node_;
    Loop& loop_;
    std::string id_;
    ChainModelSource* source_ = nullptr;  // the host's
    std::unique_ptr<host::ModelHost> host_;
    bool asking_ = false;
    int looks_ = 0;  // while open() waits
    Alive alive_;
};

}  // namespace cairn::api
