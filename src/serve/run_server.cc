#include "serve/run_server.h"

#include <algorithm>
#include <charconv>

#include "base/bytes_text.h"
#include "base/log.h"
#include "formats/load.h"
#include "serve/fetched_layers.h"
#include "serve/giving_links.h"
#include "serve/route.h"
#include "serve/self_measure.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kMeasureMs = 300;
constexpr std::size_t kMaxInbound = 256;
constexpr std::size_t kMaxIncoming = std::size_t{1} << 30;  // rows of many prompts at once

bool parse_number(std::string_view text, std::uint32_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

std::uint64_t parameters_of(const ModelSnapshot& snapshot, model::LayerRange layers) {
    const model::ParameterLayout layout(snapshot.config);
    std::uint64_t count = 0;
    for (const model::TensorInfo& tensor : layout.tensors())
        if (model::is_in(tensor, layers)) count += tensor.size();
    return count;
}

struct Served {
    ModelSnapshot snapshot;
    model::LayerRange layers;
    std::shared_ptr<const fetch::LeafSource> source;  // what others may have; null: nothing
    std::uint64_t fetched = 0;
};

Result<Served> fetch_served(const RunServerOptions& options, const Hash256& name,
                            const tensor::Compute& compute) {
    if (options.sources.empty())
        return invalid("no file is called " + options.model_file +
                       ", and as a model's name it needs to be told who has it: --from HOST:PORT");
    FetchLayersOptions fetching{.model = name,
                                .layers = options.layers,
                                .sources = options.sources,
                                .folder = options.folder,
                                .progress = options.fetching,
                                .note = [](const std::string& line) { log_warn("{}", line); },
                                .should_stop = options.should_stop};
    ASSIGN_OR_RETURN(FetchedLayers fetched, fetch_layers(compute, fetching));
    return Served{std::move(fetched.snapshot), fetched.layers,
                  options.gives_weights ? fetched.source : nullptr, fetched.bytes};
}

Result<Served> load_served(const RunServerOptions& options, const tensor::Compute& compute) {
    const auto name = model_name_in(options.model_file);
    if (name && !options.lead.parts.empty())
        return invalid(
            "a server with parts wants the model's file, and so does each part; a name "
            "alone is not enough");
    if (name) return fetch_served(options, *name, compute);
    const auto load = options.encoder ? formats::load_any : formats::load_writer;
    ASSIGN_OR_RETURN(formats::LoadedModel loaded,
                     load(options.model_file, formats::EncoderDecoders::kTaken));
    if (options.encoder && !loaded.encoder)
        return invalid(options.model_file + " is no encoder-decoder: leave --encoder out");
    if (options.encoder) loaded.model = std::move(loaded.encoder->encoder);
    Served served;
    ASSIGN_OR_RETURN(served.layers, parse_layers(options.layers, loaded.model.config.layers));
    const auto model = std::make_shared<const model::Model>(std::move(loaded.model));
    fetch::NamedModel named;
    ASSIGN_OR_RETURN(const ModelSnapshot whole, snapshot_of(model, &named));
    // Where others have a share of the layers, each takes its own out of the whole.
    const bool is_divided = !options.lead.parts.empty();
    served.snapshot = is_divided ? whole : keep_layers(compute, whole, served.layers);
    // The file stays mapped for them; its pages take no memory that others need.
    if (options.gives_weights) served.source = fetch::leaves_of(model, std::move(named));
    return served;
}

/// Null where this machine computes its layers alone.
Result<std::shared_ptr<DividedLayers>> divide(const RunServerOptions& options, const Served& served,
                                              const tensor::Compute& compute, const Clock& clock) {
    if (options.lead.parts.empty()) return std::shared_ptr<DividedLayers>();
    LeadOptions lead = options.lead;
    lead.layers = options.layers;
    lead.model_file = options.model_file;
    return lead_parts(lead, served.snapshot, served.layers, compute, clock, options.should_stop);
}

std::uint32_t measured(const Served& served, const std::shared_ptr<DividedLayers>& divided,
                       const tensor::Compute& compute, const Clock& clock) {
    const model::LayerRange layers = served.layers;
    const model::LayerRange one{layers.begin, layers.begin + 1};
    const std::uint32_t speed = announced_speed(
        divided ? measure_divided(*divided, served.snapshot.config, layers, clock, kMeasureMs)
                : measure_rows(served.snapshot, one, compute, clock, kMeasureMs).rows_per_s);
    if (divided) divided->expect(speed);
    return speed;
}

AttentionDeskOptions proving(const RunServerOptions& options, bool is_divided,
                             std::function<std::string(net::PeerId)> group_of) {
    AttentionDeskOptions desk = options.attention;
    desk.group_of = std::move(group_of);
    if (!is_divided) return desk;
    desk.max_rows = 0;
    desk.why_none =
        "several machines compute these layers together, and none has all that a proof is made "
        "from";
    return desk;
}

void log_figures(const DividedLayers& divided) {
    const DividedFigures figures = divided.figures();
    const auto rows = static_cast<double>(std::max<std::uint64_t>(figures.rows, 1));
    log_info(
        "{} rows went through the parts: for each {:.1f} exchanges, {} sent to them and {} "
        "received",
        figures.rows, static_cast<double>(figures.exchanges) / rows,
        bytes_text(static_cast<std::uint64_t>(static_cast<double>(figures.sent) / rows)),
        bytes_text(static_cast<std::uint64_t>(static_cast<double>(figures.received) / rows)));
}

}  // namespace

