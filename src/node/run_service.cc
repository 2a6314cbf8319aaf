#include "node/run_service.h"

#include "base/log.h"
#include "formats/load.h"
#include "serve/run_server.h"

namespace cairn::node {

Result<std::shared_ptr<const model::Model>> load_served(const NodeServing& serving,
                                                        std::uint32_t network_layers) {
    std::shared_ptr<const model::Model> served;
    if (!serving.model_file.empty()) {
        ASSIGN_OR_RETURN(
            formats::LoadedModel loaded,
            formats::load_writer(serving.model_file, formats::EncoderDecoders::kTaken));
        served = std::make_shared<const model::Model>(std::move(loaded.model));
    }
    RETURN_IF_ERROR(
        serve::parse_layers(serving.layers, served ? served->config.layers : network_layers));
    return served;
}

Result<std::unique_ptr<RunService>> RunService::open(net::AsioLoop& loop, Random& random,
                                                     const crypto::SecretKey& key,
                                                     const NodeServing& serving) {
    auto service = std::unique_ptr<RunService>(new RunService(loop, random, key, serving));
    net::TlsOptions links = serve::client_links(serving.listen, key);
    links.relay = serving.relay;
    links.through = serving.through;
    links.on_relay = [&service = *service](const std::string& relay, bool passes_on) {
        service.on_relay(relay, passes_on);
    };
    ASSIGN_OR_RETURN(service->links_, net::TlsNetwork::start(loop, random, std::move(links)));
    return service;
}

std::string RunService::address() const {
    if (!serving_.address.empty() || relays_.empty()) return serving_.address;
    return to_string(net::RelayedAddress{crypto::public_key(key_), relays_.front()});
}

void RunService::on_relay(const std::string& relay, bool passes_on) {
    if (!links_) return;  // they are being ended
    const std::string before = address();
    std::erase(relays_, relay);
    if (passes_on) relays_.push_back(relay);
    if (service_ && address() != before) service_->set_address(address());
    if (serving_.relay_answered)
        serving_.relay_answered({crypto::public_key(key_), relay}, passes_on);
}

void RunService::start(const Clock& clock, const tensor::Kernels& kernels, Node& node, Disk& disk,
                       std::shared_ptr<const model::Model> fixed, std::size_t threads) {
    LayerServiceOptions options;
    options.layers = serving_.layers;
    options.price = serving_.price;
    options.least_tokens_per_s = serving_.least_tokens_per_s;
    options.address = address();
    options.threads = threads;
    options.prove_rows = serving_.prove_rows;
    options.group_of = [&links = *links_](net::PeerId peer) { return links.group_of(peer); };
    options.serving = [this] {
        const ServingView view = service_->view();
        log_info("serving layers {}-{} of model {} at {}", view.first_layer, view.end_layer,
                 short_hex(view.model), view.address);
        if (serving_.began) serving_.began(view);
    };
    service_ = std::make_unique<LayerService>(loop_, *links_, clock, random_, key_, kernels, node,
                                              disk, std::move(fixed), std::move(options));
    service_->start();
}

void RunService::end_links() {
    if (links_) links_->set_handler(nullptr);
    links_.reset();
}

}  // namespace cairn::node
