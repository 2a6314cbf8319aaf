#include "api/chain_models.h"

#include <algorithm>
#include <utility>

#include "api/chain_model_source.h"
#include "base/free_memory.h"
#include "base/log.h"

namespace cairn::api {

namespace {

// Where the system does not say what is free.
constexpr std::uint64_t kUnknownMemory = std::uint64_t{2} << 30;

}  // namespace

Result<std::unique_ptr<ChainModels>> ChainModels::start(node::NodeApi& node, Loop& loop,
                                                        std::size_t threads,
                                                        std::uint64_t memory_bytes) {
    const std::string name = node.status().network_name;
    std::unique_ptr<ChainModels> models(new ChainModels(node, loop, name.empty() ? "chain" : name));
    auto needed = models->alive_.guard([raw = models.get()] { raw->ask(); });
    auto source = std::make_unique<ChainModelSource>(
        models->id_, [&loop, needed = std::move(needed)] { loop.post(needed); });
    models->source_ = source.get();
    host::HostOptions options;
    options.models.push_back(std::move(source));
    options.threads = std::max<std::size_t>(1, threads);
    if (memory_bytes == 0) memory_bytes = free_memory_bytes().value_or(kUnknownMemory);
    options.memory_bytes = memory_bytes / kMemoryShare;
    options.prefix_bytes = std::min(kPrefixBytes, options.memory_bytes / 4);
    options.max_sequences = kPlaces;
    options.max_waiting = kMaxWaiting;
    ASSIGN_OR_RETURN(models->host_, host::ModelHost::start(std::move(options)));
    models->look();
    return models;
}

ChainModels::~ChainModels() {
    source_->stop();  // the host waits for what is being opened
    host_.reset();
}

void ChainModels::look() {
    if (source_->is_wanted()) ask();
    loop_.call_after(kLookMs, alive_.guard([this] { look(); }));
}

void ChainModels::ask() {
    if (asking_) return;
    asking_ = true;
    const bool awaited = source_->is_awaited();
    node_.served_model(
        awaited ? Hash256() : source_->known(),
        alive_.guard([this, awaited](Result<std::optional<node::ServedModel>>&& answer) {
            on_answer(awaited, std::move(answer));
        }));
}

void ChainModels::on_answer(bool was_awaited, Result<std::optional<node::ServedModel>> answer) {
    asking_ = false;
    if (!answer.ok()) {
        if (was_awaited) source_->refuse(answer.error());
        return;
    }
    if (answer->has_value()) {
        looks_ = 0;
        if (source_->give(*std::move(*answer))) host_->refresh(id_);
        return;
    }
    looks_ = was_awaited ? looks_ + 1 : 0;
    if (looks_ < kMaxLooks) return;
    looks_ = 0;
    source_->refuse({ErrorCode::kTimeout,
                     "the chain's model is not there yet: this node still reads its chain, or "
                     "began a moment ago, and too few blocks stand on the latest merge block; ask "
                     "again in a moment"});
}

}  // namespace cairn::api
