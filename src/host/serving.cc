#include "host/serving.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace cairn::host {

namespace {

constexpr std::chrono::milliseconds kLookAgain{1};

HostError not_kept(const std::string& version, const HostedModel& about) {
    return {HostErrorKind::kNoSuchModel,
            fmt::format("{} is not in memory here (there is {}); {} names the newest", version,
                        fmt::join(about.versions, ", "), about.id),
            "model"};
}

HostError leaves(const std::string& version, const HostedModel& about) {
    return {HostErrorKind::kNoSuchModel,
            fmt::format("{} leaves memory, for which another model waits; {} names the newest",
                        version, about.id),
            "model"};
}

}  // namespace

Serving::Serving(ModelShelf& shelf, const RunSeams& seams, WaitingRoom& room, ReadingDesk& reading)
    : shelf_(shelf),
      seams_(seams),
      room_(room),
      reading_(reading),
      vectors_(shelf, seams,
               {[this](const std::string& client, std::uint64_t bytes, std::size_t model) {
                    return find_for_vectors(client, bytes, model);
                },
                [this](const VectorsJobPtr& job) { end(job); }}) {}

template <typename Job>
void Serving::read(const std::shared_ptr<Job>& job, const std::shared_ptr<const ReadyModel>& model,
                   std::size_t bytes) {
    struct Found {
        std::shared_ptr<const ReadyModel> by;
        std::optional<decltype(model->read(job->request()))> result;
    };
    const auto found = std::make_shared<Found>();
    // What waits to be read keeps no model in memory.
    reading_.add(job->request().client, bytes,
                 {[job] { return job->is_over(); },
                  [job, by = std::weak_ptr(model), found] {
                      found->by = by.lock();
                      if (found->by != nullptr) found->result = found->by->read(job->request());
                  },
                  [this, job, found] {
                      if (job->is_over()) return;
                      if (found->by == nullptr) return begin_again(job);
                      on_read(job, found->by, std::move(*found->result));
                  }});
}

void Serving::begin_again(const TextJobPtr& job) {
    if (shelf_.run(job->model()) != nullptr) return begin(job);
    texts_without_model_.push_back(job);
    if (!shelf_.want(job->model())) job->fail(model_failed(shelf_.about(job->model()).problem));
    drop_over();
}

void Serving::begin_again(const VectorsJobPtr& job) {
    if (shelf_.run(job->model()) != nullptr) return begin(job);
    if (shelf_.want(job->model())) return vectors_without_model_.push_back(job);
    job->fail(model_failed(shelf_.about(job->model()).problem));
    end(job);
}

void Serving::begin(const TextJobPtr& job) {
    ModelRun* run = shelf_.run(*job);
    if (run == nullptr || (job->run() == nullptr && !job->version().empty())) {
        run = shelf_.version(job->model(), job->version());
        const auto refuse = [&](auto why) {
            job->fail(why(job->version(), shelf_.about(job->model())));
            drop_over();
        };
        if (run == nullptr) return refuse(not_kept);
        // Or those who name it could keep it here for ever.
        if (shelf_.must_leave(job->model(), *run)) return refuse(leaves);
        job->bind(run->token(), run->model()->version());
    }
    read(job, run->model(), job->prompt_bytes());
}

void Serving::write(const TextJobPtr& job) {
    jobs_.emplace(job->id(), job);
    shelf_.add_user(job->model());
    if (!ended_) return begin_again(job);
    job->cancel();
    drop_over();
}

void Serving::embed(const VectorsJobPtr& job) {
    vector_jobs_.push_back(job);
    shelf_.add_user(job->model());
    if (!ended_) return begin_again(job);
    job->fail({HostErrorKind::kInternal, "the server stops", ""});
    end(job);
}

void Serving::cancel(RequestId id) {
    const auto vectors = std::ranges::find(vector_jobs_, id, &VectorsJob::id);
    if (vectors != vector_jobs_.end()) {
        const VectorsJobPtr job = *vectors;
        job->cancel();
        return end(job);
    }
    const auto at = jobs_.find(id);
    if (at == jobs_.end()) return;
    const TextJobPtr job = at->second;
    job->cancel();
    shelf_.for_each_run([](ModelRun& run) { run.drop_over(); });
    drop_over();
}

