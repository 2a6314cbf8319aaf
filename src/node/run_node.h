// A whole node process from a data directory: what `cairn node` calls. It reads network.json and
// its assets (tokenizer, judge and report texts, named by hash and fetched from peers where they
// are missing), opens the store, builds the model, links to peers over TLS, and runs until SIGINT
// or SIGTERM. node.h is the same node with every seam passed in.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "crypto/keys.h"
#include "net/port_mapper.h"
#include "node/auditor.h"
#include "node/channel_keeper.h"
#include "node/node_api.h"
#include "node/own_keys.h"
#include "node/run_service.h"

namespace cairn::node {

/// Audits of the layer servers that the node knows.
struct NodeVerifying {
    std::vector<std::string> model_files;  ///< whose servers it audits, besides the chain's model's
    std::string text_file;                 ///< prompts come from it; empty: the models write them
    trust::TrustRules rules{};
    /// Without models and texts, which are read from the files.
    AuditorOptions auditor{};
};

struct NodeOptions {
    /// Holds network.json, assets/<hash>, node.key, and all that the node stores. Created if
    /// absent, except network.json.
    std::string directory;
    /// network.json elsewhere; copied into `directory` when that has none.
    std::string network_file;
    std::string listen = "127.0.0.1:0";  ///< "host:port", port 0: any; empty: do not listen
    /// How a router is asked to let peers dial this node. Absent: by NAT-PMP, but not on a private
    /// network, whose members find each other by what they were told.
    std::optional<net::PortAsking> map_port;
    /// Called on the loop with what came of it, and when that changes. May be empty.
    std::function<void(const net::PortReport&)> port_mapped;
    std::vector<std::string> connect;  ///< "host:port"
    /// Layer servers of one's own, "host:port": asked every 30 s for their announcements (while one
    /// does not answer, every 5 s), which are then told to all peers.
    std::vector<std::string> announce;
    std::vector<std::string> train;  ///< text files whose words never leave this machine
    bool mine = false;
    /// Names the node to its peers and earns what it mines and contributes. Absent: the key in
    /// node.key, which is made at the first start.
    std::optional<crypto::SecretKey> key;
    /// Earns with a key for each block and each contribution; kRefused on private networks.
    std::optional<FreshKeys> fresh;
    /// Secrets of payment channels besides `key`; called on the loop. May be empty.
    ChannelKeeper::SecretOf channel_secrets;
    std::size_t threads = 1;       ///< computing threads, all lanes together
    std::uint64_t memory_mib = 0;  ///< 0: no limit of our own
    /// Nonces tried a second, at most; 0: as many as take about a tenth of a core, whatever work
    /// the network asks for.
    std::uint64_t hash_rate = 0;
    std::uint64_t min_fee_rate = 1;  ///< of payments that are pooled, smallest units for each byte
    std::uint64_t seed = 0;          ///< of the trainer's choice of text; 0: from the system
    int nice = 10;

    /// Layers that the node computes for others; absent: none.
    std::optional<NodeServing> serving;
    /// Audits of others' layers; absent: it makes none, but judges what others have found.
    std::optional<NodeVerifying> verifying;

    /// Called once on the loop, before files are fetched and the chain is read, which may take
    /// long: `cairn node` starts its API here. NodeStatus::state says how far the node is. The
    /// NodeApi and the Loop live until run_node returns.
    std::function<void(NodeApi&, Loop&)> started;
    /// Called once on the loop when the chain is restored: the node runs.
    std::function<void(NodeApi&, Loop&)> running;
    /// Called on the loop when the node stops, before the NodeApi goes.
    std::function<void()> stopping;
    /// Asked every 200 ms on the loop; true stops the node as a signal would. May be empty.
    std::function<bool()> should_stop;
};

/// Runs until stopped. Errors are those of starting: no network.json, a port in use, a store of
/// another network. Blocks the calling thread, which becomes the loop.
Status run_node(const NodeOptions& options);

}  // namespace cairn::node
