// The world of test_world.h; holds no tests of its own.
#include <algorithm>
#include <cmath>

#include "serve/test_world.h"
#include "tensor/philox.h"

namespace cairn::serve {

TimerId FakeLoop::call_after(std::uint64_t delay_ms, std::function<void()> task) {
    const TimerId id = next_timer_++;
    timers_[{clock_.monotonic_us() + delay_ms * 1000, id}] = std::move(task);
    return id;
}

void FakeLoop::cancel(TimerId id) {
    std::erase_if(timers_, [id](const auto& entry) { return entry.first.second == id; });
}

void FakeLoop::offload(Lane lane, std::function<void()> work, std::function<void()> done) {
    work_.emplace_back(lane, [this, work = std::move(work), done = std::move(done)] {
        work();
        post(done);
    });
}

bool FakeLoop::step(std::uint64_t until_us) {
    if (!queue_.empty()) {
        const auto task = std::move(queue_.front());
        queue_.pop_front();
        task();
        return true;
    }
    const auto free = std::ranges::find_if(
        work_, [this](const auto& work) { return !held_lanes_.contains(work.first); });
    if (!held_ && free != work_.end()) {
        const auto task = std::move(free->second);
        work_.erase(free);
        task();
        return true;
    }
    if (timers_.empty() || timers_.begin()->first.first > until_us) return false;
    const std::uint64_t due_us = timers_.begin()->first.first;
    if (due_us > clock_.monotonic_us()) clock_.advance_us(due_us - clock_.monotonic_us());
    const auto task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    task();
    return true;
}

bool FakeLoop::run_until(const std::function<bool()>& done) {
    while (!done())
        if (!step(UINT64_MAX)) return false;
    return true;
}

void FakeLoop::run_for(std::uint64_t ms) {
    const std::uint64_t end_us = clock_.monotonic_us() + ms * 1000;
    while (step(end_us)) {
    }
    if (end_us > clock_.monotonic_us()) clock_.advance_us(end_us - clock_.monotonic_us());
}

net::PeerId FakeNetwork::add(FakeNetwork* other, bool outbound) {
    const net::PeerId id = next_++;
    ends_[id] = {other, 0};
    const net::PeerInfo info{outbound ? other->address_ : "", other->key_, outbound};
    loop_.post([this, id, info, &wire = wire_, address = address_] {
        if (wire.nodes.contains(address) && ends_.contains(id) && handler_ != nullptr)
            handler_->on_peer_up(id, info);
    });
    return id;
}

void FakeNetwork::connect(const std::string& address) {
    ++dialled;
    const auto found = wire_.nodes.find(address);
    if (found == wire_.nodes.end()) return;
    FakeNetwork& other = *found->second;
    for (const auto& [id, end] : ends_)
        if (end.other == &other) return;
    const net::PeerId there = other.add(this, false);
    const net::PeerId here = add(&other, true);
    ends_[here].there = there;
    other.ends_[there].there = here;
}

bool FakeNetwork::send(net::PeerId peer, std::uint16_t kind, ByteView body) {
    const auto found = ends_.find(peer);
    if (found == ends_.end() || body.size() > net::kMaxMessageBytes) return false;
    ++wire_.messages;
    const End end = found->second;
    if (wire_.frozen.contains(end.other->address_)) return true;
    if (swallow == static_cast<MessageKind>(kind)) return true;
    Bytes sent(body.begin(), body.end());
    if (tamper) tamper(static_cast<MessageKind>(kind), sent);
    std::uint64_t late_ms = delay_ms ? delay_ms(static_cast<MessageKind>(kind)) : 0;
    for (const std::string& address : {address_, end.other->address_})
        if (const auto late = wire_.late_ms.find(address); late != wire_.late_ms.end())
            late_ms += late->second;
    const auto deliver = [end, kind, copy = std::move(sent), &wire = wire_,
                          address = end.other->address_] {
        const auto node = wire.nodes.find(address);
        if (node == wire.nodes.end() || node->second != end.other) return;
        if (end.other->handler_ != nullptr && end.other->ends_.contains(end.there))
            end.other->handler_->on_message(end.there, kind, copy);
    };
    if (late_ms > 0)
        loop_.call_after(late_ms, deliver);
    else
        loop_.post(deliver);
    return true;
}

std::string FakeNetwork::group_of(net::PeerId peer) const {
    const auto found = ends_.find(peer);
    return found == ends_.end() ? "" : found->second.other->group;
}

void FakeNetwork::lose(net::PeerId peer) {
    if (ends_.erase(peer) == 0) return;
    loop_.post([this, peer, &wire = wire_, address = address_] {
        if (wire.nodes.contains(address) && handler_ != nullptr)
            handler_->on_peer_down(peer, "reset by peer");
    });
}

void FakeNetwork::disconnect(net::PeerId peer) {
    const auto found = ends_.find(peer);
    if (found == ends_.end()) return;
    found->second.other->lose(found->second.there);
    lose(peer);
}

void FakeNetwork::die() {
    for (const auto& [id, end] : ends_) end.other->lose(end.there);
    ends_.clear();
    wire_.nodes.erase(address_);
}

TestWorld::TestWorld(std::shared_ptr<const model::Model> the_model, const ClientOptions& options)
    : model(std::move(the_model)), snapshot(snapshot_of(model).value()) {
    client = std::make_unique<Client>(loop, client_network, clock, random, options);
    client_network.set_handler(client.get());
}

TestWorld::~TestWorld() { client_network.set_handler(nullptr); }

FakeServer& TestWorld::add_server(const std::string& address, model::LayerRange layers,
                                  const LayerServerOptions& options) {
    // One that was announced keeps its key.
    FakeServer& made = servers.contains(address)
                           ? servers.at(address)
                           : servers
                                 .emplace(address, FakeServer{crypto::SecretKey::generate(random),
                                                              nullptr, nullptr})
                                 .first->second;
    made.network =
        std::make_unique<FakeNetwork>(loop, wire, address, crypto::public_key(made.secret));
    LayerServerOptions with_groups = options;
    with_groups.group_of = [network = made.network.get()](net::PeerId peer) {
        return network->group_of(peer);
    };
    made.server = std::make_unique<LayerServer>(loop, *made.network, clock, random, made.secret,
                                                kernels, with_groups);
    made.server->set_model(keep_layers({&kernels, nullptr}, snapshot, layers), layers);
    made.network->set_handler(made.server.get());
    return made;
}

std::vector<std::string> TestWorld::addresses() const {
    std::vector<std::string> result;
    for (const auto& [address, server] : servers) result.push_back(address);
    return result;
}

Discovery TestWorld::discover(std::vector<std::string> from) {
    std::optional<Discovery> result;
    client->search().discover(std::move(from), [&](Discovery found) { result = std::move(found); });
    CHECK(loop.run_until([&] { return result.has_value(); }));
    return *result;
}

std::variant<Hash256, Failure> TestWorld::open(const std::vector<Hop>& hops,
                                               std::uint32_t positions) {
    auto route = std::make_shared<Route>();
    route->hops = hops;
    const auto named = [hops](std::size_t hop, Failure failure) {
        failure.error.message = describe(hops[hop], hop, hops.size()) + " " + failure.error.message;
        return failure;
    };
    for (std::size_t i = 0; i < hops.size(); ++i) {
        std::optional<std::variant<Hash256, Failure>> result;
        client->sessions().open({.model = snapshot.hash,
                                 .dim = snapshot.config.dim,
                                 .max_positions = positions,
                                 .hop = hops[i],
                                 .ended =
                                     [this, named, i, route](const Failure& failure) {
                                         const auto found = routes.find(route->sessions.front());
                                         if (found == routes.end()) return;
                                         found->second.ended = named(i, failure);
                                         const auto waiting =
                                             std::exchange(found->second.waiting, nullptr);
                                         if (waiting) waiting(*found->second.ended);
                                     }},
                                [&](auto answer) { result = std::move(answer); });
        CHECK(loop.run_until([&] { return result.has_value(); }));
        if (const Failure* failure = std::get_if<Failure>(&*result)) {
            for (const Hash256& session : route->sessions) client->sessions().close(session);
            return named(i, *failure);
        }
        route->sessions.push_back(std::get<Hash256>(*result));
    }
    route->sent.resize(hops.size());
    routes[route->sessions.front()] = *route;
    return route->sessions.front();
}

void TestWorld::push(const Hash256& session, States states,
                     std::function<void(std::variant<States, Failure>)> done) {
    Route& route = routes.at(session);
    if (route.ended) return done(*route.ended);
    const auto shared = std::make_shared<std::function<void(std::size_t, States)>>();
    route.waiting = done;
    // It is kept by the pushes that will call it, and not by itself.
    *shared = [this, session, self = std::weak_ptr(shared), done](std::size_t hop, States rows) {
        Route& at = routes.at(session);
        if (hop == at.hops.size()) {
            at.waiting = nullptr;
            return done(std::move(rows));
        }
        const std::uint32_t position = at.sent[hop];
        at.sent[hop] += static_cast<std::uint32_t>(rows.size() / snapshot.config.dim);
        const Status sent = client->sessions().push(
            at.sessions[hop], position, std::move(rows), false,
            [next = self.lock(), hop](States made) { (*next)(hop + 1, std::move(made)); });
        if (sent.ok()) return;
        at.sent[hop] = position;
        done(Failure{sent.error(), {}});
    };
    (*shared)(0, std::move(states));
}

std::variant<States, Failure> TestWorld::push(const Hash256& session, States states) {
    std::optional<std::variant<States, Failure>> result;
    push(session, std::move(states), [&](auto answer) { result = std::move(answer); });
    CHECK(loop.run_until([&] { return result.has_value(); }));
    return *result;
}

void TestWorld::close(const Hash256& session) {
    for (const Hash256& each : routes.at(session).sessions) client->sessions().close(each);
}

States TestWorld::some_states(std::size_t tokens, std::uint64_t seed) {
    States states(tokens * snapshot.config.dim);
    SeededRandom chance(seed);
    for (float& value : states) value = static_cast<float>(chance.below(2001)) / 1000.0F - 1.0F;
    return states;
}

States TestWorld::local_forward(const States& states) {
    const model::LayerRange all = model::all_layers(snapshot.config);
    model::Transformer transformer(snapshot.config, snapshot.weights, all, compute,
                                   {.max_batch = 1});
    model::KvCache cache(snapshot.config, all, snapshot.config.context);
    States result = states;
    const std::size_t dim = snapshot.config.dim;
    // One token at a time: the least batched way there is.
    for (std::size_t at = 0; at < result.size(); at += dim)
        transformer.forward(std::span(result).subspan(at, dim), cache);
    return result;
}

Status FakeRemote::start() {
    std::optional<Status> result;
    layers_.start([&](Status status) { result = std::move(status); });
    CHECK(world_.loop.run_until([&] { return result.has_value(); }));
    return *result;
}

Status FakeRemote::forward(std::span<float> hidden) {
    if (before) before(calls_);
    ++calls_;
    std::optional<Result<std::vector<float>>> result;
    layers_.forward({hidden.begin(), hidden.end()}, [&](auto answer) { result = answer; });
    CHECK(world_.loop.run_until([&] { return result.has_value(); }));
    RETURN_IF_ERROR(*result);
    std::copy((*result)->begin(), (*result)->end(), hidden.begin());
    return ok_status();
}

std::shared_ptr<const model::Model> small_model() {
    const model::ModelConfig config{.dim = 32,
                                    .hidden_dim = 48,
                                    .layers = 5,
                                    .heads = 4,
                                    .kv_heads = 2,
                                    .vocab = 64,
                                    .context = 128};
    return std::make_shared<const model::Model>(
        model::make_model(config, model::initial_parameters(model::ParameterLayout(config), 3)));
}

}  // namespace cairn::serve
