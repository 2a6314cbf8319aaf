#include "node/light_model.h"

#include <bit>
#include <cstring>

#include "net/tls_network.h"

namespace cairn::node {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are kept as they lie in memory");

}  // namespace

Result<model::Model> client_model(const fetch::KeptWeights& kept) {
    const model::ModelConfig& config = kept.manifest().config;
    const model::ParameterLayout layout(config);
    auto storage = std::make_shared<std::vector<std::vector<float>>>();
    model::Model model;
    model.config = config;
    model.weights.layers.resize(config.layers);
    for (const std::size_t number : LightClient::tensors_of_clients(config)) {
        ASSIGN_OR_RETURN(const Bytes bytes, kept.load(number));
        const model::TensorInfo& info = layout.tensors()[number];
        std::vector<float> values(info.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            std::int32_t q = 0;
            std::memcpy(&q, bytes.data() + i * sizeof q, sizeof q);
            values[i] = static_cast<float>(q) * 0x1p-24F;  // chain.md, section 6
        }
        storage->push_back(std::move(values));
        model::tensor_at(model.weights, info.kind, info.layer) =
            tensor::Weight(tensor::WeightType::kF32, info.rows, info.cols, storage->back().data());
    }
    if (config.tied_head) model.weights.head = model.weights.token_embedding;
    model.storage = std::move(storage);
    return model;
}

Result<LightModel> fetch_light_model(LightOptions options) {
    // Until the tensors are read: another command would forget them for a newer model's.
    ASSIGN_OR_RETURN(const auto lock, fetch::lock_folder(options.folder, options.note));
    SystemRandom random;
    options.salt = random.u64();
    const SystemClock clock;
    net::AsioLoop loop;
    LightClient* client = nullptr;
    net::TlsOptions tls{
        .key = crypto::SecretKey::generate(random),
        .any_genesis = true,
        .max_inbound = 0,
        .on_failed = [&client](const std::string& address, bool outbound, const Error& reason) {
            if (outbound && client) client->on_connect_failed(address, reason.message);
        }};
    ASSIGN_OR_RETURN(auto network, net::TlsNetwork::start(loop, random, std::move(tls)));
    std::optional<Result<LightChain>> found;
    LightClient light(loop, *network, clock, options, [&](Result<LightChain> result) {
        found = std::move(result);
        loop.stop();
    });
    client = &light;
    if (options.should_stop)
        loop.stop_when(options.should_stop);
    else
        loop.on_terminate([&] { loop.stop(); });
    loop.post([&] { light.start(); });
    loop.run();
    network->set_handler(nullptr);
    client = nullptr;
    if (!found)
        return Error{ErrorCode::kCancelled,
                     "stopped; what has come is kept in " + options.folder + " for the next time"};
    if (!found->ok()) return found->error();
    LightModel model;
    model.chain = std::move(**found);
    model.name = light.weights().name();
    ASSIGN_OR_RETURN(model.model, client_model(light.weights()));
    model.model.tokenizer = model.chain.tokenizer;
    return model;
}

}  // namespace cairn::node
