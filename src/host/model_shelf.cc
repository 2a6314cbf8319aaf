#include "host/model_shelf.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/log.h"

namespace cairn::host {

namespace {

// A model that is asked for waits this long for the others' texts to end by themselves.
constexpr std::uint64_t kStay_us = 10'000'000;
// A model that failed is not tried again before.
constexpr std::uint64_t kRetry_us = 10'000'000;

std::string megabytes(std::uint64_t bytes) {
    return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

ModelShelf::ModelShelf(std::vector<std::unique_ptr<ModelSource>> sources, const RunBounds& bounds,
                       std::size_t context, const RunSeams& seams, const tensor::Compute& loader,
                       TaskThread& loading, std::function<void(std::function<void()>)> to_serving,
                       ShelfEvents events)
    : bounds_(bounds),
      context_(context),
      seams_(seams),
      loader_(loader),
      loading_(loading),
      to_serving_(std::move(to_serving)),
      events_(std::move(events)) {
    const MutexLock lock(mutex_);
    for (auto& source : sources) {
        Slot slot;
        slot.about.id = source->id();
        slot.about.created_s = source->created_s();
        slot.about.writes = source->writes().value_or(true);
        slot.about.has_versions = source->has_versions();
        if (source->at_start()) slot.about.state = ModelState::kLoading;
        views_.push_back(slot.about);
        slot.source = std::move(source);
        slots_.push_back(std::move(slot));
    }
}

std::vector<HostedModel> ModelShelf::views() const {
    const MutexLock lock(mutex_);
    return views_;
}

void ModelShelf::set_state(std::size_t model, ModelState state) {
    slots_[model].about.state = state;
    show(model);
}

void ModelShelf::show(std::size_t model) {
    Slot& slot = slots_[model];
    if (slot.about.has_versions) {
        std::vector<std::string>& versions = slot.about.versions;
        versions.clear();
        if (slot.run != nullptr) versions.push_back(slot.run->model()->name());
        for (auto older = slot.older.rbegin(); older != slot.older.rend(); ++older)
            versions.push_back(older->run->model()->name());
    }
    const MutexLock lock(mutex_);
    views_[model] = slot.about;
}

ModelRun* ModelShelf::run(std::size_t model, const std::shared_ptr<const char>& token) {
    Slot& slot = slots_[model];
    if (slot.run != nullptr && slot.run->token() == token) return slot.run.get();
    for (const Older& older : slot.older)
        if (older.run->token() == token) return older.run.get();
    return nullptr;
}

ModelRun* ModelShelf::version(std::size_t model, const std::string& name) {
    Slot& slot = slots_[model];
    if (slot.run != nullptr && slot.run->model()->name() == name) return slot.run.get();
    for (const Older& older : slot.older)
        if (older.run->model()->name() == name) return older.run.get();
    return nullptr;
}

void ModelShelf::add_user(std::size_t model) {
    ++slots_[model].users;
    slots_[model].used_us = seams_.clock.monotonic_us();
}

bool ModelShelf::want(std::size_t model) {
    Slot& slot = slots_[model];
    const std::uint64_t now = seams_.clock.monotonic_us();
    if (slot.run != nullptr) return true;
    if (slot.about.state == ModelState::kFailed && now - slot.since_us < kRetry_us) return false;
    if (slot.coming) return true;
    slot.since_us = now;
    slot.about.problem.clear();
    set_state(model, ModelState::kLoading);
    open(model);
    return true;
}

void ModelShelf::refresh(std::size_t model) {
    Slot& slot = slots_[model];
    if (slot.about.state == ModelState::kFailed) {  // this one may load
        set_state(model, ModelState::kAsleep);
        want(model);
        return;
    }
    if (slot.run == nullptr && !slot.coming) return;  // it is opened when it is asked for
    slot.stale = true;
    if (slot.opened) {  // and has not been begun to be packed
        slot.opened.reset();
        return open(model);
    }
    renew(model);
}

void ModelShelf::renew(std::size_t model) {
    Slot& slot = slots_[model];
    if (!slot.stale || slot.coming || slot.older.size() + 2 > kMaxVersions) return;
    slot.since_us = seams_.clock.monotonic_us();
    open(model);
}

void ModelShelf::drop_older() {
    std::erase_if(leaving_, [this](const Leaving& leaving) {
        if (!leaving.model.expired()) return false;
        seams_.budget.weights -= leaving.bytes;
        return true;
    });
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].older.empty()) continue;
        const auto gone = std::erase_if(slots_[i].older, [this](const Older& older) {
            // Prompts, or vectors, may still be read by it, and answers come back.
            if (!older.run->is_idle() || older.run->is_awaited() ||
                older.run->model().use_count() > 1)
                return false;
            seams_.budget.weights -= older.bytes;
            return true;
        });
        if (gone > 0) show(i);
        renew(i);
    }
}

