// Private to layer_server*.cc: what a LayerServer keeps per session and per batch.
#pragma once

#include <algorithm>
#include <deque>

#include "model/transformer.h"
#include "serve/layer_server.h"

namespace cairn::serve {

/// What a client is told while parts are away. Strangers hear no more: where the parts are, and how
/// they fail, is their owner's affair.
inline constexpr const char* kPartsAway =
    "this server is several machines, and not all of them are there; its log says which";

/// Layers ready to compute. Only jobs on Lane::kLayers use the transformer.
struct LayerServer::Loaded {
    ModelSnapshot snapshot;
    model::LayerRange layers;
    struct Announced {
        std::optional<Announce> record;
        std::uint64_t made_us = 0;
    };
    Announced announced, announced_as_chain;  // by its two names; of the loop alone
    std::shared_ptr<ThreadPool> pool;
    std::optional<model::Transformer> transformer;  // unless they are divided
    std::shared_ptr<DividedLayers> divided;
    std::string lost;  // why they are not served now; of the loop alone

    Loaded(ModelSnapshot s, model::LayerRange range, const tensor::Kernels& kernels,
           std::shared_ptr<ThreadPool> p, std::size_t max_batch)
        : snapshot(std::move(s)), layers(range), pool(std::move(p)) {
        transformer.emplace(snapshot.config, snapshot.weights, layers,
                            tensor::Compute{&kernels, pool.get()},
                            model::TransformerBounds{.max_batch = batch_of(snapshot, max_batch)});
    }
    // An encoder's text goes through in one piece.
    static std::size_t batch_of(const ModelSnapshot& snapshot, std::size_t rows) {
        return snapshot.config.causal ? rows : std::max<std::size_t>(rows, snapshot.config.context);
    }
    Loaded(ModelSnapshot s, model::LayerRange range, std::shared_ptr<DividedLayers> parts)
        : snapshot(std::move(s)), layers(range), divided(std::move(parts)) {}
};

/// What a session's layers have read. The cache is made at the first push, by the job that computes
/// it: memory is taken, and time spent on it, for those who compute.
struct CacheSlot {
    std::optional<model::KvCache> cache;
    std::optional<model::KvCache> source;  // keys and values of what cross attention sees
    std::vector<float> text, encoded;      // of an encoder: whole, and what its layers made of it
    InputChain inputs;
};

struct LayerServer::Session {
    OpenSession request;
    std::uint64_t serial = 0;  // clients may use an id again; a serial is used once
    net::PeerId client = 0;
    MemoryShare share;

    std::shared_ptr<Loaded> loaded;
    std::shared_ptr<CacheSlot> slot = std::make_shared<CacheSlot>();
    Turn turn;
    bool begun = false;          // a push was given to the lane, so parts may have caches for it
    bool asked = false;          // and one behind the source, so an encoder's text is computed
    std::uint32_t received = 0;  // positions, when all that waits is computed
    std::uint64_t rows_received = 0;
    std::uint64_t rows_computed = 0;
    std::deque<Push> waiting;
    std::size_t waiting_tokens = 0;
    std::uint64_t last_used_us = 0;
    std::optional<VoucherGiven> next_voucher;  // the latest that came while one is looked at
    bool looks_at_voucher = false;
    std::uint64_t unpaid_since_us =
        0;  // since when its next push waits for a voucher; 0: it does not

    std::uint64_t price() const {
        return request.payment ? request.payment->row_price * waiting.front().tokens : 0;
    }
    SessionId id() const { return {client, request.terms.session}; }
    /// Whether something is computed for it, or waits to be.
    bool at_work() const { return rows_computed < rows_received; }
};

/// One push under computation. Holds all that the worker needs, so that the session may end
/// meanwhile.
struct LayerServer::BatchItem {
    SessionId id;
    std::uint64_t serial = 0;
    SessionTerms terms;
    model::LayerRange layers;
    std::shared_ptr<CacheSlot> slot;
    Hash256 aux;      // randomness for the signature
    PushResult made;  // the push as received, then the result
    std::optional<SessionProblem> problem;

    /// Whether the rows are of what the layers read whole, and have no result.
    bool is_source() const { return made.push.position < terms.source_rows; }
};

struct LayerServer::Batch {
    std::shared_ptr<Loaded> loaded;
    crypto::SecretKey secret;
    std::vector<BatchItem> items;
    bool lies = false;
    std::uint64_t began_us = 0;
    std::uint64_t work = 0;    // of a layer, as cost() counts it
    std::string lost{};        // a part was, in the middle of it
    std::string slow_parts{};  // as DividedLayers has it
};

}  // namespace cairn::serve
