// A running node, asked over HTTP: the questions of node::NodeApi that the command line and the
// demo have, with the same values. The other end is routes.cc.
//
//   ASSIGN_OR_RETURN(const RemoteNode node, RemoteNode::of_directory("~/.cairn"));
//   ASSIGN_OR_RETURN(const node::NodeStatus status, node.status());
//
// Errors have Client's kinds; what the node itself refuses comes back in its own words. An answer
// without API.md's shape does not come from a node of this version: kIo, with what to do.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/client.h"
#include "node/node_api.h"

namespace cairn::api {

class RemoteNode {
  public:
    explicit RemoteNode(Client client) : client_(std::move(client)) {}
    /// The node that runs on a data directory, by its api.json. kNotFound when there is none. The
    /// node is not asked yet: if it was killed, its api.json is still there, and asking gives
    /// kRefused.
    static Result<RemoteNode> of_directory(const std::string& directory,
                                           std::uint64_t timeout_ms = Client::kDefaultTimeoutMs);

    /// "127.0.0.1:8420".
    const std::string& address() const { return client_.address(); }

    // What the questions mean is said in NodeApi; here is only what differs.

    Result<node::NodeStatus> status() const;
    Result<std::vector<node::ServerView>> servers() const;
    /// Without samples. More than kMaxBlocksPerAnswer (protocol.h) take several requests, so that
    /// the tip may have moved between them.
    Result<std::vector<node::MergeView>> merges(std::uint64_t from_height, std::size_t max) const;
    Result<std::vector<node::CoinView>> coins_of(std::span<const crypto::PublicKey> keys) const;
    /// That payment, whatever the node says: by the id of what it pays to whom.
    Result<node::PooledView> pooled_payment(const Hash256& id) const;
    Result<Hash256> submit_payment(ByteView payment) const;
    /// A proof as bytes, which nobody has checked yet.
    Result<Bytes> prove(const proof::Question& question) const;
    /// The node's word on where a coin comes from, as JSON in trace_json's shape.
    Result<std::string> trace_coin(const chain::OutPoint& coin, std::size_t max_steps) const;
    Result<std::string> generate(const std::string& prompt, std::uint32_t max_tokens,
                                 std::uint64_t seed) const;
    /// `path` is absolute, or as seen from the node's working folder. kInvalid if there is
    /// something already, unless `replace` is set: then a model there is replaced.
    Result<Hash256> export_model(const std::string& path, bool replace) const;

  private:
    Result<Hash256> hash_in(const std::string& answer, const std::string& name) const;

    Client client_;
};

}  // namespace cairn::api
