#include "net/port_mapper.h"

#include <algorithm>
#include <chrono>

#include "base/mutex.h"
#include "net/router_protocols.h"

namespace cairn::net {
namespace {

constexpr std::uint64_t kExitPatienceMs = 5'000;
constexpr int kMaxDoublings = 4;
/// Renewals that may fail before the port counts as lost.
constexpr int kForgiven = 3;
constexpr std::uint32_t kShortestLeaseS = 4;

}  // namespace

/// What the thread does and knows. It may outlive the mapper while a router keeps it busy.
struct PortMapper::State {
    State(Loop& its_loop, PortMapperOptions its_options)
        : options(std::move(its_options)), loop(&its_loop) {}

    void run();
    PortReport ask();
    std::uint64_t pause_ms() const;

    const PortMapperOptions options;
    std::optional<PortMapping> mapping;
    std::shared_ptr<RouterProtocol> protocol;  // that gave it
    int failures = 0;                          // in a row
    PortReport report;                         // the latest
    std::promise<void> ended;

    // Set before the thread starts; does nothing once the mapper has ended.
    std::function<void(const PortReport&, std::uint64_t pause_ms)> answered;

    Mutex mutex;
    Condition changed;
    Loop* const loop PT_GUARDED_BY(mutex);  // there until `stopping`
    bool wanted GUARDED_BY(mutex) = true;
    bool stopping GUARDED_BY(mutex) = false;
};

PortReport PortMapper::State::ask() {
    std::string answers;
    // The one that worked is asked first: another would give a second port.
    std::vector<std::shared_ptr<RouterProtocol>> order = options.protocols;
    std::stable_partition(order.begin(), order.end(),
                          [this](const auto& p) { return p == protocol; });
    for (const auto& asked : order) {
        auto given = asked->map(options.port, kPortLeaseS);
        if (given.ok()) {
            mapping = *given;
            mapping->lease_s = std::clamp(mapping->lease_s, kShortestLeaseS, kPortLeaseS);
            protocol = asked;
            failures = 0;
            return report_of(options.port, mapping, asked->name(), "");
        }
        answers += (answers.empty() ? "" : "; ") + asked->name() + ": " + given.error().message;
    }
    ++failures;
    if (mapping && failures <= kForgiven) return report;  // its lease has not ended yet
    mapping.reset();
    protocol.reset();
    return report_of(options.port, {}, "", answers);
}

std::uint64_t PortMapper::State::pause_ms() const {
    if (mapping) return mapping->lease_s * options.second_ms / (failures == 0 ? 2 : 8);
    return options.retry_ms << std::min(failures - 1, kMaxDoublings);
}

void PortMapper::State::run() {
    for (;;) {
        {
            const MutexLock lock(mutex);
            while (!wanted && !stopping) changed.wait(mutex);
            if (stopping) break;
            wanted = false;
        }
        report = ask();
        const MutexLock lock(mutex);
        if (stopping) break;
        loop->post([tell = answered, now = report, pause = pause_ms()] { tell(now, pause); });
    }
    if (mapping) protocol->unmap(options.port, *mapping);
    ended.set_value();
}

PortMapper::PortMapper(Loop& loop, PortMapperOptions options,
                       std::function<void(const PortReport&)> on_change)
    : loop_(loop),
      on_change_(std::move(on_change)),
      state_(std::make_shared<State>(loop, std::move(options))),
      ended_(state_->ended.get_future()) {
    state_->answered = alive_.guard([this](const PortReport& report, std::uint64_t pause_ms) {
        timer_ = loop_.call_after(pause_ms, alive_.guard([this] {
            timer_ = 0;
            const MutexLock lock(state_->mutex);
            state_->wanted = true;
            state_->changed.notify_all();
        }));
        if (report.sentence == said_) return;
        said_ = report.sentence;
        on_change_(report);
    });
    thread_ = std::thread([state = state_] { state->run(); });
}

PortMapper::~PortMapper() {
    if (timer_ != 0) loop_.cancel(timer_);
    {
        const MutexLock lock(state_->mutex);
        state_->stopping = true;
        state_->changed.notify_all();
    }
    const auto patience = std::chrono::milliseconds(kExitPatienceMs);
    const bool ended = ended_.wait_for(patience) == std::future_status::ready;
    ended ? thread_.join() : thread_.detach();
}

PortReport report_of(std::uint16_t port, std::optional<PortMapping> mapping,
                     const std::string& protocol, const std::string& failures) {
    PortReport report;
    report.mapping = std::move(mapping);
    if (!report.mapping) {
        report.sentence = "no router passes links on to port " + std::to_string(port) +
                          " of this machine (" + failures +
                          "). The node can do everything but be dialled; to change that, let your "
                          "router forward the port, or try --map-port any";
        return report;
    }
    const Address& outside = report.mapping->outside;
    report.reachable = is_public(outside.host);
    if (report.reachable)
        report.sentence = "peers can reach this node at " + to_string(outside) +
                          " through your router (" + protocol + ")";
    else
        report.sentence = "your router passes links on to this node at " + to_string(outside) +
                          " (" + protocol +
                          "), but that is no public address: another router stands before it, "
                          "so only its own network can dial this node";
    return report;
}

std::unique_ptr<PortMapper> map_port(Loop& loop, PortAsking asking, const std::string& listen,
                                     std::function<void(const PortReport&)> on_change) {
    const auto address = parse_address(listen);
    if (asking == PortAsking::kNot || !address.ok() || is_loopback(address->host)) return nullptr;
    if (has_public_address()) return nullptr;
    PortMapperOptions options;
    options.port = address->port;
    if (asking != PortAsking::kUpnp) options.protocols.push_back(nat_pmp());
    if (asking != PortAsking::kNatPmp) options.protocols.push_back(upnp());
    return std::make_unique<PortMapper>(loop, std::move(options), std::move(on_change));
}

}  // namespace cairn::net
