#include "serve/part_link.h"

#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "net/tls_network.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kDialMs = 500;
constexpr const char* kEnded = "this server stops";
constexpr std::size_t kMaxAnswers = 8;  // that nobody waits for: a part that answers unasked

constexpr const char* kStranger =
    "who answers there is no part with this --part-key file: copy the file to that machine, and "
    "start the part with --part-of";

/// What a part's end says when another link of the same key comes to it.
constexpr std::string_view kReplaced = "replaced by a newer connection";

bool is_answer(PartKind kind) {
    return kind == PartKind::kJoined || kind == PartKind::kRefused || kind == PartKind::kOpened ||
           kind == PartKind::kShare;
}

}  // namespace

struct PartLink::Impl final : net::NetworkHandler {
    Impl(std::string where, std::string called, const PartLinkPatience& how_long)
        : address(std::move(where)), name(std::move(called)), patience(how_long) {}

    const std::string address, name;
    const PartLinkPatience patience;
    crypto::PublicKey part_key;
    SystemRandom random;
    SystemClock clock;
    net::AsioLoop loop;
    std::unique_ptr<net::TlsNetwork> network;
    std::thread thread;

    mutable Mutex mutex;
    Condition changed;
    net::PeerId peer GUARDED_BY(mutex) = 0;  // 0: no link
    std::string why GUARDED_BY(mutex);       // there is none
    bool ended GUARDED_BY(mutex) = false;
    std::deque<PartMessage> answers GUARDED_BY(mutex);
    std::uint64_t heard_us GUARDED_BY(mutex) = 0;

    ~Impl() override {
        if (thread.joinable()) {
            loop.post([this] { loop.stop(); });
            thread.join();
        }
        if (network) network->set_handler(nullptr);
    }

    void on_peer_up(net::PeerId id, const net::PeerInfo& info) override {
        MutexLock lock(mutex);
        if (ended) return;
        if (info.key != part_key) {
            why = kStranger;
            network->disconnect(id);
        } else {
            peer = id;
            why.clear();
            answers.clear();
            heard_us = clock.monotonic_us();
        }
        changed.notify_all();
    }
    void on_peer_down(net::PeerId id, const std::string& reason) override {
        MutexLock lock(mutex);
        if (peer != id) return;
        peer = 0;
        why = "the link is lost: " + reason;
        if (reason.find(kReplaced) != std::string::npos)
            why +=
                "; another lead with this --part-key took this part, or two --part lead to it: a "
                "part has one lead, which names it once";
        changed.notify_all();
    }
    void on_message(net::PeerId id, std::uint16_t kind, Bytes body) override {
        MutexLock lock(mutex);
        if (id != peer) return;
        heard_us = clock.monotonic_us();
        const auto part_kind = static_cast<PartKind>(kind);
        if (is_answer(part_kind) && answers.size() < kMaxAnswers)
            answers.push_back({part_kind, std::move(body)});
        changed.notify_all();
    }
    void on_failed(const Error& reason) {
        MutexLock lock(mutex);
        if (peer != 0 || !why.empty()) return;
        why = reason.message;
        // A part says goodbye to whoever is not its lead.
        if (reason.code == ErrorCode::kCancelled) why = kStranger + (" (" + why + ")");
        changed.notify_all();
    }
    void post_message(net::PeerId to, PartKind kind, Bytes body) {
        loop.post([this, to, kind, body = std::move(body)] {
            if (network->send(to, static_cast<std::uint16_t>(kind), body)) return;
            network->disconnect(to);
        });
    }
    /// Ends the link, so that no late answer is taken for the next one.
    Error drop(std::string reason) REQUIRES(mutex) {
        loop.post([this, id = peer] { network->disconnect(id); });
        peer = 0;
        why = std::move(reason);
        return Error{ErrorCode::kTimeout, why};
    }
};

PartLink::PartLink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PartLink::~PartLink() = default;

