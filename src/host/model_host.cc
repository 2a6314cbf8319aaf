#include "host/model_host.h"

#include <algorithm>
#include <future>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "base/free_memory.h"
#include "base/text.h"

namespace cairn::host {

namespace {

constexpr std::size_t kMaxThreads = 1024;
// What is left to others of the memory that is free.
constexpr std::uint64_t kReserveShare = 8;
constexpr std::uint64_t kLeastReserve = std::uint64_t{256} << 20;
// Of prompts computed before, unless told otherwise: the conversations of an afternoon, and little
// enough that nobody wonders where his memory went.
constexpr std::uint64_t kUsualPrefixes = std::uint64_t{1} << 30;
// Where the system does not say what is free.
constexpr std::uint64_t kUnknownMemory = std::uint64_t{4} << 30;

const Clock& machine_clock() {
    static const SystemClock clock;
    return clock;
}

std::uint64_t memory_limit(std::uint64_t asked) {
    if (asked != 0) return asked;
    const std::uint64_t free = free_memory_bytes().value_or(kUnknownMemory);
    return free - std::min(free, std::max(free / kReserveShare, kLeastReserve));
}

std::uint64_t prefix_limit(const HostOptions& options) {
    if (options.prefix_bytes != ~std::uint64_t{0}) return options.prefix_bytes;
    return std::min(memory_limit(options.memory_bytes) / 4, kUsualPrefixes);
}

Status check(const HostOptions& options) {
    if (options.models.empty()) return invalid("there is no model to serve");
    std::set<std::string> ids;
    for (const auto& model : options.models)
        if (!ids.insert(model->id()).second)
            return invalid("two models have the name " + model->id());
    const auto bounded = [](std::size_t value, std::size_t most, const char* what) -> Status {
        if (value >= 1 && value <= most) return ok_status();
        return invalid(fmt::format("{} must lie in 1 to {}, {} does not", what, most, value));
    };
    RETURN_IF_ERROR(bounded(options.max_sequences, kMaxSequences, "texts at a time"));
    RETURN_IF_ERROR(bounded(options.prefill_rows, kMaxPrefillRows, "prompt tokens in a batch"));
    if (options.draft.repeat && options.draft.model != nullptr)
        return invalid("either a model guesses ahead, or repetition does");
    RETURN_IF_ERROR(bounded(options.draft.tokens, infer::kMaxDraft, "guesses at a time"));
    RETURN_IF_ERROR(bounded(options.max_waiting, kMaxWaiting, "waiting requests"));
    if (options.threads > kMaxThreads)
        return invalid(fmt::format("at most {} threads", kMaxThreads));
    return ok_status();
}

// As Prometheus quotes it.
std::string label_value(const std::string& text) {
    std::string out;
    for (const char c : printable_line(text)) {
        if (c == '\\' || c == '"') out += '\\';
        out += c;
    }
    return out;
}

// For an error: the first few.
std::string names_of(const std::vector<HostedModel>& models) {
    constexpr std::size_t kMost = 8;
    std::string names;
    for (std::size_t i = 0; i < std::min(models.size(), kMost); ++i)
        names += (names.empty() ? "" : ", ") + models[i].id;
    return models.size() > kMost ? fmt::format("{} and {} more", names, models.size() - kMost)
                                 : names;
}

HostError full() {
    return {HostErrorKind::kFull, "too many requests wait already; ask again later", ""};
}

}  // namespace

Result<std::unique_ptr<ModelHost>> ModelHost::start(HostOptions options) {
    RETURN_IF_ERROR(check(options));
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    std::size_t threads = options.threads;
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
    ASSIGN_OR_RETURN(auto draft, Drafting::open(options.draft));
    return std::unique_ptr<ModelHost>(
        new ModelHost(std::move(options), std::move(draft), kernels, threads));
}

ModelHost::ModelHost(HostOptions options, std::optional<OpenedModel> draft,
                     const tensor::Kernels* kernels, std::size_t threads)
    : clock_(options.clock != nullptr ? *options.clock : machine_clock()),
      budget_{.limit = memory_limit(options.memory_bytes)},
      prefixes_(budget_, prefix_limit(options)),
      pool_(threads),
      loader_pool_(std::max<std::size_t>(1, threads / 2)),
      compute_{kernels, &pool_},
      loader_{kernels, &loader_pool_},
      drafting_(options.draft, std::move(draft), loader_, compute_),
      room_(options.max_waiting, counters_),
      reading_([this](std::function<void()> task) { serving_thread_.post(std::move(task)); }),
      shelf_(std::move(options.models),
             {.max_sequences = options.max_sequences,
              .prefill_rows = options.prefill_rows,
              .kv = options.kv},
             options.context, {compute_, clock_, counters_, budget_, prefixes_, &drafting_},
             loader_, loading_,
             [this](std::function<void()> task) { serving_thread_.post(std::move(task)); },
             {[this](std::size_t model) { serving_.on_ready(model); },
              [this](std::size_t model, const HostError& why) { serving_.on_failed(model, why); }}),
      serving_(shelf_, {compute_, clock_, counters_, budget_, prefixes_, &drafting_}, room_,
               reading_),
      serving_thread_([this] { return serving_.turn(); }) {
    counters_.memory_limit_bytes = budget_.limit;
    serving_thread_.post([this] {
        // The model that guesses is there as long as the host: nothing else can have its memory.
        budget_.limit -= std::min(budget_.limit, drafting_.bytes());
        const std::vector<HostedModel> all = shelf_.views();
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].state == ModelState::kLoading) shelf_.want(i);
    });
}

