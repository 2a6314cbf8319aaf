#include "gateway/gateway.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/float_mode.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "gateway/resumed_layers.h"
#include "infer/generate.h"

namespace cairn::gateway {

namespace {

constexpr std::uint64_t kLookMs = 5'000;  // for routes that nobody uses
/// A route has room for at least so many positions, and for a power of two: the next turns too.
constexpr std::size_t kLeastRoom = 1024;
/// For an answer of which nobody says how long it may be, if the context has it.
constexpr std::size_t kUsualAnswer = 1024;
/// While a kept route is tried whose servers may be gone: a new one is opened then.
constexpr std::uint64_t kKeptWaitMs = 2'000;
/// Without a token for so long a text waits for servers.
constexpr std::uint64_t kStallUs = 500'000;

std::size_t room_for(std::size_t needed, const host::ReadyModel& model) {
    std::size_t room = kLeastRoom;
    while (room < needed) room *= 2;
    return std::min(room, model.context());
}

/// What whoever asks is told of a route that came to nothing.
host::HostError lost(const Error& error) {
    // All but what is wrong with the text itself: servers come and go, are busy, want more coins.
    const bool may_come = error.code != ErrorCode::kInvalid;
    return {may_come ? host::HostErrorKind::kNotReady : host::HostErrorKind::kInternal,
            "layer servers: " + error.message, ""};
}

}  // namespace

class Gateway::Writer {
  public:
    Writer(const tensor::Kernels* kernels, std::size_t threads)
        : pool(threads), compute{kernels, &pool} {}

