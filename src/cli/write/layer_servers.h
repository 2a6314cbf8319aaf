// The options --server, --servers-of, --standby, --wait, --prefer, --book, --audit and --pay of
// commands that write with a model whose layers other machines compute (serve/network_layers.h).
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/chain/pay_servers.h"
#include "cli/local_model.h"
#include "cli/serve/trust_options.h"
#include "cli/write/sampling_options.h"
#include "serve/model_snapshot.h"
#include "serve/network_layers.h"

#include <nlohmann/json_fwd.hpp>

namespace cairn::cli {

class Command;
class Option;

struct LayerServerOptions {
    /// "host:port" of servers that may be asked. With any, they compute the layers; the text stays
    /// here.
    std::vector<std::string> servers;
    /// Data directory or API address of a node: the servers that it knows may be asked, too.
    std::string servers_of;
    std::string genesis;             ///< of the network, where its own model is meant; empty: any
    std::string cache;               ///< folder of what is fetched of it; empty: the usual one
    double most_mib = 2048;          ///< of weights that may be fetched
    bool encoder = false;            ///< of an encoder-decoder they compute the encoder's, too
    std::size_t standbys = 0;        ///< servers for each stretch of layers that follow
    double wait_s = 30;              ///< for a server where nobody holds some layers any more
    std::string prefer = "fastest";  ///< or cheapest
    std::string book = kAuditBook;   ///< what this machine's audits found; need not exist
    TrustOptions trust{};
    PayOptions pay{};  ///< what those with a price are paid from
    double audit = 0;  ///< chance that a server's part of the text is computed again here

    bool any() const { return !servers.empty() || !servers_of.empty(); }
};

/// Gives the options --server and --servers-of, for what excludes them.
std::array<Option, 2> add_layer_server_options(const Command& command, LayerServerOptions& options);

/// kMisused where an option of servers was given and no server was.
Status check_layer_servers(const LayerServerOptions& options);

/// Without a model file: the own model of the network that `servers_of` names (network_model.h)
/// takes its place, and `options` then name the servers that its nodes know. `should_stop` as in
/// node::LightOptions.
Result<std::unique_ptr<LocalModel>> load_network_model(LayerServerOptions& options,
                                                       nlohmann::json* report,
                                                       std::function<bool()> should_stop = {});
/// The model by which one's own sessions are audited; empty without --audit.
struct AuditedModel {
    serve::ModelSnapshot whole;
    /// Where servers compute an encoder, too: that, and its sessions, which are over.
    serve::ModelSnapshot encoder{};
    std::vector<serve::SessionDiary> encoder_diaries{};
};

/// The servers that hold a model's layers. Whom to ask and whom to trust is looked up anew for each
/// route.
class LayerServers {
  public:
    /// Takes note of the model and lets go of its layers' weights; with --audit they stay where
    /// they are in the file, and `audited` has them. `name` where the layers are not here to be
    /// hashed (LocalModel::name). Servers with a price are paid from `purse`; null: they are not
    /// used.
    static Result<LayerServers> of(const LayerServerOptions& options, model::Model& model,
                                   const std::optional<Hash256>& name,
                                   const SamplingOptions& sampling,
                                   std::shared_ptr<serve::Purse> purse, AuditedModel& audited);
    /// kNotFound, saying which, where nobody holds some layers now. Opens nothing.
    Status look() const;
    /// A route with room for so many positions. `source` as in serve::RemoteOptions.
    Result<std::unique_ptr<serve::NetworkLayers>> connect(std::size_t positions,
                                                          std::vector<float> source = {}) const;

  private:
    Result<serve::NetworkLayersOptions> network_options() const;

    LayerServerOptions options_;
    SamplingOptions sampling_;
    model::ModelConfig config_;
    Hash256 model_;
    bool is_network_model_ = false;
    std::shared_ptr<serve::Purse> purse_;  // null: nobody is paid
};

/// A text that is to be written over servers.
struct TextToWrite {
    std::string prompt{};       ///< of an encoder-decoder alone: what its encoder reads
    std::size_t positions = 0;  ///< that sessions have room for
    SamplingOptions sampling{};
};
/// Opens sessions over the servers. Of the model only what is computed here is kept, packed:
/// embedding, norm and head. An encoder-decoder's encoder reads the prompt first, here, or where
/// `options` say so over there.
Result<std::unique_ptr<serve::NetworkLayers>> connect_layers(const LayerServerOptions& options,
                                                             const TextToWrite& text,
                                                             const tensor::Compute& compute,
                                                             LocalModel& local,
                                                             AuditedModel& audited);

}  // namespace cairn::cli
