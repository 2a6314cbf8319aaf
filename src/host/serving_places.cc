// Who gets a place, and from whom.
#include <algorithm>
#include <utility>

#include "host/serving.h"

namespace cairn::host {

namespace {

// Prompts of which a turn asks whether somebody computes their beginning: each is compared with
// all that is being written.
constexpr std::size_t kChecks = 64;

const std::string& client_of(const TextJobPtr& job) { return job->request().client; }

}  // namespace

ModelRun* Serving::run_of(const Place& place) {
    return place.paused == nullptr ? shelf_.run(*place.job)
                                   : shelf_.run(place.job->model(), place.paused->run);
}

std::uint64_t Serving::memory_of(const std::string& client) {
    std::uint64_t bytes = 0;
    shelf_.for_each_run([&](const ModelRun& run) { bytes += run.bytes_of(client); });
    places_.for_each([&](const Place& place) {
        if (place.paused != nullptr && place.paused->rows && client_of(place.job) == client)
            bytes += place.paused->rows->memory.bytes();
    });
    return bytes;
}

bool Serving::find_place(const Place& place, ModelRun& run, Round& round) {
    const std::string& client = client_of(place.job);
    if (run.has_place() || run.would_yield_to(client)) return true;
    round.refused.emplace(&run, client);
    return false;
}

bool Serving::find_memory(const Place& place, ModelRun& run, Round& round) {
    const std::string& client = client_of(place.job);
    if (round.is_short || round.refused.contains({nullptr, client})) return false;
    const std::uint64_t wanted = run.answer_bytes(*place.job);
    // An answer of an older version may have the newest one go to make room for it.
    const std::size_t model = place.job->model();
    const std::size_t keep = shelf_.run(model) == &run ? model : shelf_.size();
    if (shelf_.make_room(wanted, keep, round.stuck)) return true;
    if (shelf_.room_is_coming(wanted)) {
        round.refused.emplace(nullptr, client);
        return false;
    }
    if (evict_for(client, wanted, keep, round)) return true;
    // Who has nothing is waited for until there is enough, and nobody overtakes him meanwhile. Who
    // has something lets others pass.
    if (memory_of(client) == 0)
        round.is_short = true;
    else
        round.refused.emplace(nullptr, client);
    return false;
}

bool Serving::evict_for(const std::string& client, std::uint64_t wanted, std::size_t model,
                        Round& round) {
    struct Victim {
        MemoryHeld memory;
        ModelRun* run = nullptr;  // that writes it
        infer::SequenceId id = 0;
        Place* paused = nullptr;  // or that it waits for
        // Where the model may come back as another one, nothing could go on without its rows.
        bool is_known = false;
    };
    std::map<std::string, std::uint64_t> of_client;
    std::vector<std::pair<std::string, Victim>> all;
    const auto add = [&](const std::string& name, const Victim& victim) {
        of_client[name] += victim.memory.bytes;
        all.emplace_back(name, victim);
    };
    places_.for_each([&](Place& place) {
        if (place.paused == nullptr || !place.paused->rows) return;
        const Paused& paused = *place.paused;
        add(client_of(place.job), {{.bytes = paused.rows->memory.bytes(),
                                    .worked_us = paused.worked_us,
                                    .evictions = paused.evictions},
                                   nullptr,
                                   0,
                                   &place,
                                   !paused.version.empty()});
    });
    shelf_.for_each_run([&](ModelRun& run) {
        const bool known = !run.model()->version().empty();
        for (const ModelRun::Holder& holder : run.holders())
            add(*holder.client, {holder.memory, &run, holder.id, nullptr, known});
    });
    const std::uint64_t own = memory_of(client);
    std::uint64_t possible = shelf_.possible_room(model, round.stuck);
    std::erase_if(all, [&](auto& entry) {
        MemoryHeld& memory = entry.second.memory;
        memory.client_bytes = of_client[entry.first];
        return entry.first == client || !entry.second.is_known ||
               !yields_memory(memory, own, wanted);
    });
    for (const auto& [name, victim] : all) possible += victim.memory.bytes;
    if (possible < wanted) return false;
    // Those that wait first; then who has worked longest.
    std::ranges::stable_sort(all, [](const auto& a, const auto& b) {
        if ((a.second.run == nullptr) != (b.second.run == nullptr)) return a.second.run == nullptr;
        return a.second.memory.worked_us > b.second.memory.worked_us;
    });
    for (const auto& [name, victim] : all) {
        if (victim.run != nullptr) {
            round.yielded.push_back(victim.run->evict(victim.id));
        } else {
            victim.paused->paused->give_up_rows();
            ++seams_.counters.evictions;
        }
        if (shelf_.make_room(wanted, model, round.stuck)) return true;
    }
    return false;
}

bool Serving::find_for_vectors(const std::string& client, std::uint64_t bytes, std::size_t model) {
    Round round{.stuck = !reading_.is_busy() && running() == 0};
    if (shelf_.make_room(bytes, model, round.stuck)) return true;
    if (shelf_.room_is_coming(bytes)) return false;
    const bool found = evict_for(client, bytes, model, round);
    wait_again(std::move(round.yielded));
    return found;
}

TurnChoice Serving::choose(Place& place, Round& round) {
    const TextJobPtr& job = place.job;
    ModelRun* const run = run_of(place);
    // While a model waits for memory only what has begun goes on, or its own would never be free;
    // and who is bound to a model that can leave only when he is through.
    const bool has_begun = place.paused != nullptr || job->joined() > 0;
    if (!has_begun && !is_owed(place) && shelf_.holds_back() &&
        (job->run() == nullptr || run == nullptr || !shelf_.must_leave(job->model(), *run)))
        return TurnChoice::kNext;
    if (run == nullptr) {
        if (!has_begun || shelf_.run(job->model()) == nullptr) {
            shelf_.want(job->model());
            return TurnChoice::kNext;
        }
        job->fail({HostErrorKind::kInternal,
                   "the model was replaced by another one before all answers were written", ""});
        return TurnChoice::kTake;
    }
    if (round.refused.contains({run, client_of(job)})) return TurnChoice::kNext;
    if (!find_place(place, *run, round)) return TurnChoice::kNext;
    if (place.paused == nullptr) {
        if (run->awaits(*job) || round.checks == 0) return TurnChoice::kNext;
        --round.checks;
        if (run->finds_under_way(*job)) return TurnChoice::kNext;
    }
    const bool has_rows = place.paused != nullptr && place.paused->rows;
    if (!has_rows && !find_memory(place, *run, round)) return TurnChoice::kNext;
    if (!run->has_place()) round.yielded.push_back(run->yield_to(client_of(job)));
    return TurnChoice::kTake;
}

bool Serving::is_owed(const Place& place) {
    const std::size_t model = place.job->model();
    return shelf_.owes_turn(model) && run_of(place) == shelf_.run(model);
}

std::optional<Serving::Place> Serving::next_place(Round& round) {
    if (round.stuck) {
        auto owed = places_.take(
            [&](Place& p) { return is_owed(p) ? choose(p, round) : TurnChoice::kNext; });
        if (owed) return owed;
        round.is_short = false;
        round.refused.clear();
    }
    return places_.take([&](Place& p) { return choose(p, round); });
}

void Serving::let_in(bool stuck) {
    Round round{.stuck = stuck, .checks = kChecks};
    bool failed = false;
    while (auto place = next_place(round)) {
        wait_again(std::exchange(round.yielded, {}));
        const TextJobPtr& job = place->job;
        if (job->is_over()) {
            failed = true;
            continue;
        }
        round.stuck = false;
        shelf_.has_served(job->model());
        ModelRun* const run = run_of(*place);
        if (place->paused != nullptr) {
            run->join(job, place->answer, std::move(*place->paused));
            continue;
        }
        run->join(job, place->answer);
        if (job->waits()) {
            job->bind(run->token(), run->model()->version());  // its other answers are of the same
        } else {
            job->unbind();
            room_.leave(client_of(job), job->prompt_bytes());
        }
    }
    wait_again(std::move(round.yielded));
    if (failed) drop_over();
}

// All answers of a model at once, since one that stays keeps the model where it is.
void Serving::clear_for_models() {
    for (std::size_t i = 0; i < shelf_.size() && shelf_.holds_back(); ++i) {
        if (shelf_.run(i) == nullptr || shelf_.run(i)->model()->version().empty()) continue;
        ModelRun& run = *shelf_.run(i);
        const std::vector<ModelRun::Holder> holders = run.holders();
        std::vector<Paused*> paused;
        places_.for_each([&](Place& place) {
            if (place.paused != nullptr && place.paused->run == run.token() && place.paused->rows)
                paused.push_back(place.paused.get());
        });
        const bool yield =
            holders.size() == run.running() && holders.size() + paused.size() > 0 &&
            std::ranges::all_of(holders, [](const auto& h) { return yields_to_model(h.memory); }) &&
            std::ranges::all_of(paused, [](const Paused* p) {
                return yields_to_model({.worked_us = p->worked_us, .evictions = p->evictions});
            });
        if (!yield) continue;
        for (Paused* each : paused) each->give_up_rows();
        seams_.counters.evictions += paused.size();
        std::vector<ModelRun::Yielded> yielded;
        for (const ModelRun::Holder& holder : holders) yielded.push_back(run.evict(holder.id));
        wait_again(std::move(yielded));
        shelf_.place_waiting(false);
    }
}

void Serving::wait_again(std::vector<ModelRun::Yielded> yielded) {
    // What has begun goes before what has not.
    for (ModelRun::Yielded& each : yielded)
        places_.add_first(client_of(each.job), {each.job, each.answer,
                                                std::make_unique<Paused>(std::move(each.paused))});
}

}  // namespace cairn::host
