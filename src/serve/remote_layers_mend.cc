// The half of RemoteLayers that finds servers for stages that lack one.
#include <algorithm>

#include "serve/remote_layers.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kWatchMs = 100;
constexpr std::uint64_t kLookAroundMs = 2'000;  // for servers to say what they hold, in a sentence
constexpr std::uint64_t kLookAgainUs = 500'000;
constexpr std::uint64_t kSeldomUs = 10'000'000;  // for standbys, or somebody faster
constexpr std::uint64_t kMostPatienceMs = 8'000;
constexpr std::size_t kMostRacing = 4;  // servers of one stage, standbys apart

}  // namespace

Result<std::vector<Hop>> RemoteLayers::plan(model::LayerRange layers, const Stage* but,
                                            bool spare) const {
    std::vector<Announce> usable;
    for (const Announce& offer : offers_) {
        const bool leads = std::ranges::any_of(
            leads_, [&](const auto& lead) { return lead.second.key == offer.key; });
        const bool dropped = std::ranges::find(dropped_, offer.key) != dropped_.end();
        const bool suspect = std::ranges::any_of(
            suspects_, [&](const auto& hop) { return hop.second.key == offer.key; });
        if (dropped || suspect || (but != nullptr && but->has(offer.key)) || (spare && leads))
            continue;
        usable.push_back(offer);
    }
    return choose_route(usable, terms_.model, layers, options_.choice);
}

void RemoteLayers::mend_soon() {
    if (std::exchange(mending_, true)) return;
    client_.loop().post(alive_.guard([this] {
        mending_ = false;
        mend();
    }));
}

void RemoteLayers::mend() {
    if (!done_ && !started_) return;  // the next call will ask for it
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        if (stages_[i]->servers() > 0 || replace(i)) continue;
        wait_or_give_up(i);
        if (!done_ && !started_) return;
    }
}

bool RemoteLayers::replace(std::size_t index) {
    Stage& stage = *stages_[index];
    // One server with the same layers, and spare ones before those that have other work here.
    for (const bool spare : {true, false}) {
        const auto hops = plan(stage.layers(), &stage, spare);
        if (!hops.ok() || hops->size() > 1 || !stage.complete()) continue;
        stage.add(hops->front());
        return true;
    }
    // A server that is late may answer yet; only where there is none the stage is given up.
    if (stage.servers() > 0) return false;
    // Several that share them, or all from the nearest stage whose inputs are kept.
    std::size_t first = index;
    while (!stages_[first]->complete()) --first;
    const auto hops = plan({stages_[first]->layers().begin, stage.layers().end}, &stage, false);
    if (!hops.ok()) {
        lost_.message = lost_.message.substr(0, lost_.message.find("; nobody")) +
                        "; nobody can take its place: " + hops.error().message + silent_;
        return false;
    }
    rebuild(first, index, *hops);
    return true;
}

void RemoteLayers::wait_or_give_up(std::size_t index) {
    if (started_) return finish(lost_);
    const std::uint64_t now_us = client_.clock().monotonic_us();
    if (!alone_since_us_) {
        alone_since_us_ = now_us;
        if (options_.wait_ms > 0)
            note("nobody holds " + describe(stages_[index]->layers()) + " now; waiting up to " +
                 std::to_string(options_.wait_ms / 1000) + " s for a server that does");
    }
    const bool looked = looked_us_ && *looked_us_ > *alone_since_us_ && !looking_;
    if (looked && now_us - *alone_since_us_ >= options_.wait_ms * 1000) return finish(lost_);
    look_around();
}

void RemoteLayers::look_around() {
    const std::uint64_t now_us = client_.clock().monotonic_us();
    if (looking_ || (looked_us_ && now_us - *looked_us_ < kLookAgainUs)) return;
    looking_ = true;
    looked_us_ = now_us;
    client_.search().discover(options_.servers, alive_.guard([this](Discovery found) {
        looking_ = false;
        looked_us_ = client_.clock().monotonic_us();
        learn(std::move(found));
        mend_soon();
    }),
                              kLookAroundMs, terms_.model);
}

void RemoteLayers::learn(Discovery found) {
    silent_.clear();
    for (const auto& [key, trip_us] : found.trip_us) options_.choice.trip_us[key] = trip_us;
    for (const std::string& sentence : found.silent) silent_ += "; " + sentence;
    for (Announce& offer : found.offers) {
        std::erase_if(offers_, [&](const Announce& old) {
            return old.key == offer.key || old.address == offer.address;
        });
        offers_.push_back(std::move(offer));
    }
}

void RemoteLayers::add_standbys() {
    if (options_.standbys == 0) return;
    bool lacking = false;
    for (const auto& stage : stages_) {
        if (!stage->leader_is_open() || !stage->complete()) continue;
        while (stage->servers() < 1 + options_.standbys) {
            const auto hops = plan(stage->layers(), stage.get(), true);
            if (!hops.ok() || hops->size() > 1) {
                lacking = true;
                break;
            }
            stage->add(hops->front());
        }
    }
    const std::uint64_t now_us = client_.clock().monotonic_us();
    if (lacking && (!looked_us_ || now_us - *looked_us_ > kSeldomUs)) look_around();
}

Patience RemoteLayers::patience_with(const Hop& hop) const {
    Patience patience = options_.patience;
    if (const auto longer = patience_ms_.find(hop.key); longer != patience_ms_.end())
        patience.silent_ms = std::max(patience.silent_ms, longer->second);
    return patience;
}

void RemoteLayers::watch() {
    if (std::exchange(watching_, true)) return;
    client_.loop().call_after(kWatchMs, alive_.guard([this] {
        watching_ = false;
        if (!done_ && !started_) return;
        for (std::size_t i = 0; i < stages_.size(); ++i) watch_stage(i);
        mend();
        add_standbys();
        if (done_ || started_) watch();
    }));
}

void RemoteLayers::watch_stage(std::size_t index) {
    Stage& stage = *stages_[index];
    if (stage.servers() == 0) return;
    const Hop leader = stage.leader();
    const Patience patience = patience_with(leader);
    const bool wants = stage.wants_another(patience);
    if (!stage.is_racing()) {
        // It was only late: next time it is waited for longer.
        if (const auto was = suspects_.find(&stage); was != suspects_.end()) {
            if (was->second.key == leader.key)
                patience_ms_[leader.key] = std::min(2 * patience.silent_ms, kMostPatienceMs);
            suspects_.erase(was);
        }
        return stage.keep_followers(options_.standbys);
    }
    if (suspects_.emplace(&stage, leader).second)
        note(describe(leader, index, stages_.size()) + " is late; another is asked");
    if (!wants || stage.servers() >= kMostRacing + options_.standbys || replace(index)) return;
    // Who is late, and answers, may be all that there is for the rest of a text.
    const std::uint64_t now_us = client_.clock().monotonic_us();
    if (stage.leader_is_silent() || !looked_us_ || now_us - *looked_us_ > kSeldomUs) look_around();
}

}  // namespace cairn::serve