Result<model::LayerRange> parse_layers(const std::string& text, std::uint32_t layers) {
    if (text == "auto") return model::LayerRange{0, layers};
    const std::size_t dash = text.find('-');
    model::LayerRange range;
    if (dash == std::string::npos ||
        !parse_number(std::string_view(text).substr(0, dash), range.begin) ||
        !parse_number(std::string_view(text).substr(dash + 1), range.end))
        return invalid("layers are written A-B, for example 0-" + std::to_string(layers) +
                       " for all of this model's, or auto; got \"" + text + "\"");
    if (range.begin >= range.end)
        return invalid("layers A-B mean A up to but not including B, so A must be below B; got \"" +
                       text + "\"");
    if (range.end > layers)
        return invalid("the model has " + std::to_string(layers) + " layers, so B is at most " +
                       std::to_string(layers) + "; got \"" + text + "\"");
    return range;
}

net::TlsOptions client_links(const std::string& listen, const crypto::SecretKey& key) {
    return {.listen = listen,
            .key = key,
            .genesis = {},
            .max_peers = kMaxInbound + net::TlsOptions{.key = key}.max_peers,
            .max_inbound = kMaxInbound,
            .kept_for_use = kMaxInbound / 4 * 3,
            .max_all_incoming_bytes = kMaxIncoming};
}

Status run_server(const RunServerOptions& options) {
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    ThreadPool pool(options.server.threads);
    const tensor::Compute compute{kernels, &pool};
    ASSIGN_OR_RETURN(const Served served, load_served(options, compute));
    const ModelSnapshot& snapshot = served.snapshot;
    const model::LayerRange layers = served.layers;
    const SystemClock clock;
    ASSIGN_OR_RETURN(const auto divided, divide(options, served, compute, clock));

    SystemRandom random;
    const crypto::SecretKey secret =
        options.key ? *options.key : crypto::SecretKey::generate(random);
    net::AsioLoop loop;
    net::TlsOptions tls = client_links(options.listen, secret);
    tls.relay = options.relay;
    tls.through = options.through;
    tls.on_relay = [&](const std::string& relay, bool passes_on) {
        if (options.relay_answered)
            options.relay_answered({crypto::public_key(secret), relay}, passes_on);
    };
    ASSIGN_OR_RETURN(const std::unique_ptr<net::TlsNetwork> network,
                     net::TlsNetwork::start(loop, random, std::move(tls)));
    LayerServerOptions server_options = options.server;
    server_options.group_of = [&links = *network](net::PeerId peer) {
        return links.group_of(peer);
    };
    server_options.rows_per_s = measured(served, divided, compute, clock);
    LayerServer server(loop, *network, clock, random, secret, *kernels, server_options);
    AttentionDesk desk(loop, *network, clock, crypto::public_key(secret),
                       proving(options, divided != nullptr, server_options.group_of));
    if (divided) {
        server.set_divided(snapshot, layers, divided);
    } else {
        server.set_model(snapshot, layers);
        desk.set_model(snapshot);
    }
    fetch::WeightsGiver giver(loop, *network, clock, {.group_of = server_options.group_of});
    if (served.source) giver.offer(served.source);
    GivingLinks links(server, desk, giver);
    network->set_handler(&links);

    const auto mapper = net::map_port(loop, options.map_port, network->listen_address(),
                                      [&options](const net::PortReport& report) {
                                          log_info("{}", report.sentence);
                                          if (options.port_mapped) options.port_mapped(report);
                                      });

    const ServerReady ready{network->listen_address(),
                            crypto::public_key(secret),
                            snapshot.hash,
                            layers,
                            parameters_of(snapshot, layers),
                            served.fetched};
    loop.post([&] {
        // Before the log's line, so that a script reads its own line first.
        if (options.started) options.started(ready);
        log_info("serving {} of model {} at {}", describe(ready.layers), short_hex(ready.model),
                 ready.address);
    });
    loop.on_terminate([&] { loop.stop(); });
    if (options.should_stop) loop.stop_when(options.should_stop);
    loop.run();
    if (divided) divided->end();
    network->set_handler(nullptr);
    log_info("stopped after {} tokens, {} heads proved, and {} of weights given to others",
             server.tokens_computed(), desk.proved(), bytes_text(giver.bytes_given()));
    if (divided) log_figures(*divided);
    return ok_status();
}

}  // namespace cairn::serve
