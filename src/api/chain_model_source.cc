#include "api/chain_model_source.h"

#include <utility>

namespace cairn::api {

namespace {

host::OpenedModel opened(const std::string& id, node::ServedModel served) {
    host::OpenedModel model;
    model.answers_as = id + "@" + std::to_string(served.height);
    model.version = to_hex(served.state_root);
    model.loaded.model = std::move(served.model);
    model.loaded.format = "chain";
    model.tokenizer = std::move(served.tokenizer);
    if (model.tokenizer == nullptr) model.tokenizer_problem = "this network names none";
    return model;
}

}  // namespace

Result<host::OpenedModel> ChainModelSource::open() {
    bool is_there = false;
    {
        const MutexLock lock(mutex_);
        wanted_ = true;
        is_there = next_.has_value();
        awaited_ = !is_there;
        refusal_.reset();
    }
    if (!is_there) needed_();
    const MutexLock lock(mutex_);
    while (!next_ && !refusal_ && !stopped_) given_.wait(mutex_);
    awaited_ = false;
    if (stopped_) return Error{ErrorCode::kCancelled, "the node stops"};
    if (!next_) return *refusal_;
    return opened(id_, *std::exchange(next_, std::nullopt));
}

std::int64_t ChainModelSource::created_s() const {
    const MutexLock lock(mutex_);
    return static_cast<std::int64_t>(time_ms_ / 1000);
}

bool ChainModelSource::is_wanted() const {
    const MutexLock lock(mutex_);
    return wanted_;
}

bool ChainModelSource::is_awaited() const {
    const MutexLock lock(mutex_);
    return awaited_;
}

Hash256 ChainModelSource::known() const {
    const MutexLock lock(mutex_);
    return known_;
}

bool ChainModelSource::give(node::ServedModel model) {
    const MutexLock lock(mutex_);
    known_ = model.block;
    time_ms_ = model.time_ms;
    next_ = std::move(model);
    given_.notify_all();
    return !std::exchange(awaited_, false);
}

void ChainModelSource::refuse(const Error& why) {
    const MutexLock lock(mutex_);
    if (!awaited_) return;
    refusal_ = why;
    given_.notify_all();
}

void ChainModelSource::stop() {
    const MutexLock lock(mutex_);
    stopped_ = true;
    given_.notify_all();
}

}  // namespace cairn::api