Result<std::unique_ptr<PartLink>> PartLink::start(const PartKeys& keys, const std::string& address,
                                                  const std::string& name,
                                                  const PartLinkPatience& patience) {
    auto impl = std::make_unique<Impl>(address, name, patience);
    impl->part_key = crypto::public_key(keys.part);
    net::TlsOptions tls{
        .listen = "",
        .key = keys.lead,
        .on_failed = [at = impl.get()](const std::string&, bool outbound, const Error& reason) {
            if (outbound) at->on_failed(reason);
        }};
    ASSIGN_OR_RETURN(impl->network,
                     net::TlsNetwork::start(impl->loop, impl->random, std::move(tls)));
    impl->network->set_handler(impl.get());
    impl->thread = std::thread([loop = &impl->loop] { loop->run(); });
    return std::unique_ptr<PartLink>(new PartLink(std::move(impl)));
}

std::string PartLink::name() const { return impl_->name; }

bool PartLink::is_up() const {
    MutexLock lock(impl_->mutex);
    return impl_->peer != 0;
}

std::string PartLink::why_down() const {
    MutexLock lock(impl_->mutex);
    return impl_->why;
}

Status PartLink::connect(std::uint64_t patience_ms) {
    Impl& link = *impl_;
    const std::uint64_t begun_us = link.clock.monotonic_us();
    MutexLock lock(link.mutex);
    if (link.peer != 0) {  // what was under way there is nobody's any more
        (void)link.drop("it joins again");
    }
    const std::uint64_t end_us = begun_us + patience_ms * 1000;
    while (!link.ended) {
        link.why.clear();
        link.loop.post([&link] { link.network->connect(link.address); });
        const std::uint64_t dialled_us = link.clock.monotonic_us();
        const auto wait = [&](std::uint64_t until_us) REQUIRES(link.mutex) {
            const std::uint64_t now_us = link.clock.monotonic_us();
            if (now_us < until_us) link.changed.wait_ms(link.mutex, (until_us - now_us) / 1000 + 1);
            return !link.ended && link.clock.monotonic_us() < until_us;
        };
        while (link.peer == 0 && link.why.empty() && wait(end_us)) {
        }
        if (link.peer != 0) return ok_status();
        const std::string why = link.why.empty() ? "nothing answers there" : link.why;
        while (wait(std::min(end_us, dialled_us + kDialMs * 1000))) {
        }
        if (link.clock.monotonic_us() >= end_us) return Error{ErrorCode::kTimeout, why};
    }
    return Error{ErrorCode::kCancelled, kEnded};
}

void PartLink::end() {
    MutexLock lock(impl_->mutex);
    impl_->ended = true;
    impl_->peer = 0;
    impl_->why = kEnded;
    impl_->changed.notify_all();
}

Status PartLink::send(PartKind kind, Bytes body) {
    Impl& link = *impl_;
    MutexLock lock(link.mutex);
    if (link.peer == 0) return io_error(link.why);
    link.post_message(link.peer, kind, std::move(body));
    return ok_status();
}

Result<PartMessage> PartLink::receive(std::uint64_t patience_ms) {
    Impl& link = *impl_;
    const std::uint64_t begun_us = link.clock.monotonic_us();
    MutexLock lock(link.mutex);
    link.heard_us = std::max(link.heard_us, begun_us);
    std::uint64_t asked_us = begun_us;
    while (true) {
        if (!link.answers.empty()) {
            PartMessage answer = std::move(link.answers.front());
            link.answers.pop_front();
            return answer;
        }
        if (link.peer == 0) return io_error(link.why);
        const std::uint64_t now_us = link.clock.monotonic_us();
        if (now_us >= link.heard_us + link.patience.silence_ms * 1000)
            return link.drop("it is silent for " + std::to_string(link.patience.silence_ms / 1000) +
                             " s");
        if (now_us >= begun_us + patience_ms * 1000)
            return link.drop("no answer for " + std::to_string(patience_ms / 1000) + " s");
        if (now_us >= std::max(link.heard_us, asked_us) + link.patience.ask_ms * 1000) {
            link.post_message(link.peer, PartKind::kAskAlive, {});
            asked_us = now_us;
        }
        link.changed.wait_ms(link.mutex, link.patience.ask_ms);
    }
}

}  // namespace cairn::serve
