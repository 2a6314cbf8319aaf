#include "serve/network_layers.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include "net/tls_network.h"

namespace cairn::serve {

namespace {

/// Of all sessions of one route that are kept to be audited, together.
constexpr std::uint64_t kMaxDiaryBytes = std::uint64_t{512} << 20;

}  // namespace

struct NetworkLayers::Impl {
    SystemRandom random;
    SystemClock clock;
    crypto::SecretKey secret = crypto::SecretKey::generate(random);
    net::AsioLoop loop;
    std::unique_ptr<net::TlsNetwork> network;
    std::unique_ptr<Client> client;
    std::unique_ptr<RemoteLayers> layers;
    std::shared_ptr<Purse> purse;
    std::unique_ptr<SessionDiaries> diaries;
    std::thread thread;

    /// Links and a client, on a loop that runs.
    static Result<std::unique_ptr<Impl>> start(const NetworkLayersOptions& options) {
        if (options.remote.servers.empty())
            return invalid("name at least one server: --server HOST:PORT");
        auto impl = std::make_unique<Impl>();
        net::TlsOptions tls{.listen = "",
                            .key = impl->secret,
                            .genesis = options.genesis,
                            .on_failed = [at = impl.get()](const std::string& address,
                                                           bool outbound, const Error& reason) {
                                if (outbound)
                                    at->client->on_connect_failed(address, reason.message);
                            }};
        ASSIGN_OR_RETURN(impl->network,
                         net::TlsNetwork::start(impl->loop, impl->random, std::move(tls)));
        impl->client = std::make_unique<Client>(impl->loop, *impl->network, impl->clock,
                                                impl->random, options.client);
        impl->purse = options.purse;
        impl->client->sessions().set_purse(impl->purse.get());
        if (options.audit > 0) {
            impl->diaries =
                std::make_unique<SessionDiaries>(options.audit, impl->random, kMaxDiaryBytes);
            impl->client->sessions().set_watch(impl->diaries.get());
        }
        impl->network->set_handler(impl->client.get());
        impl->thread = std::thread([loop = &impl->loop] { loop->run(); });
        return impl;
    }

    ~Impl() {
        if (thread.joinable()) {
            loop.post([this] {
                if (layers) layers->close();
                // A moment for the Close messages to leave; a server that gets none notices the
                // lost link.
                loop.call_after(20, [this] { loop.stop(); });
            });
            thread.join();
        }
        if (network) network->set_handler(nullptr);
        layers.reset();
        client.reset();
        network.reset();
    }