void ModelShelf::open(std::size_t model) {
    slots_[model].coming = true;
    slots_[model].stale = false;
    loading_.post([this, model, source = slots_[model].source.get()] {
        auto opened = std::make_shared<Result<OpenedModel>>(source->open());
        to_serving_([this, model, opened] { on_opened(model, std::move(*opened)); });
    });
}

void ModelShelf::on_opened(std::size_t model, Result<OpenedModel> opened) {
    if (!opened.ok()) return fail(model, opened.error());
    Slot& slot = slots_[model];
    const model::ModelConfig& config = opened->loaded.model.config;
    const std::size_t positions =
        context_ == 0 ? config.context : std::min<std::size_t>(config.context, context_);
    slot.coming_bytes = model::packed_model_bytes(opened->loaded.model) +
                        run_scratch_bytes(config, positions, bounds_);
    if (slot.coming_bytes > seams_.budget.limit)
        return fail(model, invalid(fmt::format("it needs {} of memory, the limit is {}",
                                               megabytes(slot.coming_bytes),
                                               megabytes(seams_.budget.limit))));
    slot.opened = std::move(*opened);
    place(model, false);
}

bool ModelShelf::place(std::size_t model, bool stuck) {
    Slot& slot = slots_[model];
    const bool is_first = slot.run == nullptr && slot.older.empty();
    if (is_first && slot.users == 0 && !room_is_coming(slot.coming_bytes)) {
        slot.opened.reset();  // nobody asked for it
        slot.coming = false;
        set_state(model, ModelState::kAsleep);
        return true;
    }
    if (!make_room(slot.coming_bytes, model, stuck)) {
        give_way(model);
        if (!make_room(slot.coming_bytes, model, stuck)) return false;
    }
    seams_.budget.weights += slot.coming_bytes;
    auto opened = std::make_shared<OpenedModel>(std::move(*slot.opened));
    slot.opened.reset();
    loading_.post([this, model, opened, id = slot.about.id] {
        auto ready = std::make_shared<const ReadyModel>(id, std::move(*opened), context_, loader_);
        to_serving_([this, model, ready] { on_packed(model, ready); });
    });
    return true;
}

void ModelShelf::give_way(std::size_t model) {
    Slot& slot = slots_[model];
    const std::uint64_t possible =
        seams_.budget.free() + leaving_bytes() + seams_.budget.prefix + slot.bytes;
    if (slot.run == nullptr || !slot.run->is_idle() || possible < slot.coming_bytes) return;
    if (slot.run->is_awaited()) return;  // by answers that began with it, or that it was named for
    unload(slot);
    set_state(model, ModelState::kLoading);
}

void ModelShelf::unload(Slot& slot) {
    const std::weak_ptr<const ReadyModel> model = slot.run->model();
    slot.run.reset();
    slot.owes_turn = false;
    const std::uint64_t bytes = std::exchange(slot.bytes, 0);
    if (model.expired())
        seams_.budget.weights -= bytes;
    else
        leaving_.push_back({model, bytes});
}

