#include "serve/remote_layers.h"

#include <algorithm>

#include "model/encoder_decoder.h"

namespace cairn::serve {

RemoteLayers::RemoteLayers(Client& client, const Hash256& model, const model::ModelConfig& config,
                           RemoteOptions options)
    : client_(client),
      config_(config),
      options_(std::move(options)),
      terms_{model,
             config.dim,
             options_.max_positions,
             options_.kv,
             options_.wire,
             config.causal ? static_cast<std::uint32_t>(options_.source.size() / config.dim)
                           : options_.max_positions,
             config.causal ? 0 : config.context} {
    CHECK(options_.max_positions > 0 && options_.max_positions <= config.context);
    CHECK(options_.source.size() % config.dim == 0 &&
          model::check_source(config, terms_.source_rows, terms_.kv).ok());
    tensor::round_states(terms_.wire, terms_.dim, options_.source);
}

RemoteLayers::~RemoteLayers() = default;

void RemoteLayers::close() {
    for (auto& stage : stages_) {
        stage->close();
        ended_.push_back(std::move(stage));
    }
    stages_.clear();
    client_.loop().post(alive_.guard([this] { ended_.clear(); }));
    leads_.clear();
    suspects_.clear();
}

void RemoteLayers::cancel() {
    close();
    if (done_) finish(Error{ErrorCode::kCancelled, "it was stopped"});
}

void RemoteLayers::note(const std::string& sentence) const {
    if (options_.note) options_.note(sentence);
}

std::vector<Hop> RemoteLayers::route() const {
    std::vector<Hop> hops;
    for (const auto& stage : stages_)
        if (const auto lead = leads_.find(stage.get()); lead != leads_.end())
            hops.push_back(lead->second);
    return hops;
}

std::size_t RemoteLayers::index_of(const Stage* stage) const {
    const auto found = std::ranges::find_if(
        stages_, [stage](const auto& candidate) { return candidate.get() == stage; });
    return static_cast<std::size_t>(found - stages_.begin());
}

void RemoteLayers::start(std::function<void(Status)> done) {
    CHECK(!started_ && !done_ && stages_.empty());
    started_ = std::move(done);
    replaced_ = 0;
    if (const Status finite = check_finite(options_.source, config_.dim); !finite.ok())
        return finish(finite.error());
    client_.search().discover(options_.servers, alive_.guard([this](Discovery found) {
        learn(std::move(found));
        const auto hops = plan({0, config_.layers}, nullptr, false);
        if (!hops.ok()) return finish(Error{hops.error().code, hops.error().message + silent_});
        explain();
        open_route(*hops);
        watch();
    }),
                              0, terms_.model);
}

void RemoteLayers::explain() const {
    const auto route = explain_route(offers_, terms_.model, {0, config_.layers}, options_.choice);
    if (!route.ok()) return;
    for (const std::string& sentence : route->left_out)
        if (options_.left_out) options_.left_out(sentence);
    for (const std::string& sentence : route->why) note(sentence);
}

std::unique_ptr<Stage> RemoteLayers::make_stage(model::LayerRange layers, std::size_t done,
                                                bool keeps) {
    auto stage = std::make_unique<Stage>(client_, terms_, layers, done, keeps);
    const Stage* made = stage.get();
    stage->set_hooks({[this, made](States states) { on_rows(made, std::move(states)); },
                      [this, made](const Hop& hop) { on_led(made, hop); },
                      [this, made](const Hop& hop, const Failure& failure, bool led, bool unread) {
                          if (unread && hop.price > 0) note_unread(hop);
                          on_lost(made, hop, failure, led);
                      }});
    if (!options_.source.empty()) stage->put(options_.source);
    return stage;
}

bool RemoteLayers::may_keep(std::size_t stages) const {
    return stages * (std::uint64_t{options_.max_positions} + terms_.source_rows) *
               tensor::state_row_bytes(terms_.wire, terms_.dim) <=
           options_.max_kept_bytes;
}

std::size_t RemoteLayers::keeping_stages() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(stages_, [](const auto& stage) { return stage->keeps(); }));
}

void RemoteLayers::open_route(const std::vector<Hop>& hops) {
    for (const Hop& hop : hops)
        stages_.push_back(make_stage(hop.layers, terms_.source_rows,
                                     stages_.empty() || may_keep(stages_.size() + 1)));
    for (std::size_t i = 0; i < hops.size(); ++i) stages_[i]->add(hops[i]);
}

