#include "serve/verifier.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/uniform.h"
#include "net/tls_network.h"
#include "tensor/state_type.h"

namespace cairn::serve {

namespace {

/// A client with a key of its own on a link of its own, for one purpose; its loop runs in the
/// caller's thread.
class FreshClient {
  public:
    static Result<std::unique_ptr<FreshClient>> make(const VerifierOptions& options) {
        auto fresh = std::unique_ptr<FreshClient>(new FreshClient());
        net::TlsOptions tls{.listen = "",
                            .key = fresh->secret_,
                            .genesis = options.genesis,
                            .on_failed = [at = fresh.get()](const std::string& address,
                                                            bool outbound, const Error& reason) {
                                if (outbound)
                                    at->client_->on_connect_failed(address, reason.message);
                            }};
        ASSIGN_OR_RETURN(fresh->network_,
                         net::TlsNetwork::start(fresh->loop_, fresh->random_, std::move(tls)));
        fresh->client_ = std::make_unique<Client>(fresh->loop_, *fresh->network_, fresh->clock_,
                                                  fresh->random_, options.client);
        fresh->client_->sessions().set_purse(options.purse);
        fresh->cancelled_ = options.cancelled;
        fresh->network_->set_handler(fresh->client_.get());
        return fresh;
    }
    ~FreshClient() {
        if (network_) network_->set_handler(nullptr);
    }

    Client& client() { return *client_; }
    /// Runs the loop until stop() is called from it, and a moment longer, so that what was sent
    /// leaves.
    void run(std::function<void()> begin) {
        loop_.post(std::move(begin));
        if (cancelled_) loop_.post([this] { watch(); });
        loop_.run();
    }
    void after_ms(std::uint64_t ms, std::function<void()> task) {
        loop_.call_after(ms, std::move(task));
    }
    bool was_cancelled() const { return was_cancelled_; }
    void stop() {
        constexpr std::uint64_t kMomentMs = 20;
        loop_.call_after(kMomentMs, [this] { loop_.stop(); });
    }

  private:
    FreshClient() = default;
    void watch() {
        constexpr std::uint64_t kLookMs = 100;
        was_cancelled_ = cancelled_();
        if (was_cancelled_) return loop_.stop();
        loop_.call_after(kLookMs, [this] { watch(); });
    }