void ModelShelf::on_packed(std::size_t model, std::shared_ptr<const ReadyModel> ready) {
    Slot& slot = slots_[model];
    slot.about.created_s = slot.source->created_s();
    slot.about.format = ready->format();
    slot.about.parameters = ready->parameters();
    slot.about.bytes = ready->bytes();
    slot.about.context = ready->context();
    slot.about.writes = ready->writes();
    slot.about.chat_format = ready->chat_format();
    log_info("{} is ready: {} parameters, {}", ready->name(), ready->parameters(),
             megabytes(slot.coming_bytes));
    slot.owes_turn = slot.run == nullptr && slot.users > 0;
    if (slot.run != nullptr) slot.older.push_back({std::move(slot.run), slot.bytes});
    slot.run = std::make_unique<ModelRun>(std::move(ready), bounds_, seams_);
    slot.bytes = slot.coming_bytes;
    slot.coming = false;
    slot.used_us = seams_.clock.monotonic_us();
    ++seams_.counters.loads;
    set_state(model, ModelState::kReady);
    events_.ready(model);
    renew(model);
}

void ModelShelf::fail(std::size_t model, const Error& why) {
    Slot& slot = slots_[model];
    slot.coming = false;
    const bool comes_yet = why.code == ErrorCode::kTimeout;
    if (!comes_yet) {
        ++seams_.counters.load_errors;
        log_warn("{} cannot be loaded: {}", slot.about.id, why.message);
    }
    if (slot.run != nullptr) return renew(model);  // goes on with what it has
    if (comes_yet) {
        set_state(model, ModelState::kAsleep);
        return events_.failed(model, {HostErrorKind::kNotReady, why.message, "model"});
    }
    slot.about.problem = why.message;
    slot.since_us = seams_.clock.monotonic_us();
    set_state(model, ModelState::kFailed);
    events_.failed(model, model_failed(why.message));
}

bool ModelShelf::may_go(const Slot& slot, bool also_wanted) {
    return slot.run != nullptr && !slot.coming && slot.run->is_idle() &&
           (slot.users == 0 || (also_wanted && !slot.owes_turn));
}

bool ModelShelf::unload_one(std::size_t keep, bool also_wanted) {
    std::size_t oldest = slots_.size();
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (i != keep && may_go(slots_[i], also_wanted) &&
            (oldest == slots_.size() || slots_[i].used_us < slots_[oldest].used_us))
            oldest = i;
    if (oldest == slots_.size()) return false;
    Slot& slot = slots_[oldest];
    unload(slot);
    slot.stale = false;
    ++seams_.counters.unloads;
    set_state(oldest, ModelState::kAsleep);
    log_info("{} makes room for others", slot.about.id);
    return true;
}

bool ModelShelf::forget_turns() {
    bool any = false;
    for (Slot& slot : slots_) any = std::exchange(slot.owes_turn, false) || any;
    return any;
}

std::uint64_t ModelShelf::leaving_bytes() const {
    std::uint64_t bytes = 0;
    for (const Leaving& leaving : leaving_) bytes += leaving.bytes;
    return bytes;
}

bool ModelShelf::room_is_coming(std::uint64_t bytes) const {
    return seams_.budget.free() + leaving_bytes() >= bytes;
}

std::uint64_t ModelShelf::possible_room(std::size_t keep, bool stuck) const {
    std::uint64_t possible = seams_.budget.free() + leaving_bytes() + seams_.budget.prefix;
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (i != keep && may_go(slots_[i], stuck)) possible += slots_[i].bytes;
    return possible;
}

bool ModelShelf::make_room(std::uint64_t bytes, std::size_t keep, bool stuck) {
    if (possible_room(keep, stuck) < bytes) return false;  // nothing goes in vain
    while (!room_is_coming(bytes))
        if (!seams_.prefixes.forget_one() && !unload_one(keep, false)) unload_one(keep, true);
    return seams_.budget.free() >= bytes;
}

bool ModelShelf::is_overdue(const Slot& slot) const {
    return slot.opened && seams_.clock.monotonic_us() - slot.since_us >= kStay_us;
}

void ModelShelf::place_waiting(bool stuck) {
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (slots_[i].opened) place(i, stuck || is_overdue(slots_[i]));
}

bool ModelShelf::holds_back() const {
    return std::ranges::any_of(slots_, [this](const Slot& slot) { return is_overdue(slot); });
}

bool ModelShelf::must_leave(std::size_t model, const ModelRun& run) const {
    const Slot& slot = slots_[model];
    return holds_back() && (slot.run.get() != &run || is_overdue(slot));
}

}  // namespace cairn::host
