#include "serve/route_audit.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "infer/generate.h"
#include "serve/network_layers.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kWaitMs = 5'000;  // in mid-sentence for a server
constexpr std::uint64_t kLookMs = 100;
constexpr std::size_t kMostServers = 32;  // that are asked, as clients ask

/// Ends the calls of a text that is to be broken off, which wait for servers.
class Watch {
  public:
    Watch(NetworkLayers& layers, std::function<bool()> is_over)
        : thread_([this, &layers, is_over = std::move(is_over)] {
              while (!ended_) {
                  if (is_over()) return layers.cancel();
                  std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
              }
          }) {}
    ~Watch() {
        ended_ = true;
        thread_.join();
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

  private:
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

/// The first turn of `text` as somebody has it: the answer is written anew, over the layers. An
/// error ends it, and what was answered is looked at all the same.
void write_over(NetworkLayers& layers, const ModelSnapshot& model, const tensor::Compute& compute,
                const AuditText& text, const std::optional<TextBounds>& bounds, std::uint64_t seed,
                const std::function<bool()>& is_over) {
    model::Transformer ends(model.config, model.weights, {0, 0}, compute);
    infer::GenerateOptions options;
    options.sampling.temperature = seed % 2 == 0 ? 0.0F : 0.8F;
    options.sampling.seed = seed;
    const TextTurn& turn = text.turns.front();
    options.max_tokens = turn.steps + 1;
    (void)infer::generate(
        compute, ends, layers, std::span(text.tokens).first(turn.prompt), options,
        [&](std::uint32_t token) { return bounds && token == bounds->end; },
        [&](const infer::GeneratedStep&) { return !is_over(); });
}

AuditReport report_of(const SessionDiary& diary, const ModelSnapshot& model,
                      const tensor::Compute& compute, const Clock& clock) {
    const std::uint64_t began_us = clock.monotonic_us();
    AuditReport report{.server = diary.hop.key,
                       .address = diary.hop.address,
                       .layers = diary.hop.layers,
                       .examined = examine(diary, model, compute),
                       .rows = diary.rows(),
                       .bytes = diary.bytes(),
                       .replay_us = 0,
                       .session = std::nullopt};
    report.replay_us = clock.monotonic_us() - began_us;
    return report;
}

}  // namespace

std::vector<std::string> route_through(const Announce& target, std::span<const Announce> all,
                                       const model::ModelConfig& config) {
    const model::LayerRange layers = model::all_layers(config);
    std::vector<Announce> through = {target};
    for (const Announce& offer : all)
        if (offer.layers.end <= target.layers.begin || offer.layers.begin >= target.layers.end)
            through.push_back(offer);
    std::vector<std::string> asked = worth_asking(through, target.model, layers, {}, kMostServers);
    if (!choose_route(through, target.model, layers).ok())
        asked = worth_asking(all, target.model, layers, {}, kMostServers);
    if (std::ranges::find(asked, target.address) == asked.end()) asked.push_back(target.address);
    return asked;
}

Result<std::vector<AuditReport>> audit_route(const ModelSnapshot& model,
                                             const tensor::Compute& compute, Random& random,
                                             const Clock& clock, const RouteAuditOptions& options,
                                             const std::vector<std::string>& servers,
                                             std::span<const std::uint32_t> text) {
    if (model.config.crosses())
        return Error{ErrorCode::kUnsupported, "an encoder-decoder's servers are audited singly"};
    AuditText drawn = take_spare(options.spare, options.texts);
    if (drawn.tokens.empty()) {
        AuditTexts texts(model, compute, random, clock, options.bounds, options.texts);
        ASSIGN_OR_RETURN(drawn, texts.draw(text));
    }
    const SessionKind kind = draw_session_kind(model.config, drawn.tokens.size(), random);
    NetworkLayersOptions network;
    network.client = options.client;
    network.genesis = options.genesis;
    network.audit = 1;
    network.remote.servers = servers;
    network.remote.max_positions = kind.positions;
    network.remote.kv = kind.kv;
    network.remote.wire = kind.wire;
    network.remote.wait_ms = kWaitMs;
    network.remote.choice.most_price = 0;
    const bool by_chain_name = !model.chain_name.is_zero() && random.below(2) == 0;
    const Hash256 name = by_chain_name ? model.chain_name : model.hash;
    const auto is_cancelled = [&] { return options.cancelled && options.cancelled(); };
    // Who has no node for his model looks first.
    if (by_chain_name) (void)NetworkLayers::look(name, model.config, network);
    const auto connected = NetworkLayers::connect(name, model.config, network, is_cancelled);
    if (!connected.ok()) {
        if (options.spare != nullptr) *options.spare = std::move(drawn);
        return connected.error();
    }
    const std::unique_ptr<NetworkLayers>& layers = *connected;
    const std::uint64_t end_us = clock.monotonic_us() + options.max_ms * 1000;
    const auto is_over = [&] { return clock.monotonic_us() >= end_us || is_cancelled(); };
    {
        const Watch watch(*layers, is_over);
        write_over(*layers, model, compute, drawn, options.bounds, random.u64(), is_over);
    }
    if (is_cancelled()) return Error{ErrorCode::kCancelled, "the audit was broken off"};
    std::vector<AuditReport> reports;
    for (const SessionDiary& diary : layers->diaries())
        reports.push_back(report_of(diary, model, compute, clock));
    return reports;
}

}  // namespace cairn::serve
