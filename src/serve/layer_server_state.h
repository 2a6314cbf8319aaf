// Private to layer_server*.cc: what a LayerServer keeps per session and per batch.
#pragma once

#include "model/transformer.h"
#include "serve/layer_server.h"

namespace cairn::serve {

/// A span of layers ready to compute. Only jobs on Lane::kServe use the transformer.
struct LayerServer::Loaded {
    ModelSnapshot snapshot;
    std::shared_ptr<ThreadPool> pool;
    model::Transformer transformer;

    Loaded(ModelSnapshot s, model::LayerRange layers, const tensor::Kernels& kernels,
           std::shared_ptr<ThreadPool> p, std::size_t max_batch)
        : snapshot(std::move(s)),
          pool(std::move(p)),
          transformer(snapshot.config, snapshot.weights, layers, {&kernels, pool.get()},
                      {.max_batch = max_batch}) {}
};

struct LayerServer::Session {
    OpenSession request;
    std::uint64_t serial = 0;  // clients may use an id again; a serial is used once
    net::PeerId client = 0;
    crypto::PublicKey client_key;
    net::PeerId next_peer = 0;
    bool is_open = false;
    TimerId next_timer = 0;

    std::shared_ptr<Loaded> loaded;
    std::shared_ptr<model::KvCache> cache;
    std::uint64_t kv_bytes = 0;
    Hash256 inputs;              // rolling hash over what was computed
    std::uint32_t received = 0;  // positions
    std::uint32_t computed = 0;
    std::deque<Push> waiting;
    std::uint64_t last_used_us = 0;

    const Hash256& id() const { return request.terms.session; }
};

/// One push under computation. Holds all that the worker needs, so that the session may end
/// meanwhile.
struct LayerServer::BatchItem {
    SessionTerms terms;
    model::LayerRange layers;
    crypto::PublicKey previous;
    std::uint64_t serial = 0;
    std::shared_ptr<model::KvCache> cache;
    Hash256 inputs;  // rolling hash: before, then after
    Hash256 aux;     // randomness for the signature
    Push push;       // as received, then as it is sent on
    std::optional<SessionProblem> problem;
};

struct LayerServer::Batch {
    std::shared_ptr<Loaded> loaded;
    crypto::SecretKey secret;
    std::vector<BatchItem> items;
};

}  // namespace cairn::serve