    ThreadPool pool;
    tensor::Compute compute;
    // Of the answer that is being written.
    std::uint64_t began_us = 0;
    std::uint64_t first_us = 0;  // until its first token; 0: there is none yet
    std::uint64_t end_us = 0;
    std::uint64_t spent = 0;  // before it
    std::size_t tokens = 0;
};

Result<std::unique_ptr<Gateway>> Gateway::start(GatewayOptions options) {
    CHECK(options.open && options.max_texts > 0 && options.threads > 0);
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    auto gateway = std::unique_ptr<Gateway>(new Gateway(std::move(options), kernels));
    RETURN_IF_ERROR(gateway->open_again(nullptr));
    for (std::size_t i = 0; i < gateway->options_.max_texts; ++i)
        gateway->threads_.emplace_back([at = gateway.get()] { at->run(); });
    return gateway;
}

Gateway::Gateway(GatewayOptions options, const tensor::Kernels* kernels)
    : options_(std::move(options)),
      kernels_(kernels),
      created_s_(static_cast<std::int64_t>(clock_.wall_ms() / 1000)),
      room_(options_.max_waiting, counters_) {}

Gateway::~Gateway() {
    std::vector<Task> dropped;
    {
        const MutexLock lock(mutex_);
        stopping_ = true;
        waiting_.for_each([&](const Task& task) { dropped.push_back(task); });
        waiting_.remove_if([](const Task&) { return true; });
        for (auto& [id, running] : writing_) stop(running);
    }
    wake_.notify_all();
    for (const Task& task : dropped) task.job->cancel();
    for (std::thread& thread : threads_) thread.join();
}

ServedModel Gateway::served() const {
    const MutexLock lock(mutex_);
    return served_;
}

std::vector<host::HostedModel> Gateway::models() const {
    const ServedModel here = served();
    const host::ReadyModel& model = *here.model;
    host::HostedModel view;
    view.id = here.id;
    view.state = host::ModelState::kReady;
    view.format = model.format();
    view.created_s = created_s_;
    view.parameters = model.parameters();
    view.bytes = model.bytes();
    view.context = model.context();
    view.writes = model.writes();
    view.chat_format = model.chat_format();
    view.over_servers = true;
    return {view};
}

host::RequestId Gateway::write(host::TextRequest request,
                               std::shared_ptr<host::TextListener> listener) {
    const host::RequestId id = ++last_id_;
    const auto refuse = [&](const host::HostError& error) {
        ++counters_.texts[static_cast<std::size_t>(host::Outcome::kRefused)];
        listener->failed(error);
        return id;
    };
    if (request.answers < 1 || request.answers > host::kMaxAnswers)
        return refuse({host::HostErrorKind::kInvalid,
                       fmt::format("1 to {} answers, not {}", host::kMaxAnswers, request.answers),
                       "n"});
    const ServedModel here = served();
    if (!request.model.empty() && request.model != here.id && request.model != here.model->name())
        return refuse({host::HostErrorKind::kNoSuchModel,
                       fmt::format("there is no model named {}; here is {}",
                                   printable_line(request.model), here.id),
                       "model"});
    const std::string client = request.client;
    if (!room_.enter(client, host::bytes_of(request.prompt)))
        return refuse(
            {host::HostErrorKind::kFull, "too many requests wait already; ask again later", ""});
    Task task;
    task.job = std::make_shared<host::TextJob>(id, std::move(request), std::move(listener), 0, "",
                                               clock_.monotonic_us(), counters_);
    {
        const MutexLock lock(mutex_);
        if (!stopping_) waiting_.add(client, std::exchange(task, {}));
    }
    if (task.job != nullptr) task.job->cancel();
    wake_.notify_one();
    return id;
}

void Gateway::cancel(host::RequestId id) {
    host::TextJobPtr dropped;
    {
        const MutexLock lock(mutex_);
        const auto found = writing_.find(id);
        if (found != writing_.end()) stop(found->second);
        waiting_.for_each([&](const Task& task) {
            if (task.job->id() == id) dropped = task.job;
        });
        waiting_.remove_if([&](const Task& task) { return task.job->id() == id; });
    }
    if (dropped == nullptr) return;
    room_.leave(dropped->request().client, dropped->prompt_bytes());
    dropped->cancel();
}

host::RequestId Gateway::embed(host::VectorsRequest, host::VectorsDone done) {
    ++counters_.vectors[static_cast<std::size_t>(host::Outcome::kRefused)];
    done(host::HostError{host::HostErrorKind::kInvalid,
                         "a model over layer servers makes no vectors", "model"});
    return ++last_id_;
}

std::string Gateway::metrics() const {
    std::string out = counters_.text();
    const auto add = [&](const char* name, const char* type, const char* help,
                         std::uint64_t value) {
        out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
    };
    std::size_t routes = 0;
    {
        const MutexLock lock(mutex_);
        routes = in_use_ + shelf_.size();
    }
    add("cairn_gateway_routes", "gauge", "Routes over layer servers that are held.", routes);
    add("cairn_gateway_routes_opened", "counter", "Routes over layer servers.", opened_);
    add("cairn_gateway_failovers", "counter", "Servers that were replaced.", failovers_);
    return out;
}

void Gateway::run() {
    set_float_mode();
    Writer writer(kernels_, options_.threads);
    while (const std::optional<Task> task = next()) {
        const host::TextJob& job = *task->job;
        write(writer, *task);
        const MutexLock lock(mutex_);
        writing_.erase(job.id());
        counters_.running = writing_.size();
    }
}

std::optional<Gateway::Task> Gateway::next() {
    for (;;) {
        std::optional<Route> unused;  // ends without the lock
        const MutexLock lock(mutex_);
        if (stopping_) return std::nullopt;
        // A client holds at most half of the places: the others are for others.
        std::map<std::string, std::size_t> held;
        for (const auto& [id, other] : writing_) ++held[other.task.job->request().client];
        std::optional<Task> task = waiting_.take([&](const Task& next) {
            const bool may_begin = held[next.job->request().client] < (options_.max_texts + 1) / 2;
            return may_begin ? host::TurnChoice::kTake : host::TurnChoice::kNext;
        });
        if (task) {
            writing_.emplace(task->job->id(), Running{*task});
            counters_.running = writing_.size();
            room_.leave(task->job->request().client, task->job->prompt_bytes());
            return task;
        }
        const std::uint64_t now_us = clock_.monotonic_us();
        unused = shelf_.take_unused_since(now_us - std::min(now_us, options_.idle_us));
        if (!unused) wake_.wait_ms(mutex_, kLookMs);
    }
}

void Gateway::write(Writer& writer, const Task& task) {
    const ServedModel first = served();
    auto error = write_with(writer, task, first);
    if (!error) return;
    // Where nobody holds its layers any more, the model may have become another one.
    if (const ServedModel now = served(); now.model != first.model && !task.job->was_begun())
        error = write_with(writer, task, now);
    if (error) task.job->fail(*error);
}

std::optional<host::HostError> Gateway::write_with(Writer& writer, const Task& task,
                                                   const ServedModel& served) {
    host::TextJob& job = *task.job;
    auto prompt = served.model->read(job.request());
    if (auto* error = std::get_if<host::HostError>(&prompt)) return std::move(*error);
    auto& read = std::get<host::ReadyModel::PromptTokens>(prompt);
    if (job.request().options.max_tokens == 0)
        read.max_tokens =
            room_for(read.tokens.size() + std::min(kUsualAnswer, read.max_tokens), *served.model) -
            read.tokens.size();
    job.set_prompt(std::move(read.tokens), read.max_tokens, "");
    for (std::size_t number = 0; number < job.request().answers && !job.is_over(); ++number)
        if (auto error = write_answer(writer, task, served, number)) return error;
    return std::nullopt;
}

std::optional<host::HostError> Gateway::write_answer(Writer& writer, const Task& task,
                                                     const ServedModel& served,
                                                     std::size_t number) {
    host::TextJob& job = *task.job;
    host::OrHostError<infer::StopReason> written;
    std::string facts;
    host::Answer answer(task.job, number, *served.model);
    writer.began_us = clock_.monotonic_us();
    writer.spent = spent_;
    for (const bool may_be_kept : {true, false}) {
        if (*task.cancelled) break;
        writer.first_us = 0;
        auto route = route_for(job, served, may_be_kept);
        if (!route.ok()) return lost(route.error());
        const bool was_kept = !route->text.empty();
        (void)wait_for(job.id(), route->layers.get());
        written = write_over(writer, task, served, *route, answer);
        const bool was_closed = wait_for(job.id(), nullptr);
        const bool is_written = std::holds_alternative<infer::StopReason>(written);
        if (is_written && !*task.cancelled) facts = facts_of(writer, served, *route);
        // Before the answer ends: the next turn may be asked for at once.
        give_back(std::move(*route), is_written && !was_closed);
        if (is_written || writer.first_us > 0 || !was_kept) break;
    }
    if (*task.cancelled) {
        job.cancel();
        return std::nullopt;
    }
    if (auto* error = std::get_if<host::HostError>(&written)) return std::move(*error);
    answer.end(std::get<infer::StopReason>(written), std::move(facts));
    return std::nullopt;
}

host::OrHostError<infer::StopReason> Gateway::write_over(Writer& writer, const Task& task,
                                                         const ServedModel& served, Route& route,
                                                         host::Answer& answer) {
    host::TextJob& job = *task.job;
    const host::ReadyModel& model = *route.model;
    const infer::SequenceRequest text = answer.sequence(job.prompt(), tensor::KvType::kF32);
    // What is told of the prompt's own tokens needs all of its rows.
    const std::size_t known = text.options.echo_logprobs ? 0 : known_of(route, job.prompt());
    if (!route.text.empty()) {
        if (const Status cut = route.layers->truncate(known); !cut.ok()) return lost(cut.error());
        route.layers->begin_text();
    }

    model::Transformer embed_and_head(model.config(), model.weights(), {0, 0}, writer.compute, {});
    ResumedLayers layers(*route.layers, model.config().dim, known);
    const std::unique_ptr<infer::Drafter> drafter =
        options_.drafter ? options_.drafter() : std::unique_ptr<infer::Drafter>();
    const auto on_step = [&](const infer::GeneratedStep& step) {
        const std::uint64_t now_us = clock_.monotonic_us();
        if (step.index == 0) {
            writer.first_us = now_us - writer.began_us;
            route.layers->set_wait_ms(served.wait_ms);
            job.read({model.name(), job.prompt().size(), known,
                      writer.began_us - std::min(writer.began_us, job.arrived_us()), served.kv,
                      served.states});
        }
        count_token(job.id(), now_us);
        return answer.take(step, now_us) && !*task.cancelled;
    };
    const auto written =
        infer::generate(writer.compute, embed_and_head, layers, text.prompt, text.options,
                        text.is_end, on_step, {drafter.get(), options_.draft_tokens});
    failovers_ += route.layers->failovers();
    if (!written.ok()) {
        log_info("a text over layer servers ended: {}", written.error().message);
        return lost(written.error());
    }
    writer.end_us = clock_.monotonic_us();
    writer.tokens = written->tokens.size();
    counters_.drafted_tokens += written->drafted;
    counters_.accepted_tokens += written->accepted;
    route.text = job.prompt();
    route.text.insert(route.text.end(), written->tokens.begin(), written->tokens.end());
    route.text.resize(std::min(route.text.size(), layers.positions()));
    return written->reason;
}

bool Gateway::wait_for(host::RequestId id, serve::NetworkLayers* layers) {
    const MutexLock lock(mutex_);
    const auto found = writing_.find(id);
    CHECK(found != writing_.end());
    Running& running = found->second;
    running.layers = layers;
    running.token_us = 0;
    const bool was_closed = std::exchange(running.was_closed, false);
    if (layers != nullptr && *running.task.cancelled) stop(running);  // while they were opened
    return was_closed;
}

void Gateway::count_token(host::RequestId id, std::uint64_t now_us) {
    const MutexLock lock(mutex_);
    const auto found = writing_.find(id);
    CHECK(found != writing_.end());
    found->second.token_us = now_us;
}

void Gateway::stop(Running& running) {
    *running.task.cancelled = true;
    // One whose tokens come ends with the next, and its route is kept.
    const std::uint64_t quiet_us = clock_.monotonic_us() - running.token_us;
    if (running.layers == nullptr || (running.token_us > 0 && quiet_us <= kStallUs)) return;
    running.layers->cancel();
    running.was_closed = true;
}

void Gateway::distrust() {
    std::vector<Route> old;  // end without the lock
    const MutexLock lock(mutex_);
    while (auto route = shelf_.take_oldest()) old.push_back(std::move(*route));
    trusted_since_us_ = clock_.monotonic_us();
}

Result<Route> Gateway::route_for(const host::TextJob& job, const ServedModel& served,
                                 bool may_be_kept) {
    const std::size_t needed = job.prompt().size() + job.max_tokens();
    const std::uint64_t now_us = clock_.monotonic_us();
    if (may_be_kept) {
        const MutexLock lock(mutex_);
        const bool may_open = in_use_ + shelf_.size() < options_.max_texts;
        if (auto kept = shelf_.take(served.model, job.prompt(), needed,
                                    now_us - std::min(now_us, options_.max_age_us), may_open)) {
            ++in_use_;
            kept->layers->set_wait_ms(std::min(kKeptWaitMs, served.wait_ms));
            return std::move(*kept);
        }
    }
    make_room();
    auto route = open_route(served, room_for(needed, *served.model));
    if (route.ok()) return route;
    {
        const MutexLock lock(mutex_);
        --in_use_;
    }
    if (route.error().code == ErrorCode::kNotFound && served.may_change) {
        const Status opened = open_again(served.model);
        if (!opened.ok()) log_info("the model is not there anew: {}", opened.error().message);
    }
    return route;
}

Result<Route> Gateway::open_route(const ServedModel& served, std::size_t room) {
    for (;;) {
        auto layers = served.connect(room);
        if (layers.ok()) {
            ++opened_;
            return Route{std::move(*layers), served.model, room, clock_.monotonic_us()};
        }
        // Kept routes hold servers' memory, too.
        if (layers.error().code != ErrorCode::kFull || !give_up_one()) return layers.error();
    }
}

void Gateway::give_back(Route route, bool is_whole) {
    Route ended;  // without the lock
    route.used_us = clock_.monotonic_us();
    const MutexLock lock(mutex_);
    --in_use_;
    if (is_whole && route.model == served_.model && route.opened_us >= trusted_since_us_)
        shelf_.put(std::move(route));
    else
        ended = std::move(route);
}

bool Gateway::give_up_one() {
    std::optional<Route> oldest;  // ends without the lock
    const MutexLock lock(mutex_);
    oldest = shelf_.take_oldest();
    return oldest.has_value();
}

void Gateway::make_room() {
    for (;;) {
        std::optional<Route> oldest;  // ends without the lock
        const MutexLock lock(mutex_);
        if (in_use_ + shelf_.size() >= options_.max_texts) oldest = shelf_.take_oldest();
        if (oldest) continue;
        ++in_use_;
        return;
    }
}

Status Gateway::open_again(const std::shared_ptr<const host::ReadyModel>& old) {
    const MutexLock opening(opening_);
    if (served().model != old) return ok_status();  // somebody else was quicker
    ASSIGN_OR_RETURN(ServedModel another, options_.open());
    CHECK(another.model != nullptr && another.connect);
    std::vector<Route> of_old;  // end without the lock
    const MutexLock lock(mutex_);
    while (auto route = shelf_.take_oldest()) of_old.push_back(std::move(*route));
    served_ = std::move(another);
    return ok_status();
}

std::string Gateway::facts_of(const Writer& writer, const ServedModel& served, Route& route) {
    Trace trace;
    trace.elapsed_us = writer.end_us - writer.began_us;
    trace.began_ms = clock_.wall_ms() - trace.elapsed_us / 1000;
    trace.model = route.model->name();
    trace.tokens = writer.tokens;
    trace.first_us = writer.first_us;
    trace.failovers = route.layers->failovers();
    trace.stall_ms = route.layers->longest_stall_ms();
    spent_ = route.layers->spent();  // of one purse, and paid texts are written one at a time
    trace.spent = spent_ - writer.spent;
    trace.servers = route.layers->work();
    if (served.audit) trace.audits = served.audit(*route.layers, writer.compute);
    if (std::ranges::any_of(trace.audits, &TraceAudit::convicted)) distrust();
    nlohmann::ordered_json facts = json_of(trace);
    facts["trace"] = options_.keep(trace);
    return facts.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace cairn::gateway