    /// Runs `ask` on the loop and waits for what it passes to its argument.
    template <typename T>
    T wait(const std::function<void(std::function<void(T)>)>& ask) {
        std::promise<T> answer;
        loop.post([&] { ask([&](T value) { answer.set_value(std::move(value)); }); });
        return answer.get_future().get();
    }
};

NetworkLayers::NetworkLayers(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NetworkLayers::~NetworkLayers() = default;

Result<std::unique_ptr<NetworkLayers>> NetworkLayers::connect(const Hash256& model,
                                                              const model::ModelConfig& config,
                                                              const NetworkLayersOptions& options) {
    return connect(model, config, options, [] { return false; });
}

Result<std::unique_ptr<NetworkLayers>> NetworkLayers::connect(
    const Hash256& model, const model::ModelConfig& config, const NetworkLayersOptions& options,
    const std::function<bool()>& cancelled) {
    constexpr std::chrono::milliseconds kLook{100};
    ASSIGN_OR_RETURN(auto impl, Impl::start(options));
    // Whoever does not wait for it any more leaves it behind.
    const auto answer = std::make_shared<std::promise<Status>>();
    impl->loop.post([at = impl.get(), model, config, remote = options.remote, answer] {
        at->layers = std::make_unique<RemoteLayers>(*at->client, model, config, remote);
        at->layers->start([answer](Status status) { answer->set_value(std::move(status)); });
    });
    std::future<Status> started = answer->get_future();
    while (started.wait_for(kLook) != std::future_status::ready)
        if (cancelled()) return Error{ErrorCode::kCancelled, "it was stopped"};
    RETURN_IF_ERROR(started.get());
    return std::unique_ptr<NetworkLayers>(new NetworkLayers(std::move(impl)));
}

Result<std::vector<Hop>> NetworkLayers::look(const Hash256& model, const model::ModelConfig& config,
                                             const NetworkLayersOptions& options) {
    ASSIGN_OR_RETURN(const auto impl, Impl::start(options));
    const auto found = impl->wait<Discovery>([&](std::function<void(Discovery)> done) {
        impl->client->search().discover(options.remote.servers, std::move(done), 0, model);
    });
    ASSIGN_OR_RETURN(
        std::vector<Hop> hops,
        choose_route(found.offers, model, model::all_layers(config), options.remote.choice));
    for (const Announce& offer : found.offers) {
        const bool is_there =
            std::ranges::any_of(hops, [&](const Hop& hop) { return hop.key == offer.key; });
        if (offer.model == model && !is_there && options.remote.standbys > 0)
            hops.push_back({offer.layers, offer.key, offer.address, offer.price, offer.genesis,
                            offer.rows_per_s});
    }
    return hops;
}

Status NetworkLayers::forward(std::span<float> hidden) {
    const auto outputs = impl_->wait<Result<States>>([&](RemoteLayers::ForwardCallback done) {
        impl_->layers->forward({hidden.begin(), hidden.end()}, std::move(done));
    });
    RETURN_IF_ERROR(outputs);
    CHECK(outputs->size() == hidden.size());
    std::copy(outputs->begin(), outputs->end(), hidden.begin());
    return ok_status();
}

Status NetworkLayers::truncate(std::size_t length) {
    return impl_->wait<Status>([&](std::function<void(Status)> done) {
        impl_->layers->truncate(length);
        done(ok_status());
    });
}

void NetworkLayers::cancel() {
    impl_->loop.post([layers = impl_->layers.get()] { layers->cancel(); });
}

void NetworkLayers::set_wait_ms(std::uint64_t wait_ms) {
    impl_->loop.post([layers = impl_->layers.get(), wait_ms] { layers->set_wait_ms(wait_ms); });
}

void NetworkLayers::begin_text() {
    (void)impl_->wait<bool>([&](std::function<void(bool)> done) {
        impl_->layers->begin_text();
        impl_->client->sessions().forget_work();
        done(true);
    });
}

std::uint64_t NetworkLayers::longest_stall_ms() {
    return impl_->wait<std::uint64_t>(
        [&](std::function<void(std::uint64_t)> done) { done(impl_->layers->longest_stall_ms()); });
}

std::vector<ServerWork> NetworkLayers::work() {
    return impl_->wait<std::vector<ServerWork>>(
        [&](std::function<void(std::vector<ServerWork>)> done) {
            done(impl_->client->sessions().work());
        });
}

std::vector<SessionDiary> NetworkLayers::diaries() {
    return impl_->wait<std::vector<SessionDiary>>(
        [&](std::function<void(std::vector<SessionDiary>)> done) {
            done(impl_->diaries ? impl_->diaries->take() : std::vector<SessionDiary>());
        });
}

std::vector<SessionDiary> NetworkLayers::diaries_so_far() {
    return impl_->wait<std::vector<SessionDiary>>(
        [&](std::function<void(std::vector<SessionDiary>)> done) {
            done(impl_->diaries ? impl_->diaries->so_far() : std::vector<SessionDiary>());
        });
}

std::uint64_t NetworkLayers::spent() {
    return impl_->wait<std::uint64_t>([&](std::function<void(std::uint64_t)> done) {
        done(impl_->purse ? impl_->purse->spent() : 0);
    });
}

std::vector<Hop> NetworkLayers::route() {
    return impl_->wait<std::vector<Hop>>(
        [&](std::function<void(std::vector<Hop>)> done) { done(impl_->layers->route()); });
}

std::size_t NetworkLayers::failovers() {
    return impl_->wait<std::size_t>(
        [&](std::function<void(std::size_t)> done) { done(impl_->layers->failovers()); });
}

}  // namespace cairn::serve
