#include "serve/verifier.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/uniform.h"
#include "infer/generate.h"
#include "model/encoder.h"
#include "model/encoder_decoder.h"
#include "net/tls_network.h"
#include "serve/source_reader.h"
#include "tensor/state_type.h"

namespace cairn::serve {

namespace {

/// Steps of one row in an audit of a decoder with cross attention: each takes a trip.
constexpr std::size_t kMostWritten = 128;

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
      options_(std::move(options)) {
    CHECK(options_.max_prompt > 0);
    options_.max_prompt = std::min(options_.max_prompt, model.config.context);
    options_.max_steps = std::min(options_.max_steps, model.config.context - options_.max_prompt);
}

Result<std::vector<float>> Verifier::encoded(std::span<const std::uint32_t> tokens) {
    const model::Model& half = model_.encoder->encoder;
    model::Encoder encoder(half.config, half.weights, compute_, tokens.size());
    return encoder.encode(tokens);
}

Result<std::vector<float>> Verifier::draw_source(std::span<const std::uint32_t> text) {
    if (!model_.config.crosses()) return std::vector<float>();
    if (!model_.encoder)
        return Error{ErrorCode::kUnsupported,
                     "an encoder-decoder is audited with its encoder, which is not here"};
    const std::uint32_t any[] = {static_cast<std::uint32_t>(random_.below(model_.config.vocab))};
    ASSIGN_OR_RETURN(const std::vector<float> of_one, encoded(any));
    ASSIGN_OR_RETURN(const std::vector<std::uint32_t> asked, prompt(text, of_one));
    std::vector<std::uint32_t> tokens = model_.encoder->before;
    const std::vector<std::uint32_t>& behind = model_.encoder->behind;
    const std::size_t around = tokens.size() + behind.size();
    const std::size_t room =
        model_.config.cross_context - std::min<std::size_t>(around, model_.config.cross_context);
    tokens.insert(tokens.end(), asked.begin(),
                  asked.begin() + static_cast<std::ptrdiff_t>(std::min(asked.size(), room)));
    tokens.insert(tokens.end(), behind.begin(), behind.end());
    tokens.resize(std::min<std::size_t>(tokens.size(), model_.config.cross_context));
    return encoded(tokens);
}

std::optional<model::KvCache> Verifier::seen(model::Transformer& layers,
                                             std::span<const float> source) {
    if (source.empty() || layers.range().size() == 0) return std::nullopt;
    std::optional<model::KvCache> cache(std::in_place, layers.config(), layers.range(),
                                        source.size() / layers.config().dim);
    layers.read_source(source, *cache);
    return cache;
}

std::vector<float> Verifier::trusted_states(std::span<const std::uint32_t> tokens,
                                            std::uint32_t layer, std::span<const float> source) {
    const model::LayerRange before{0, layer};
    model::Transformer transformer(model_.config, model_.weights, before, compute_,
                                   {.max_batch = tokens.size(), .max_positions = tokens.size()});
    std::vector<float> states(tokens.size() * model_.config.dim);
    transformer.embed(tokens, 0, states);
    if (layer == 0) return states;
    model::KvCache cache(model_.config, before, tokens.size());
    const auto other = seen(transformer, source);
    transformer.forward(states, cache, tensor::StateType::kF32, other ? &*other : nullptr);
    return states;
}

std::size_t Verifier::draw_steps(std::size_t rows) {
    // The others are max_prompt at most.
    const std::size_t least = rows > options_.max_prompt ? rows - options_.max_prompt : 0;
    return least + random_.below(std::min<std::size_t>(rows, options_.max_steps + 1) - least);
}

Result<std::vector<std::uint32_t>> Verifier::prompt(std::span<const std::uint32_t> text,
                                                    std::span<const float> source) {
    std::size_t most = std::size_t{options_.max_prompt} + options_.max_steps;
    if (!text.empty()) most = std::min(most, text.size());
    if (most < 2) return invalid("the text is too short to audit with");
    const std::size_t rows = 2 + random_.below(most - 1);
    if (!text.empty()) {
        const auto window = text.subspan(random_.below(text.size() - rows + 1), rows);
        return std::vector<std::uint32_t>(window.begin(), window.end());
    }
    const std::uint32_t first[] = {static_cast<std::uint32_t>(random_.below(model_.config.vocab))};
    return written(first, rows, source);
}

Result<std::vector<std::uint32_t>> Verifier::written(std::span<const std::uint32_t> first,
                                                     std::size_t rows,
                                                     std::span<const float> source) {
    if (rows == first.size()) return std::vector<std::uint32_t>(first.begin(), first.end());
    const model::LayerRange all = model::all_layers(model_.config);
    model::Transformer transformer(model_.config, model_.weights, all, compute_,
                                   {.max_batch = first.size(), .max_positions = rows});
    model::KvCache cache(model_.config, all, rows);
    const auto other = seen(transformer, source);
    infer::LocalLayers layers(transformer, cache, tensor::StateType::kF32,
                              other ? &*other : nullptr);
    infer::GenerateOptions options;
    options.sampling.temperature = 1;
    options.sampling.seed = random_.u64();
    options.max_tokens = rows - first.size();
    ASSIGN_OR_RETURN(const infer::Generated more,
                     infer::generate(compute_, transformer, layers, first, options, {}, {}));
    std::vector<std::uint32_t> tokens(first.begin(), first.end());
    tokens.insert(tokens.end(), more.tokens.begin(), more.tokens.end());
    return tokens;
}

// Of an encoder-decoder the prompt is the encoder's: every text of the decoder begins with the same
// few tokens, and all others are written, one by one.
Result<Verifier::AuditText> Verifier::draw_text(std::span<const std::uint32_t> text,
                                                std::span<const float> source) {
    if (!model_.config.crosses()) {
        ASSIGN_OR_RETURN(std::vector<std::uint32_t> tokens, prompt(text, source));
        const std::size_t steps = draw_steps(tokens.size());
        return AuditText{std::move(tokens), steps};
    }
    const std::vector<std::uint32_t>& begins = model_.encoder->begins;
    RETURN_IF_ERROR(model::check_begins(begins, model_.config));
    std::size_t most = std::size_t{options_.max_prompt} + options_.max_steps;
    most = std::min({most, begins.size() + kMostWritten, std::size_t{model_.config.context}});
    most = std::max(most, begins.size());
    const std::size_t steps = most - begins.size();
    const std::size_t drawn = steps == 0 ? 0 : 1 + random_.below(steps);
    ASSIGN_OR_RETURN(std::vector<std::uint32_t> tokens,
                     written(begins, begins.size() + drawn, source));
    return AuditText{std::move(tokens), drawn};
}

Result<AuditReport> Verifier::audit(const Announce& offer, std::span<const std::uint32_t> text) {
    const std::size_t dim = model_.config.dim;
    ASSIGN_OR_RETURN(std::vector<float> source, draw_source(text));
    ASSIGN_OR_RETURN(const AuditText drawn, draw_text(text, source));
    const std::vector<std::uint32_t>& tokens = drawn.tokens;
    std::vector<float> states = trusted_states(tokens, offer.layers.begin, source);
    OpenRequest request = draw_request(offer, tokens.size(), source.size() / dim);
    tensor::round_states(request.wire, model_.config.dim, states);
    const SessionPushes pushes =
        cut_as_writers_do(request.hop, model_.config.dim, source, states, drawn.steps);
    ASSIGN_OR_RETURN(KeptSession kept, play(request, pushes));
    if (request.model != offer.model && kept.outputs.empty() && kept.ended) {
        request.model = offer.model;  // it may know that name alone
        ASSIGN_OR_RETURN(kept, play(request, pushes));
    }
    const std::uint64_t began = clock_.monotonic_us();
    AuditReport report{.server = offer.key,
                       .address = offer.address,
                       .layers = offer.layers,
                       .examined = examine(kept, model_, compute_),
                       .rows = kept.rows(model_.config.dim),
                       .bytes = kept.bytes(),
                       .replay_us = 0,
                       .session = std::nullopt};
    report.replay_us = clock_.monotonic_us() - began;
    if (options_.keep_sessions) report.session = exhibit_of(kept);
    return report;
}

// What clients ask for, or a server could be honest in what only auditors do; but states are always
// f32, since the bit in which `--lie` lies is lost in narrower ones (security.md, Open). Of a
// chain's model that is either name: who has no node knows the chain's alone.
OpenRequest Verifier::draw_request(const Announce& offer, std::size_t rows,
                                   std::size_t source_rows) {
    OpenRequest request{.model = offer.model,
                        .dim = model_.config.dim,
                        .max_positions = model_.config.context,
                        .hop = {offer.layers, offer.key, offer.address, offer.price, offer.genesis,
                                offer.rows_per_s},
                        .source_rows = static_cast<std::uint32_t>(source_rows),
                        .ended = {}};
    const bool has_two = !model_.chain_name.is_zero() && offer.model == model_.hash;
    if (has_two && random_.below(2) == 0) request.model = model_.chain_name;
    const std::size_t room = rows + random_.below(model_.config.context);
    request.max_positions =
        static_cast<std::uint32_t>(std::min<std::size_t>(room, model_.config.context));
    // Mostly the usual type. That of the states stays f32: what --lie changes is lost in others.
    if (options_.kv)
        request.kv = *options_.kv;
    else if (random_.below(4) == 0)
        request.kv = tensor::kKvTypes[random_.below(std::size(tensor::kKvTypes))];
    // Which cross attention does not know.
    if (source_rows > 0 && request.kv == tensor::KvType::kDigits) request.kv = tensor::KvType::kF16;
    return request;
}

Result<KeptSession> Verifier::play(OpenRequest request, const SessionPushes& pushes) {
    ASSIGN_OR_RETURN(const std::unique_ptr<FreshClient> fresh, FreshClient::make(options_));
    KeptSession kept;
    SessionPlay play(
        fresh->client(), request, pushes.rows,
        [&](KeptSession done) {
            kept = std::move(done);
            fresh->stop();
        },
        pushes.ahead);
    fresh->run([&] {
        play.start();
        fresh->after_ms(options_.max_ms, [&] {
            play.give_up(fmt::format("not all was answered in {} s", options_.max_ms / 1000));
        });
    });
    if (fresh->was_cancelled()) return Error{ErrorCode::kCancelled, "the audit was broken off"};
    return kept;
}

Result<std::size_t> Verifier::round(std::span<const std::uint32_t> text, trust::AuditBook& book,
                                    const std::function<bool(const AuditReport&)>& told) {
    Discovery discovery;
    {
        ASSIGN_OR_RETURN(const std::unique_ptr<FreshClient> fresh, FreshClient::make(options_));
        fresh->run([&] {
            fresh->client().search().discover(
                options_.servers,
                [&](Discovery found) {
                    discovery = std::move(found);
                    fresh->stop();
                },
                0, model_.hash);
        });
    }
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
