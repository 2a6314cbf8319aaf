// The process behind `cairn node --serve A-B --model FILE --listen HOST:PORT` where no chain is
// involved: a pure layer server, which runs until it is told to stop.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "fetch/leaf_fetcher.h"
#include "net/port_mapper.h"
#include "net/tls_network.h"
#include "serve/attention_desk.h"
#include "serve/layer_server.h"
#include "serve/lead_parts.h"

namespace cairn::serve {

/// What a server tells whoever started it, once it listens.
struct ServerReady {
    std::string address;  ///< "host:port" where it listens
    crypto::PublicKey key;
    Hash256 model;
    model::LayerRange layers;
    std::uint64_t parameters = 0;  ///< of its layers
    std::uint64_t fetched = 0;     ///< bytes of them as they travel, if they were fetched
};

struct RunServerOptions {
    std::string layers;  ///< see parse_layers
    /// A file; or a model's name, whose layers are then fetched from `sources` into `folder`.
    std::string model_file;
    std::vector<std::string> sources;
    std::string folder;
    bool encoder = false;  ///< of an encoder-decoder: its encoder's layers, and not its decoder's
    std::function<void(const fetch::LeafFetcher::Progress&)> fetching;  ///< may be empty
    /// Whether others may have the weights that are here.
    bool gives_weights = false;
    std::string listen = "127.0.0.1:0";                ///< "host:port", port 0: any
    net::PortAsking map_port = net::PortAsking::kNot;  ///< how a router is asked to pass links on
    /// Called on the loop with what came of it, and when that changes. May be empty.
    std::function<void(const net::PortReport&)> port_mapped;
    net::RelayOptions relay;           ///< links between others that are passed on
    std::vector<std::string> through;  ///< nodes that pass links on to this server: "host:port"
    /// Called on the loop: whether others reach this server through that node now. May be empty.
    std::function<void(const net::RelayedAddress& address, bool passes_on)> relay_answered;
    std::optional<crypto::SecretKey> key;  ///< absent: a fresh one
    LayerServerOptions server;
    AttentionDeskOptions attention;  ///< what it proves of its sessions
    LeadOptions lead;                ///< where there are parts, they compute a share of every layer
    /// Called on the loop once it listens; may be empty.
    std::function<void(const ServerReady&)> started;
    /// Asked every 200 ms on the loop; true stops it as SIGINT and SIGTERM do. May be empty.
    std::function<bool()> should_stop;
};

/// For links with clients: many, which lose their sessions when they yield to others.
net::TlsOptions client_links(const std::string& listen, const crypto::SecretKey& key);

/// Runs until stopped. Errors are those of starting: a file that cannot be read, layers that the
/// model does not have, a port in use. Blocks the calling thread, which becomes the loop.
Status run_server(const RunServerOptions& options);

/// "2-5" is [2, 5): layers 2, 3 and 4, as everywhere in Cairn; "auto" is all of them. kInvalid
/// outside the model or when empty.
Result<model::LayerRange> parse_layers(const std::string& text, std::uint32_t layers);

}  // namespace cairn::serve
