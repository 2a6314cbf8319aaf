#include "host/vectors_desk.h"

#include <utility>

namespace cairn::host {

namespace {

// Tokens of a request's texts that are read together, so that short ones share the work.
constexpr std::size_t kTokens = 256;
// How long a turn works, but for the last piece.
constexpr std::uint64_t kTurn_us = 20'000;

}  // namespace

bool VectorsDesk::begin() {
    auto job = waiting_.take([this](const VectorsJobPtr& waiting) {
        if (waiting->is_over()) return TurnChoice::kTake;
        if (shelf_.run(waiting->model()) != nullptr) return TurnChoice::kTake;
        shelf_.want(waiting->model());
        return TurnChoice::kNext;
    });
    if (!job) return false;
    if ((*job)->is_over()) return true;
    job_ = std::move(*job);
    model_ = shelf_.run(job_->model())->model();
    job_->begin_with(model_);
    const std::span<const text::Tokens> left = job_->left();
    std::vector<text::Tokens> texts;
    for (std::size_t tokens = 0; texts.size() < left.size();) {
        tokens += left[texts.size()].size();
        if (!texts.empty() && tokens > kTokens) break;
        texts.push_back(left[texts.size()]);
    }
    vectors_ = std::make_unique<infer::TextVectors>(model_->config(), model_->weights(),
                                                    seams_.compute, model_->pooling());
    auto reading = vectors_->begin(std::move(texts));
    if (reading.ok()) {
        reading_ = std::move(*reading);
        return true;
    }
    job_->fail({HostErrorKind::kInvalid, reading.error().message, "input"});
    vectors_.reset();
    model_.reset();
    ended_(std::exchange(job_, nullptr));
    return true;
}

void VectorsDesk::finish() {
    for (std::vector<float>& vector : reading_->take()) job_->add(std::move(vector));
    reading_.reset();
    vectors_.reset();
    const std::string name = model_->name();
    model_.reset();
    const VectorsJobPtr job = std::move(job_);
    if (!job->left().empty()) return add(job);
    job->succeed(name);
    ended_(job);
}

bool VectorsDesk::turn() {
    const std::uint64_t began = seams_.clock.monotonic_us();
    bool worked = false;
    do {
        if (reading_ == nullptr && !begin()) return worked;
        worked = true;
        if (reading_ != nullptr && !reading_->step()) finish();
    } while (seams_.clock.monotonic_us() - began < kTurn_us);
    return true;
}

void VectorsDesk::drop_over() {
    if (reading_ != nullptr && job_->is_over()) stop();
    waiting_.remove_if([](const VectorsJobPtr& job) { return job->is_over(); });
}

void VectorsDesk::stop() {
    reading_.reset();
    vectors_.reset();
    model_.reset();  // it may be what somebody's memory waits for
    job_.reset();
}

void VectorsDesk::clear() {
    stop();
    waiting_.remove_if([](const VectorsJobPtr&) { return true; });
}

}  // namespace cairn::host