ModelHost::~ModelHost() {
    std::promise<void> ended;
    serving_thread_.post([&] {
        serving_.end();
        ended.set_value();
    });
    ended.get_future().wait();
    serving_thread_.stop();
    reading_.stop();
    loading_.stop();
}

OrHostError<ModelHost::Found> ModelHost::find(const std::string& id, bool writes) const {
    const std::vector<HostedModel> all = shelf_.views();
    if (!id.empty()) {
        const auto place = [&](auto at) { return static_cast<std::size_t>(at - all.begin()); };
        const auto at = std::ranges::find(all, id, &HostedModel::id);
        if (at != all.end()) return Found{place(at), ""};
        const auto of = std::ranges::find_if(all, [&](const HostedModel& model) {
            return model.has_versions && id.starts_with(model.id + "@");
        });
        if (of != all.end()) return Found{place(of), id};
        return HostError{HostErrorKind::kNoSuchModel,
                         fmt::format("there is no model named {}; here is {}", printable_line(id),
                                     names_of(all)),
                         "model"};
    }
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i].state == ModelState::kReady && (all[i].writes || !writes)) return Found{i, ""};
    for (const ModelState state : {ModelState::kLoading, ModelState::kAsleep})
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all[i].state == state && (all[i].writes || !writes)) return Found{i, ""};
    return HostError{HostErrorKind::kNoSuchModel, "no model is ready; name one", "model"};
}

RequestId ModelHost::write(TextRequest request, std::shared_ptr<TextListener> listener) {
    const RequestId id = ++last_id_;
    const auto refuse = [&](const HostError& error) {
        ++counters_.texts[static_cast<std::size_t>(Outcome::kRefused)];
        listener->failed(error);
        return id;
    };
    if (request.answers < 1 || request.answers > kMaxAnswers)
        return refuse({HostErrorKind::kInvalid,
                       fmt::format("1 to {} answers, not {}", kMaxAnswers, request.answers), "n"});
    const auto model = find(request.model, true);
    if (const auto* error = std::get_if<HostError>(&model)) return refuse(*error);
    if (!room_.enter(request.client, bytes_of(request.prompt))) return refuse(full());
    const auto& found = std::get<Found>(model);
    const auto job =
        std::make_shared<TextJob>(id, std::move(request), std::move(listener), found.model,
                                  found.version, clock_.monotonic_us(), counters_);
    serving_thread_.post([this, job] { serving_.write(job); });
    return id;
}

void ModelHost::cancel(RequestId id) {
    serving_thread_.post([this, id] { serving_.cancel(id); });
}

RequestId ModelHost::embed(VectorsRequest request, VectorsDone done) {
    const RequestId id = ++last_id_;
    const auto refuse = [&](const HostError& error) {
        ++counters_.vectors[static_cast<std::size_t>(Outcome::kRefused)];
        done(error);
        return id;
    };
    if (request.texts.empty() || request.texts.size() > kMaxTexts)
        return refuse({HostErrorKind::kInvalid,
                       fmt::format("1 to {} texts, not {}", kMaxTexts, request.texts.size()),
                       "input"});
    const auto model = find(request.model, false);
    if (const auto* error = std::get_if<HostError>(&model)) return refuse(*error);
    const auto& found = std::get<Found>(model);
    if (!found.version.empty())
        return refuse({HostErrorKind::kInvalid,
                       "vectors come from the newest version: name the model without its height",
                       "model"});
    if (!room_.enter(request.client, bytes_of(request))) return refuse(full());
    const auto job = std::make_shared<VectorsJob>(id, std::move(request), std::move(done),
                                                  found.model, counters_);
    serving_thread_.post([this, job] { serving_.embed(job); });
    return id;
}

void ModelHost::refresh(const std::string& id) {
    const std::vector<HostedModel> all = shelf_.views();
    const auto at = std::ranges::find(all, id, &HostedModel::id);
    if (at == all.end()) return;
    const auto model = static_cast<std::size_t>(at - all.begin());
    serving_thread_.post([this, model] { shelf_.refresh(model); });
}

std::string ModelHost::metrics() const {
    std::string out = counters_.text();
    out += "# HELP cairn_host_model Models by their state.\n# TYPE cairn_host_model gauge\n";
    for (const HostedModel& model : models())
        out += fmt::format("cairn_host_model{{model=\"{}\",state=\"{}\"}} 1\n",
                           label_value(model.id), model_state_name(model.state));
    return out;
}

std::string ModelHost::kernels() const {
    return std::string(tensor::kernel_set_name(tensor::kernel_set_of(*compute_.kernels)));
}

}  // namespace cairn::host
