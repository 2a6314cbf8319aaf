#include "serve/remote_layers.h"

#include <algorithm>

namespace cairn::serve {

RemoteLayers::RemoteLayers(Client& client, const Hash256& model, const model::ModelConfig& config,
                           RemoteOptions options)
    : client_(client), model_(model), config_(config), options_(std::move(options)) {
    CHECK(options_.max_positions > 0 && options_.max_positions <= config.context);
}

RemoteLayers::~RemoteLayers() { close(); }

void RemoteLayers::close() {
    if (open_) client_.sessions().close(session_);
    open_ = false;
}

void RemoteLayers::start(std::function<void(Status)> done) {
    discover([this, done = std::move(done)](Status found) {
        if (!found.ok()) return done(std::move(found));
        open_route(std::move(done));
    });
}

void RemoteLayers::discover(std::function<void(Status)> done) {
    client_.search().discover(
        options_.servers, alive_.guard([this, done = std::move(done)](Discovery discovery) {
            offers_.clear();
            for (Announce& offer : discovery.offers)
                if (std::find(dropped_.begin(), dropped_.end(), offer.key) == dropped_.end())
                    offers_.push_back(std::move(offer));
            std::string silent;
            for (const std::string& sentence : discovery.silent) silent += "; " + sentence;
            auto route = choose_route(offers_, model_, config_.layers);
            if (!route.ok()) return done(Error{route.error().code, route.error().message + silent});
            done(ok_status());
        }));
}

void RemoteLayers::open_route(std::function<void(Status)> done) {
    auto route = choose_route(offers_, model_, config_.layers);
    if (!route.ok()) return done(route.error());
    route_ = *route;
    const OpenRequest request{.model = model_,
                              .dim = config_.dim,
                              .max_positions = options_.max_positions,
                              .kv = options_.kv,
                              .route = route_};
    client_.sessions().open(
        request,
        alive_.guard([this, done = std::move(done)](std::variant<Hash256, Failure> answer) {
            if (const Hash256* session = std::get_if<Hash256>(&answer)) {
                session_ = *session;
                open_ = true;
                computed_ = 0;
                if (options_.note) options_.note("route: " + describe(route_));
                return done(ok_status());
            }
            // Where one server refuses or stays silent, another may take its place.
            const Failure& failure = std::get<Failure>(answer);
            drop_server(failure);
            if (failure.server.is_zero() || failovers_ >= options_.max_failovers ||
                !choose_route(offers_, model_, config_.layers).ok())
                return done(failure.error);
            ++failovers_;
            open_route(done);
        }));
}

void RemoteLayers::drop_server(const Failure& failure) {
    std::erase_if(offers_, [&](const Announce& offer) { return offer.key == failure.server; });
    // One that was merely lost, or is full, may be used later; one that stalled, refused or was
    // wrong not.
    if (failure.error.code != ErrorCode::kIo && failure.error.code != ErrorCode::kFull)
        dropped_.push_back(failure.server);
}

void RemoteLayers::forward(States hidden, ForwardCallback done) {
    CHECK(!done_ && !hidden.empty() && hidden.size() % config_.dim == 0);
    wanted_from_ = positions();
    inputs_.insert(inputs_.end(), hidden.begin(), hidden.end());
    outputs_.clear();
    done_ = std::move(done);
    if (positions() > options_.max_positions)
        return finish(invalid("the sequence is longer than the " +
                              std::to_string(options_.max_positions) +
                              " positions it was opened for"));
    if (!open_) return finish(Error{ErrorCode::kCancelled, "the session is closed"});
    send_next();
}

void RemoteLayers::send_next() {
    const std::size_t rows = positions() - computed_;
    if (rows == 0) return finish(std::move(outputs_));
    // Rows that earlier calls answered are sent again in pieces of their own, so that the outputs
    // of a piece are either kept or thrown away as a whole.
    std::size_t piece = std::min(rows, max_push_tokens(config_.dim));
    if (computed_ < wanted_from_) piece = std::min(piece, wanted_from_ - computed_);
    const auto begin = inputs_.begin() + static_cast<std::ptrdiff_t>(computed_ * config_.dim);
    const auto end = begin + static_cast<std::ptrdiff_t>(piece * config_.dim);
    client_.sessions().push(
        session_, States(begin, end),
        alive_.guard([this](std::variant<States, Failure> got) { on_piece(std::move(got)); }));
}

void RemoteLayers::on_piece(std::variant<States, Failure> answer) {
    if (const Failure* failure = std::get_if<Failure>(&answer)) {
        open_ = false;
        return recover(*failure);
    }
    const States& states = std::get<States>(answer);
    const std::size_t have = wanted_from_ * config_.dim + outputs_.size();
    const std::size_t at = computed_ * config_.dim;
    computed_ += states.size() / config_.dim;
    if (at == have) outputs_.insert(outputs_.end(), states.begin(), states.end());
    send_next();
}

void RemoteLayers::recover(const Failure& failure) {
    if (failure.server.is_zero() || failovers_ >= options_.max_failovers)
        return finish(failure.error);
    ++failovers_;
    drop_server(failure);
    if (options_.note) options_.note(failure.error.message + "; looking for another server");
    const auto reopened = [this, lost = failure.error](const Status& status) {
        if (!status.ok())
            return finish(Error{lost.code, lost.message + "; nobody can take its place: " +
                                               status.error().message});
        outputs_.clear();
        send_next();
    };
    if (choose_route(offers_, model_, config_.layers).ok()) return open_route(reopened);
    discover([this, reopened](const Status& found) {
        if (!found.ok()) return reopened(found);
        open_route(reopened);
    });
}

void RemoteLayers::finish(Result<States> result) {
    const ForwardCallback done = std::exchange(done_, nullptr);
    done(std::move(result));
}

}  // namespace cairn::serve