void RemoteLayers::rebuild(std::size_t first, std::size_t last, const std::vector<Hop>& hops) {
    CHECK(stages_[first]->complete() && !hops.empty());
    const States inputs = stages_[first]->inputs();
    const std::size_t done = stages_[last]->done();
    const auto begin = stages_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = stages_.begin() + static_cast<std::ptrdiff_t>(last) + 1;
    std::size_t keeping = keeping_stages();
    for (auto it = begin; it != end; ++it) keeping -= (*it)->keeps() ? 1 : 0;
    std::vector<std::unique_ptr<Stage>> made;
    for (const Hop& hop : hops) {
        const bool keeps = (first == 0 && made.empty()) || may_keep(keeping + 1);
        keeping += keeps ? 1 : 0;
        const bool is_last = made.size() + 1 == hops.size();
        made.push_back(make_stage(hop.layers, is_last ? done : terms_.source_rows, keeps));
    }
    made.back()->know_results_of(*stages_[last]);
    for (auto it = begin; it != end; ++it) {
        leads_.erase(it->get());
        suspects_.erase(it->get());
        (*it)->close();
        ended_.push_back(std::move(*it));
    }
    const auto at = stages_.erase(begin, end);
    stages_.insert(at, std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
    ++failovers_;
    ++replaced_;
    client_.loop().post(alive_.guard([this] { ended_.clear(); }));
    if (const auto own = std::span(inputs).subspan(options_.source.size()); !own.empty())
        stages_[first]->put(own);
    for (std::size_t i = 0; i < hops.size(); ++i) stages_[first + i]->add(hops[i]);
}

// An encoder's layers have the whole text before they are asked for what they make of it.
void RemoteLayers::put(Stage& stage, std::span<const float> rows) const {
    stage.put(rows);
    if (!config_.causal && stage.rows() == terms_.source_rows) stage.put(stage.inputs());
}

void RemoteLayers::on_rows(const Stage* stage, States states) {
    const std::size_t index = index_of(stage);
    if (index >= stages_.size()) return;
    if (index + 1 < stages_.size()) return put(*stages_[index + 1], states);
    const std::uint64_t now_us = client_.clock().monotonic_us();
    call_stall_us_ = std::max(call_stall_us_, now_us - std::exchange(answered_us_, now_us));
    outputs_.insert(outputs_.end(), states.begin(), states.end());
    if (done_ && outputs_.size() >= wanted_) finish(std::move(outputs_));
}

void RemoteLayers::on_led(const Stage* stage, const Hop& hop) {
    const std::size_t index = index_of(stage);
    if (index >= stages_.size()) return;
    const bool another = !leads_.emplace(stage, hop).second;
    leads_[stage] = hop;
    suspects_.erase(stage);
    if (std::ranges::all_of(stages_, [](const auto& each) { return each->leader_is_open(); }))
        alone_since_us_.reset();
    if (another) {
        ++failovers_;
        ++replaced_;
        note(describe(hop, index, stages_.size()) + " goes on");
    }
    if (leads_.size() < stages_.size()) return;
    note("route: " + describe(route()));
    add_standbys();
    if (started_) finish(States{});
}

// Of the rows of a source nothing comes out that could be compared, so who comes for them, is paid
// and goes would come again. Once it may have been an accident.
void RemoteLayers::note_unread(const Hop& hop) {
    if (std::ranges::find(unread_, hop.key) != unread_.end()) dropped_.push_back(hop.key);
    unread_.push_back(hop.key);
}

void RemoteLayers::on_lost(const Stage* stage, const Hop& hop, const Failure& failure, bool led) {
    std::erase_if(offers_, [&](const Announce& offer) { return offer.key == failure.server; });
    // One that was merely lost, or is full, may be used later; one that stalled, refused or was
    // wrong not.
    if (failure.error.code != ErrorCode::kIo && failure.error.code != ErrorCode::kFull)
        dropped_.push_back(failure.server);
    const std::size_t index = index_of(stage);
    if (index >= stages_.size()) return;
    const std::string sentence = describe(hop, index, stages_.size()) + " " + failure.error.message;
    note(sentence);
    if (!led) return;
    lost_ = {failure.error.code, sentence};
    // Who was full and never began is no step towards the limit: that is what waiting is for.
    const auto lead = leads_.find(stage);
    if (lead != leads_.end() && lead->second == hop && ++lost_leaders_ > options_.max_failovers &&
        done_)
        return finish(lost_);
    mend_soon();
}

void RemoteLayers::forward(States hidden, ForwardCallback done) {
    CHECK(!done_ && !hidden.empty() && hidden.size() % config_.dim == 0);
    // What is refused leaves the sequence as it was.
    if (stages_.empty() || broken_)
        return done(Error{ErrorCode::kCancelled, "the session is closed"});
    const std::size_t rows = hidden.size() / config_.dim;
    if (rows > options_.max_positions - positions_)
        return done(invalid("the sequence is longer than the " +
                            std::to_string(options_.max_positions) +
                            " positions it was opened for"));
    if (!config_.causal && rows != options_.max_positions)
        return done(invalid("an encoder reads a whole text at once, here of " +
                            std::to_string(options_.max_positions) + " rows"));
    if (const Status finite = check_finite(hidden, config_.dim); !finite.ok())
        return done(finite.error());
    done_ = std::move(done);
    positions_ += rows;
    wanted_ = hidden.size();
    outputs_.clear();
    answered_us_ = client_.clock().monotonic_us();
    call_stall_us_ = 0;
    replaced_ = lost_leaders_ = 0;
    tensor::round_states(terms_.wire, terms_.dim, hidden);
    put(*stages_.front(), hidden);
    if (std::ranges::any_of(stages_, [](const auto& stage) { return stage->servers() == 0; }))
        mend_soon();
    add_standbys();
    watch();
}

void RemoteLayers::truncate(std::size_t length) {
    CHECK(config_.causal && !done_ && length <= positions_);
    if (broken_ && length > 0) return;
    broken_ = false;
    positions_ = length;
    for (const auto& stage : stages_) stage->truncate(terms_.source_rows + length);
}

void RemoteLayers::finish(Result<States> result) {
    alone_since_us_.reset();
    if (started_) {
        const auto started = std::exchange(started_, nullptr);
        if (!result.ok()) close();
        return started(result.ok() ? ok_status() : Status(result.error()));
    }
    if (!result.ok()) broken_ = true;
    if (replaced_ > 0) longest_stall_us_ = std::max(longest_stall_us_, call_stall_us_);
    const ForwardCallback done = std::exchange(done_, nullptr);
    if (done) done(std::move(result));
}

}  // namespace cairn::serve
