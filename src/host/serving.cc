#include "host/serving.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace cairn::host {

namespace {

HostError not_kept(const std::string& version, const HostedModel& about) {
    std::string there;
    for (const std::string& name : about.versions) there += (there.empty() ? "" : ", ") + name;
    return {HostErrorKind::kNoSuchModel,
            fmt::format("{} is not in memory here (there is {}); {} names the newest", version,
                        there, about.id),
            "model"};
}

}  // namespace

Serving::Serving(ModelShelf& shelf, const RunSeams& seams, WaitingRoom& room, ReadingDesk& reading)
    : shelf_(shelf),
      seams_(seams),
      room_(room),
      reading_(reading),
      vectors_(shelf, seams, [this](const VectorsJobPtr& job) { end(job); }) {}

template <typename Job>
void Serving::read(const std::shared_ptr<Job>& job, const std::shared_ptr<const ReadyModel>& model,
                   std::size_t bytes) {
    using Found = decltype(model->read(job->request()));
    const auto found = std::make_shared<std::optional<Found>>();
    reading_.add(job->request().client, bytes,
                 {[job] { return job->is_over(); },
                  [job, model, found] { *found = model->read(job->request()); },
                  [this, job, model, found] { on_read(job, model, std::move(**found)); }});
}

void Serving::begin(const TextJobPtr& job) {
    ModelRun* run = shelf_.run(*job);
    if (run == nullptr || (job->held() == nullptr && !job->version().empty())) {
        run = shelf_.version(job->model(), job->version());
        if (run == nullptr) {
            job->fail(not_kept(job->version(), shelf_.about(job->model())));
            return drop_over();
        }
        job->hold(run->model());
    }
    read(job, run->model(), job->prompt_bytes());
}

void Serving::write(const TextJobPtr& job) {
    jobs_.emplace(job->id(), job);
    shelf_.add_user(job->model());
    if (ended_)
        job->cancel();
    else if (shelf_.run(job->model()) != nullptr)
        return begin(job);
    else if (shelf_.want(job->model()))
        return texts_without_model_.push_back(job);
    else
        job->fail(model_failed(shelf_.about(job->model()).problem));
    drop_over();
}

void Serving::embed(const VectorsJobPtr& job) {
    vector_jobs_.push_back(job);
    shelf_.add_user(job->model());
    if (ended_)
        job->fail({HostErrorKind::kInternal, "the server stops", ""});
    else if (shelf_.run(job->model()) != nullptr)
        return read(job);
    else if (shelf_.want(job->model()))
        return vectors_without_model_.push_back(job);
    else
        job->fail(model_failed(shelf_.about(job->model()).problem));
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
    if (job->is_over()) return;
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
    texts_without_model_.push_back(job);  // it made room for another
    shelf_.want(job->model());
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
    if (job->is_over()) return;
    if (auto* error = std::get_if<HostError>(&texts)) {
        job->fail(*error);
        return end(job);
    }
    job->set_texts(std::move(std::get<std::vector<text::Tokens>>(texts)));
    vectors_.add(job);
}

void Serving::on_ready(std::size_t model) {
    std::vector<TextJobPtr> texts;
    const auto move = [&](const TextJobPtr& job) {
        if (job->model() != model) return false;
        if (std::ranges::count(texts, job) == 0) texts.push_back(job);
        return true;
    };
    std::erase_if(texts_without_model_, move);
    // Prompts that another model read are read again; its file may be another now. A request that
    // has begun to be answered keeps the prompt with which it did, and so does one whose version is
    // still here.
    ModelRun& run = *shelf_.run(model);
    const std::string& version = run.model()->version();
    const auto keeps = [&](const TextJobPtr& job) {
        return job->held() == nullptr ? job->was_read_by(version) : shelf_.run(*job) != nullptr;
    };
    places_.remove_if([&](const Place& place) {
        return place.job->joined() == 0 && !keeps(place.job) && move(place.job);
    });
    for (const TextJobPtr& job : texts)
        if (job->held() == nullptr && job->was_read_by(version))
            admit(job, run);
        else
            begin(job);
    std::vector<VectorsJobPtr> vectors;
    std::erase_if(vectors_without_model_, [&](const VectorsJobPtr& job) {
        if (job->model() != model) return false;
        vectors.push_back(job);
        return true;
    });
    for (const VectorsJobPtr& job : vectors) read(job);
}

void Serving::on_failed(std::size_t model, const HostError& why) {
    std::vector<TextJobPtr> texts;
    for (const auto& [id, job] : jobs_)
        if (job->model() == model) texts.push_back(job);
    for (const TextJobPtr& job : texts) job->fail(why);
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
    return vectors || ended || running() > 0;
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
