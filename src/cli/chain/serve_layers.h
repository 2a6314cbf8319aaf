// `cairn node --serve A-B --model FILE --listen HOST:PORT` without a chain: this process holds
// layers A up to but not including B of a model and computes them for others.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/port_mapper.h"
#include "serve/attention_desk.h"

namespace cairn::cli {

struct ServeLayersRequest {
    std::string layers;             ///< "A-B" or "auto"
    std::string model;              ///< file, or name of a model that others have
    std::vector<std::string> from;  ///< "host:port" of servers that may have it
    bool encoder = false;           ///< of an encoder-decoder the encoder's layers
    std::string servers_of;         ///< or a node that knows some: data directory or API address
    std::string weights_dir;        ///< where fetched weights are kept; empty: the usual folder
    bool give_weights = false;      ///< to others who ask
    std::string listen = "127.0.0.1:0";
    net::PortAsking map_port = net::PortAsking::kNatPmp;
    std::size_t relay = 0;             ///< links that are passed on, at most
    std::uint64_t relay_kib = 1024;    ///< KiB a second that may pass, for all together
    std::vector<std::string> through;  ///< nodes that pass links on to this one
    std::size_t threads = 1;
    /// Attention is proved of sessions of so many rows at most; 0: of none.
    std::uint32_t prove_rows = serve::AttentionDeskOptions{}.max_rows;
    std::vector<std::string> parts;     ///< "host:port" of machines that compute a share
    std::string part_key;               ///< file of the secret that they know this one by
    std::vector<std::uint32_t> shares;  ///< how much each computes, this one first
    std::string part_of;                ///< such a file: this one is a part
    bool lie = false;                   ///< for showing how liars are found
    bool json = false;
};

/// Says where it listens (one line, or with `json` one object: address, key, model, layers,
/// parameters), then runs until SIGINT or SIGTERM.
Status run_serve_layers(const ServeLayersRequest& request, std::ostream& out);

/// The same for a part of a divided server (`--part-of`).
Status run_serve_part(const ServeLayersRequest& request, std::ostream& out);

}  // namespace cairn::cli