void Serving::on_read(const TextJobPtr& job, const std::shared_ptr<const ReadyModel>& by,
                      OrHostError<ReadyModel::PromptTokens> prompt) {
    ModelRun* run = shelf_.run(*job);
    if (run == nullptr && shelf_.run(job->model()) != nullptr) return begin(job);
    // A newer one came meanwhile.
    if (run != nullptr && !same_model(*run->model(), *by)) return begin(job);
    if (auto* error = std::get_if<HostError>(&prompt)) {
        job->fail(*error);
        return drop_over();
    }
    auto& read = std::get<ReadyModel::PromptTokens>(prompt);
    job->set_prompt(std::move(read.tokens), read.max_tokens, by->version());
    if (run != nullptr) return admit(job, *run);
    begin_again(job);  // it made room for another
}

void Serving::admit(const TextJobPtr& job, ModelRun& run) {
    if (job->request().options.max_tokens == 0)
        job->set_max_tokens(std::min(job->max_tokens(), run.open_answer(job->prompt().size())));
    const std::uint64_t needs = run.answer_bytes(*job);
    if (needs > seams_.budget.limit - std::min(seams_.budget.limit, run.bytes())) {
        job->fail(
            {HostErrorKind::kTooLong,
             fmt::format("prompt and answer of {} tokens take {:.1f} MB of memory; with the "
                         "model that is more than the limit of {:.1f} MB",
                         job->prompt().size() + job->max_tokens(), static_cast<double>(needs) / 1e6,
                         static_cast<double>(seams_.budget.limit) / 1e6),
             "max_tokens"});
        return drop_over();
    }
    for (std::size_t answer = job->joined(); answer < job->request().answers; ++answer)
        places_.add(job->request().client, {job, answer});
}

void Serving::on_read(const VectorsJobPtr& job, const std::shared_ptr<const ReadyModel>&,
                      OrHostError<std::vector<text::Tokens>> texts) {
    if (auto* error = std::get_if<HostError>(&texts)) {
        job->fail(*error);
        return end(job);
    }
    job->set_texts(std::move(std::get<std::vector<text::Tokens>>(texts)));
    vectors_.add(job);
}

void Serving::take_up(std::size_t model, const ModelRun& run) {
    const std::string& version = run.model()->version();
    const auto is_same = [&](const std::string& before) {
        return !version.empty() && before == version;
    };
    places_.for_each([&](const Place& place) {
        if (place.paused != nullptr && place.job->model() == model && run_of(place) == nullptr &&
            is_same(place.paused->version))
            place.paused->run = run.token();
    });
    for (const auto& [id, job] : jobs_) {
        if (job->model() != model || shelf_.run(*job) != nullptr) continue;
        if (is_same(job->bound_version()))
            job->bind(run.token(), version);
        else if (job->joined() == 0)
            job->unbind();
    }
}

void Serving::on_ready(std::size_t model) {
    std::vector<TextJobPtr> texts;
    const auto move = [&](const TextJobPtr& job) {
        if (job->model() != model) return false;
        if (std::ranges::count(texts, job) == 0) texts.push_back(job);
        return true;
    };
    ModelRun& run = *shelf_.run(model);
    take_up(model, run);
    std::erase_if(texts_without_model_, move);
    // Prompts that another model read are read again; its file may be another now. A request that
    // has begun to be answered keeps the prompt with which it did, and so does one whose version is
    // still here.
    const auto is_read = [&](const TextJobPtr& job) {
        return job->version().empty() && job->was_read_by(run.model()->version());
    };
    places_.remove_if([&](const Place& place) {
        const TextJobPtr& job = place.job;
        const bool keeps = job->run() == nullptr ? is_read(job) : shelf_.run(*job) != nullptr;
        return job->joined() == 0 && !keeps && move(job);
    });
    for (const TextJobPtr& job : texts)
        if (is_read(job))
            admit(job, run);
        else
            begin(job);
    std::vector<VectorsJobPtr> vectors;
    std::erase_if(vectors_without_model_, [&](const VectorsJobPtr& job) {
        if (job->model() != model) return false;
        vectors.push_back(job);
        return true;
    });
    for (const VectorsJobPtr& job : vectors) begin(job);
}