    std::function<bool()> cancelled_;
    bool was_cancelled_ = false;
    SystemRandom random_;
    SystemClock clock_;
    crypto::SecretKey secret_ = crypto::SecretKey::generate(random_);
    net::AsioLoop loop_;
    std::unique_ptr<net::TlsNetwork> network_;
    std::unique_ptr<Client> client_;
};

/// The session up to its last answer, for anyone to look at.
std::optional<Exhibit> exhibit_of(const KeptSession& kept) {
    const std::size_t answered = kept.outputs.size();
    if (answered == 0) return std::nullopt;
    const auto begin = kept.pushes.begin();
    return Exhibit{kept.terms,
                   kept.hop.key,
                   kept.receipts[answered - 1],
                   {begin, begin + static_cast<std::ptrdiff_t>(answered)}};
}

}  // namespace

// Positions: prompt and what may be written, what is left of a context, or what is usual.
SessionKind draw_session_kind(const model::ModelConfig& config, std::size_t rows, Random& random) {
    constexpr std::size_t kUsual[] = {256, 1024, 4096, 8192};
    constexpr tensor::StateType kNarrow[] = {tensor::StateType::kF16, tensor::StateType::kI8};
    const std::size_t context = config.context;
    std::size_t room = rows + 1;
    if (const std::uint64_t kind = random.below(3); kind == 1)
        room = rows + random.below(context);
    else if (kind == 2)
        room = std::max(room, kUsual[random.below(std::size(kUsual))]);
    SessionKind kind;
    kind.positions = static_cast<std::uint32_t>(std::min(room, context));
    if (random.below(4) == 0) kind.kv = tensor::kKvTypes[random.below(std::size(tensor::kKvTypes))];
    if (random.below(4) == 0) kind.wire = kNarrow[random.below(std::size(kNarrow))];
    return kind;
}

trust::ServerPage page_of(const Announce& offer) {
    return page_of(offer.address, offer.model, offer.layers);
}

trust::ServerPage page_of(const std::string& address, const Hash256& model,
                          model::LayerRange layers) {
    trust::ServerPage page;
    page.address = address;
    page.model = model;
    page.first_layer = layers.begin;
    page.end_layer = layers.end;
    return page;
}

Verifier::Verifier(const ModelSnapshot& model, const tensor::Compute& compute, Random& random,
                   const Clock& clock, VerifierOptions options)
    : model_(model),
      compute_(compute),
      random_(random),
      clock_(clock),
      options_(std::move(options)) {}

std::vector<float> Verifier::trusted_states(const AuditText& text,
                                            const OpenRequest& request) const {
    const model::LayerRange before{0, request.hop.layers.begin};
    const std::size_t rows = text.tokens.size();
    model::Transformer transformer(model_.config, model_.weights, before, compute_,
                                   {.max_batch = rows, .max_positions = rows});
    std::vector<float> states(rows * model_.config.dim);
    transformer.embed(text.tokens, 0, states);
    tensor::round_states(request.wire, model_.config.dim, states);
    if (before.end == 0) return states;
    model::KvCache cache(model_.config, before, rows, request.kv);
    const auto other = seen_source(transformer, text.source, request.kv);
    transformer.forward(states, cache, request.wire, other ? &*other : nullptr);
    return states;
}

Result<AuditReport> Verifier::audit(const Announce& offer, std::span<const std::uint32_t> text) {
    ASSIGN_OR_RETURN(const AuditText drawn, draw_text(text));
    ASSIGN_OR_RETURN(Played played, play(offer, drawn));
    // A client uses a server as it describes itself to him, and so does an auditor.
    Announce asked = offer;
    if (played.other && played.other->model == offer.model &&
        played.other->layers.end <= model_.config.layers) {
        asked = *played.other;
        ASSIGN_OR_RETURN(played, play(asked, drawn));
    }
    const KeptSession& kept = played.kept;
    if (options_.spare != nullptr && kept.sent == 0) *options_.spare = drawn;
    const std::uint64_t began = clock_.monotonic_us();
    AuditReport report{.server = offer.key,
                       .address = offer.address,
                       .layers = asked.layers,
                       .examined = examine(kept, model_, compute_),
                       .rows = kept.rows(model_.config.dim),
                       .bytes = kept.bytes(),
                       .replay_us = 0,
                       .session = std::nullopt};
    report.replay_us = clock_.monotonic_us() - began;
    if (options_.keep_sessions) report.session = exhibit_of(kept);
    return report;
}

Result<AuditText> Verifier::draw_text(std::span<const std::uint32_t> text) {
    AuditText spare = take_spare(options_.spare, options_.texts);
    if (!spare.tokens.empty()) return spare;
    AuditTexts texts(model_, compute_, random_, clock_, options_.bounds, options_.texts);
    return texts.draw(text);
}

Result<Verifier::Played> Verifier::play(const Announce& offer, AuditText text) {
    const std::size_t dim = model_.config.dim;
    OpenRequest request = draw_request(offer, text.tokens.size(), text.source.size() / dim);
    tensor::round_states(request.wire, dim, text.source);
    for (;;) {
        const std::uint64_t began_us = clock_.monotonic_us();
        const std::vector<float> states = trusted_states(text, request);
        const double row_us = static_cast<double>(clock_.monotonic_us() - began_us) /
                              static_cast<double>(text.tokens.size());
        ASSIGN_OR_RETURN(Played played, play(request, text, states, row_us));
        // It may know the other name alone. Whoever refuses for any other reason is not asked
        // again: no client would come back under another name.
        const bool has_other_name = played.other && played.other->model == offer.model;
        if (request.model == offer.model || !has_other_name) return played;
        request.model = offer.model;
    }
}

// What clients ask for, or a server could be honest in what only auditors do. Of a chain's model
// that is either name: who has no node knows the chain's alone.
OpenRequest Verifier::draw_request(const Announce& offer, std::size_t rows,
                                   std::size_t source_rows) {
    const SessionKind kind = draw_session_kind(model_.config, rows, random_);
    OpenRequest request{.model = offer.model,
                        .dim = model_.config.dim,
                        .max_positions = kind.positions,
                        .kv = options_.kv.value_or(kind.kv),
                        .wire = kind.wire,
                        .hop = {offer.layers, offer.key, offer.address, offer.price, offer.genesis,
                                offer.rows_per_s},
                        .source_rows = static_cast<std::uint32_t>(source_rows),
                        .ended = {}};
    const bool has_two = !model_.chain_name.is_zero() && offer.model == model_.hash;
    if (has_two && random_.below(2) == 0) request.model = model_.chain_name;
    // Which cross attention does not know.
    if (source_rows > 0 && request.kv == tensor::KvType::kDigits) request.kv = tensor::KvType::kF16;
    return request;
}

// A client's other servers are faster than one thread that steps back, by a factor that nobody
// knows, and as far away as this one or not.
RestOfRoute Verifier::draw_rest(const Hop& hop, const AuditText& text, double prompt_row_us,
                                std::uint64_t trip_us) {
    constexpr std::uint64_t kMostTripUs = 200'000;
    constexpr std::uint32_t kMostHops = 3;
    const std::uint32_t layers = model_.config.layers;
    const double part = std::exp2(-1 - 3 * uniform(random_));
    const auto trips = [&](std::uint32_t held) {
        double sum = 0;
        for (std::uint64_t i = held == 0 ? 0 : 1 + random_.below(std::min(held, kMostHops)); i > 0;
             --i)
            sum += static_cast<double>(std::min(trip_us, kMostTripUs)) *
                   std::exp2(2 * uniform(random_) - 1);
        return sum;
    };
    RestOfRoute rest;
    rest.prompt_row_us = part * prompt_row_us;
    rest.trips_before_us = trips(hop.layers.begin);
    rest.trips_us = rest.trips_before_us + trips(layers - hop.layers.end);
    // The head takes about a layer's time.
    rest.step_us = part * text.step_us * (layers + 1 - hop.layers.size()) / (layers + 1);
    constexpr double kShortestTurnUs = 100'000, kOctaves = 5;  // to 3.2 s
    rest.turn_us = kShortestTurnUs * std::exp2(kOctaves * uniform(random_));
    return rest;
}

Result<Discovery> Verifier::look(const std::vector<std::string>& addresses, const Hash256& model) {
    ASSIGN_OR_RETURN(const std::unique_ptr<FreshClient> fresh, FreshClient::make(options_));
    Discovery discovery;
    fresh->run([&] {
        fresh->client().search().discover(
            addresses,
            [&](Discovery found) {
                discovery = std::move(found);
                fresh->stop();
            },
            0, model);
    });
    if (fresh->was_cancelled()) return Error{ErrorCode::kCancelled, "the audit was broken off"};
    return discovery;
}

Result<Verifier::Played> Verifier::play(OpenRequest request, const AuditText& text,
                                        std::span<const float> states, double prompt_row_us) {
    // Whoever pays looks at the price first, and who has no node for his model, over a link that
    // he then leaves.
    if (request.hop.price > 0 || request.model == model_.chain_name)
        RETURN_IF_ERROR(look({request.hop.address}, request.model));
    ASSIGN_OR_RETURN(const std::unique_ptr<FreshClient> fresh, FreshClient::make(options_));
    Played played;
    std::unique_ptr<SessionPlay> session;
    const auto end = [&](const Error& why) {
        played.kept.ended = Failure{why, request.hop.key};
        fresh->stop();
    };
    const auto begin = [&](const Discovery& found) {
        if (found.offers.empty()) return end(io_error(found.silent.front()));
        const Announce& offer = found.offers.front();
        if (offer.key != request.hop.key)
            return end({ErrorCode::kRefused, "has another key than its announcement"});
        if (offer.model != request.model || offer.layers != request.hop.layers) {
            played.other = offer;
            return end({ErrorCode::kRefused, "does not hold what it announced"});
        }
        if (offer.price > request.hop.price)
            return end({ErrorCode::kUnsupported, "asks for more than it announced"});
        request.hop.price = offer.price;
        request.hop.genesis_id = offer.genesis;
        const RestOfRoute rest =
            draw_rest(request.hop, text, prompt_row_us, found.trip_us.at(offer.key));
        auto pushes =
            cut_as_writers_do(request.hop, request.dim, text.source, states, text.turns, rest);
        vary_pauses(pushes, options_.most_pause_ms * 1000, random_);
        session = std::make_unique<SessionPlay>(fresh->client(), request, std::move(pushes),
                                                [&](KeptSession done) {
                                                    played.kept = std::move(done);
                                                    fresh->stop();
                                                });
        session->start();
    };
    fresh->run([&] {
        // On the link that is used then: a server that nobody asks has an auditor before it.
        fresh->client().search().discover({request.hop.address}, begin, 0, request.model);
        fresh->after_ms(options_.max_ms, [&] {
            if (session)
                session->give_up(
                    fmt::format("not all was answered in {} s", options_.max_ms / 1000));
        });
    });
    if (fresh->was_cancelled()) return Error{ErrorCode::kCancelled, "the audit was broken off"};
    return played;
}

Result<std::size_t> Verifier::round(std::span<const std::uint32_t> text, trust::AuditBook& book,
                                    const std::function<bool(const AuditReport&)>& told) {
    ASSIGN_OR_RETURN(Discovery discovery, look(options_.servers, model_.hash));
    std::erase_if(discovery.offers, [&](const Announce& offer) {
        return offer.model != model_.hash || offer.numerics != kNumericsVersion ||
               offer.serve_version != kServeVersion || offer.layers.end > model_.config.layers;
    });
    if (discovery.offers.empty()) {
        std::string why = "no server has layers of this model";
        for (const std::string& sentence : discovery.silent) why += "; " + sentence;
        return not_found(why);
    }
    for (const Announce& offer : discovery.offers) {
        const trust::ServerPage* page = book.find(offer.key);
        const trust::AuditCounts counts = page == nullptr ? trust::AuditCounts{} : page->counts;
        const trust::ServerStatus status =
            book.standing(offer.key, clock_.wall_ms(), options_.rules).status;
        if (status == trust::ServerStatus::kConvicted) continue;
        const double chance = trust::audit_chance(counts, status, options_.rules);
        if (uniform(random_) >= chance) continue;
        ASSIGN_OR_RETURN(const AuditReport report, audit(offer, text));
        if (report.examined.finding)
            book.enter(offer.key, page_of(offer), *report.examined.finding,
                       report.examined.sentence, clock_.wall_ms(), options_.rules);
        if (!told(report)) break;
    }
    return discovery.offers.size();
}

}  // namespace cairn::serve
