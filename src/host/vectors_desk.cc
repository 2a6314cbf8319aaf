#include "host/vectors_desk.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace cairn::host {

namespace {

// Tokens of a request's texts that are read together, so that short ones share the work.
constexpr std::size_t kTokens = 256;
// How long a turn works, but for the last piece.
constexpr std::uint64_t kTurn_us = 20'000;

// Memory that reading these takes beside the model: they are read one after another.
std::uint64_t bytes_to_read(const ReadyModel& model, std::span<const text::Tokens> texts) {
    std::size_t longest = 0;
    for (const text::Tokens& text : texts) longest = std::max(longest, text.size());
    return infer::TextVectors::reading_bytes(model.config(), longest);
}

}  // namespace

TurnChoice VectorsDesk::choose(const VectorsJobPtr& waiting) {
    if (waiting->is_over()) return TurnChoice::kTake;
    const ModelRun* run = shelf_.run(waiting->model());
    if (run == nullptr) {
        shelf_.want(waiting->model());
        return TurnChoice::kNext;
    }
    waiting->begin_with(run->model());  // or less is left than it has to make anew
    const std::uint64_t bytes = bytes_to_read(*run->model(), waiting->left());
    // What never fits is taken, and refused.
    return run->bytes() + bytes > seams_.budget.limit || bytes == 0 ||
                   hooks_.find_memory(waiting->request().client, bytes, waiting->model())
               ? TurnChoice::kTake
               : TurnChoice::kNext;
}

bool VectorsDesk::is_busy() {
    bool busy = reading_ != nullptr;
    waiting_.for_each([&](const VectorsJobPtr& job) {
        busy = busy || (job->has_begun() && shelf_.run(job->model()) != nullptr);
    });
    return busy;
}

void VectorsDesk::fail(const HostError& error) {
    const VectorsJobPtr job = job_;
    stop();
    job->fail(error);
    hooks_.ended(job);
}

bool VectorsDesk::begin() {
    auto job = waiting_.take([this](const VectorsJobPtr& waiting) { return choose(waiting); });
    if (!job) return false;
    if ((*job)->is_over()) return true;
    job_ = std::move(*job);
    shelf_.has_served(job_->model());
    const ModelRun& run = *shelf_.run(job_->model());
    model_ = run.model();
    const std::uint64_t bytes = bytes_to_read(*model_, job_->left());
    if (run.bytes() + bytes > seams_.budget.limit) {
        fail({HostErrorKind::kTooLong,
              fmt::format("the longest text takes {:.1f} MB of memory; with the model that is more "
                          "than the limit of {:.1f} MB",
                          static_cast<double>(bytes) / 1e6,
                          static_cast<double>(seams_.budget.limit) / 1e6),
              "input"});
        return true;
    }
    memory_.emplace(seams_.budget, bytes);
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
    fail({HostErrorKind::kInvalid, reading.error().message, "input"});
    return true;
}

bool VectorsDesk::finish() {
    for (std::vector<float>& vector : reading_->take()) job_->add(std::move(vector));
    const std::string name = model_->name();
    const VectorsJobPtr job = job_;
    const bool held_memory = memory_->bytes() > 0;
    stop();
    if (job->left().empty()) {
        job->succeed(name);
        hooks_.ended(job);
    } else {
        add(job);
    }
    return held_memory;
}

bool VectorsDesk::turn() {
    const std::uint64_t began = seams_.clock.monotonic_us();
    bool worked = false;
    do {
        if (reading_ == nullptr && !begin()) return worked;
        worked = true;
        // What has become free is first for whoever waits for memory to write a text.
        if (reading_ != nullptr && !reading_->step() && finish()) return true;
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
    memory_.reset();
    model_.reset();  // it may be what somebody's memory waits for
    job_.reset();
}

void VectorsDesk::clear() {
    stop();
    waiting_.remove_if([](const VectorsJobPtr&) { return true; });
}

}  // namespace cairn::host