void Serving::on_failed(std::size_t model, const HostError& why) {
    // Older versions go on, and what has begun with them.
    std::set<TextJobPtr> texts;
    for (const auto& [id, job] : jobs_)
        if (job->model() == model && job->waits() && shelf_.run(*job) == nullptr) texts.insert(job);
    places_.for_each([&](const Place& place) {
        if (place.job->model() == model && run_of(place) == nullptr) texts.insert(place.job);
    });
    for (const TextJobPtr& job : texts) job->fail(why);
    if (!texts.empty()) shelf_.for_each_run([](ModelRun& run) { run.drop_over(); });
    drop_over();
    std::vector<VectorsJobPtr> vectors;
    for (const VectorsJobPtr& job : vector_jobs_)
        if (job->model() == model) vectors.push_back(job);
    for (const VectorsJobPtr& job : vectors) {
        job->fail(why);
        end(job);
    }
}

std::size_t Serving::running() {
    std::size_t running = 0;
    shelf_.for_each_run([&](const ModelRun& run) { running += run.running(); });
    return running;
}

bool Serving::turn() {
    // Where nothing runs nor will by itself, models that are asked for may make room for others;
    // those that have just been loaded for somebody let him in first.
    shelf_.drop_older();
    const auto stuck = [this] {
        return !reading_.is_busy() && running() == 0 && !vectors_.is_busy();
    };
    if (shelf_.holds_back()) shelf_.place_waiting(stuck());
    if (shelf_.holds_back()) clear_for_models();
    let_in(stuck());
    shelf_.place_waiting(stuck());
    bool ended = false;
    shelf_.for_each_run([&](ModelRun& run) { ended = run.step() || ended; });
    if (ended) drop_over();
    const bool vectors = vectors_.turn();
    seams_.counters.running = running();
    seams_.counters.weight_bytes = seams_.budget.weights;
    seams_.counters.kv_bytes = seams_.budget.kv;
    seams_.counters.prefix_bytes = seams_.budget.prefix;
    if (vectors || ended || running() > 0) return true;
    if (!reading_.is_busy() && shelf_.forget_turns()) return true;
    // Whoever on another thread still holds a model that left memory does not say when he lets go
    // of it, and then somebody here may be waiting for just that.
    if (!shelf_.is_leaving()) return false;
    std::this_thread::sleep_for(kLookAgain);
    return true;
}

void Serving::end(const VectorsJobPtr& job) {
    room_.leave(job->request().client, job->text_bytes());
    shelf_.remove_user(job->model());
    std::erase(vector_jobs_, job);
    std::erase(vectors_without_model_, job);
    reading_.drop_over();
    vectors_.drop_over();
}

void Serving::drop_over() {
    const auto over = [](const TextJobPtr& job) { return job->is_over(); };
    std::erase_if(texts_without_model_, over);
    reading_.drop_over();
    places_.remove_if([&](const Place& place) { return over(place.job); });
    std::erase_if(jobs_, [&](const auto& entry) {
        const TextJobPtr& job = entry.second;
        if (!over(job)) return false;
        if (job->waits()) room_.leave(job->request().client, job->prompt_bytes());
        shelf_.remove_user(job->model());
        return true;
    });
}

void Serving::end() {
    ended_ = true;
    for (const auto& [id, job] : jobs_) job->cancel();
    shelf_.for_each_run([](ModelRun& run) { run.drop_over(); });
    drop_over();
    const std::list<VectorsJobPtr> vectors = vector_jobs_;
    for (const VectorsJobPtr& job : vectors) {
        job->fail({HostErrorKind::kInternal, "the server stops", ""});
        end(job);
    }
    vectors_.clear();
    vectors_without_model_.clear();
}

}  // namespace cairn::host
