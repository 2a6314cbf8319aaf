#include "net/link.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <deque>

#include "net/address.h"

namespace cairn::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
/// TCP, or one end of a circuit.
using StreamProtocol = asio::generic::stream_protocol;
template <typename T>
using Task = asio::awaitable<T>;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// Large messages move in pieces of this size: progress is seen, and memory is taken as bytes
/// arrive, not as a stranger promises them.
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::uint64_t kGoodbyeTimeoutMs = 1000;
/// What a frame costs beside its bytes, so that many small ones count too.
constexpr std::size_t kFrameCost = 64;

bool is_lost(const boost::system::error_code& error) {
    return error == asio::error::eof || error == asio::ssl::error::stream_truncated ||
           error == asio::error::connection_reset || error == asio::error::broken_pipe;
}

Error lost(const boost::system::error_code& error) {
    if (is_lost(error)) return io_error("the other side closed the connection");
    return io_error("connection lost: " + error.message());
}

class TlsLink final : public Link, public std::enable_shared_from_this<TlsLink> {
  public:
    TlsLink(asio::io_context& io, const TlsIdentity& identity,
            std::shared_ptr<const LinkSettings> settings, LinkOwner& owner, PeerId id, Role role,
            std::string address)
        : Link(id, role, std::move(address)),
          settings_(std::move(settings)),
          owner_(&owner),
          tls_(identity.share()),
          stream_(io, tls_),
          wake_(io),
          clock_(io) {}

    void take_over(ConnectedSocket socket) {
        boost::system::error_code ignored;
        relayed_ = socket.family == AF_UNIX;
        taken_over_ = true;
        stream_.next_layer().assign(StreamProtocol(socket.family, 0), socket.descriptor, ignored);
    }

    void start() {
        spawn([](std::shared_ptr<TlsLink> self) { return self->run(); });
        spawn([](std::shared_ptr<TlsLink> self) { return self->watch(); });
    }

    bool send(std::uint16_t kind, ByteView body) override {
        if (!has_room(body.size())) return false;
        enqueue(kind, body);
        return true;
    }
    bool has_room(std::size_t body_bytes) const override {
        const std::size_t cost = kFrameCost + kFrameHeaderBytes + body_bytes;
        return queued_bytes_ + cost <= settings_->max_queue_bytes;
    }

    Held queued() const override {
        if (queue_.empty()) return {};
        return {queued_bytes_, ticked_ms_ - queue_.front().since_ms};
    }
    Held incoming() const override {
        if (incoming_bytes_ == 0) return {};
        return {incoming_bytes_, ticked_ms_ - incoming_since_ms_};
    }

    void probe() override {
        if (state_ != State::kUp) return;
        silent_ms_ = std::max(silent_ms_, settings_->idle_timeout_ms / 4 * 3);
        enqueue(LinkKind::kPing, Bytes(8, 0));
    }

    void close(const std::string& reason) override {
        owner_ = nullptr;
        begin_closing(reason);
    }

    void abandon() override {
        owner_ = nullptr;
        end();
    }

  private:
    enum class State { kOpening, kUp, kClosing, kClosed };
    struct Frame {
        std::uint16_t kind = 0;
        Bytes body;
    };
    struct Waiting {
        Bytes frame;
        std::uint64_t since_ms = 0;
    };

    /// Runs a member coroutine, which keeps this link alive while it runs.
    template <typename Body>
    void spawn(Body body) {
        asio::co_spawn(
            stream_.get_executor(),
            [](std::shared_ptr<TlsLink> self, Body member) -> Task<void> { co_await member(self); }(
                                                               shared_from_this(), body),
            asio::detached);
    }

    // Opening: connect, TLS, hellos.
    Task<Status> connect();
    Task<Status> secure();
    Task<Status> introduce();
    Task<Result<Hello>> read_hello(Role from, const Hash256& channel);
    Task<Status> open();

    // Carrying frames.
    Task<Result<Frame>> read_frame();
    Task<Status> receive();
    Task<void> write();
    Task<void> run();
    Task<void> watch();
    void enqueue(std::uint16_t kind, ByteView body);
    void enqueue(LinkKind kind, ByteView body = {}) {
        enqueue(static_cast<std::uint16_t>(kind), body);
    }
    Bytes next_piece();
    void check_deadlines(std::uint64_t passed_ms);

    // Ending.
    void fail(const Error& error);
    void begin_closing(const std::string& reason);
    void end();

    std::shared_ptr<const LinkSettings> settings_;
    LinkOwner* owner_;  // nullptr: is told nothing more
    asio::ssl::context tls_;
    asio::ssl::stream<StreamProtocol::socket> stream_;
    bool taken_over_ = false;   // the socket is connected already
    asio::steady_timer wake_;   // cancelled when the queue gets something
    asio::steady_timer clock_;  // ticks for watch()
    State state_ = State::kOpening;
    bool writing_ = false;  // the writer runs: TLS is up
    std::deque<Waiting> queue_;
    std::size_t front_offset_ = 0;    // of queue_.front(), what is already sent
    std::size_t queued_bytes_ = 0;    // and kFrameCost for each frame
    std::size_t incoming_bytes_ = 0;  // of the message that is being read
    std::uint64_t incoming_since_ms_ = 0;
    // Time since something happened, counted in ticks of watch(): if our own loop was busy for
    // long, only one tick passes, and the peer is not blamed for it.
    std::uint64_t ticked_ms_ = 0;
    std::uint64_t open_ms_ = 0;
    std::uint64_t silent_ms_ = 0;
    std::uint64_t stalled_ms_ = 0;
    std::uint64_t closing_ms_ = 0;
    bool ping_sent_ = false;
};

Task<Status> TlsLink::connect() {
    const auto address = parse_address(address_);
    if (!address.ok()) co_return address.error();
    boost::system::error_code not_numeric;
    const auto number = asio::ip::make_address(address->host, not_numeric);
    std::vector<tcp::endpoint> endpoints;
    if (!not_numeric) {
        endpoints.emplace_back(number, address->port);
    } else {
        tcp::resolver resolver(stream_.get_executor());
        auto [unknown, found] =
            co_await resolver.async_resolve(address->host, std::to_string(address->port), kAwait);
        if (unknown) co_return not_found("no host of this name (" + unknown.message() + ")");
        for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    }
    boost::system::error_code error = asio::error::not_found;
    for (const tcp::endpoint& endpoint : endpoints) {
        if (state_ != State::kOpening) co_return io_error("closed");
        boost::system::error_code ignored;
        stream_.next_layer().close(ignored);
        std::tie(error) = co_await stream_.next_layer().async_connect(endpoint, kAwait);
        if (!error) break;
    }
    if (error == asio::error::connection_refused)
        co_return io_error("nothing listens there (" + error.message() + ")");
    if (error) co_return io_error("it cannot be reached (" + error.message() + ")");
    co_return ok_status();
}

Task<Status> TlsLink::secure() {
    boost::system::error_code ignored;
    stream_.next_layer().set_option(tcp::no_delay(true), ignored);
    const auto side =
        role_ == Role::kDialler ? asio::ssl::stream_base::client : asio::ssl::stream_base::server;
    auto [error] = co_await stream_.async_handshake(side, kAwait);
    if (is_lost(error))
        co_return invalid(
            "what answers there is no Cairn node, or has no place for one more (it closed the "
            "connection at once)");
    if (error) co_return invalid("what answers there is no Cairn node (" + error.message() + ")");
    co_return ok_status();
}

Task<Result<Hello>> TlsLink::read_hello(Role from, const Hash256& channel) {
    auto frame = co_await read_frame();
    if (!frame.ok()) co_return frame.error();
    if (frame->kind != static_cast<std::uint16_t>(LinkKind::kHello))
        co_return invalid("expected a hello");
    auto hello = decode_hello(frame->body);
    if (!hello.ok()) co_return hello.error();
    const bool any = settings_->any_genesis && from == Role::kAcceptor;
    const Hash256& genesis = any ? hello->genesis : settings_->genesis;
    const Status good = check_hello(*hello, from, channel, genesis, settings_->key);
    if (!good.ok()) co_return good.error();
    co_return hello;
}

Task<Status> TlsLink::introduce() {
    const Hash256 channel = channel_value(stream_.native_handle());
    const Role theirs = role_ == Role::kDialler ? Role::kAcceptor : Role::kDialler;
    if (role_ == Role::kAcceptor)
        enqueue(LinkKind::kHello,
                encode_hello(settings_->make_hello(role_, channel, settings_->genesis)));
    auto hello = co_await read_hello(theirs, channel);
    if (!hello.ok()) co_return hello.error();
    if (state_ != State::kOpening || owner_ == nullptr) co_return io_error("closed");
    peer_ = *hello;
    const Status accepted = owner_->on_link_hello(*this);
    if (!accepted.ok()) co_return accepted.error();
    if (role_ == Role::kAcceptor) {
        enqueue(LinkKind::kWelcome);
        co_return ok_status();
    }
    enqueue(LinkKind::kHello, encode_hello(settings_->make_hello(role_, channel, peer_.genesis)));
    auto welcome = co_await read_frame();
    if (!welcome.ok()) co_return welcome.error();
    if (welcome->kind != static_cast<std::uint16_t>(LinkKind::kWelcome))
        co_return invalid("expected a welcome");
    co_return ok_status();
}

Task<Status> TlsLink::open() {
    if (!taken_over_) {
        Status connected = co_await connect();
        if (!connected.ok()) co_return connected;
    }
    Status secured = co_await secure();
    if (!secured.ok()) co_return secured;
    if (state_ != State::kOpening) co_return io_error("closed");
    writing_ = true;
    spawn([](std::shared_ptr<TlsLink> self) { return self->write(); });
    Status introduced = co_await introduce();
    if (introduced.ok() && state_ != State::kOpening) co_return io_error("closed");
    co_return introduced;
}

Task<Result<TlsLink::Frame>> TlsLink::read_frame() {
    std::array<std::uint8_t, kFrameHeaderBytes> header_bytes;
    auto [error, got] = co_await asio::async_read(stream_, asio::buffer(header_bytes), kAwait);
    if (error) co_return lost(error);
    const auto header = decode_frame_header(header_bytes);
    if (!header.ok()) co_return header.error();
    if (state_ == State::kOpening && header->kind < kFirstReservedKind)
        co_return invalid("a message before the introduction");
    Frame frame{header->kind, {}};
    incoming_since_ms_ = ticked_ms_;
    while (frame.body.size() < header->body_bytes) {
        silent_ms_ = 0;
        const std::size_t have = frame.body.size();
        incoming_bytes_ = have;
        if (have > 0 && owner_ != nullptr) owner_->on_link_piece(*this);
        if (state_ == State::kClosing || state_ == State::kClosed) co_return io_error("closed");
        const std::size_t piece = std::min(kPieceBytes, header->body_bytes - have);
        frame.body.resize(have + piece);
        auto [failure, count] = co_await asio::async_read(
            stream_, asio::buffer(frame.body.data() + have, piece), kAwait);
        if (failure) co_return lost(failure);
    }
    incoming_bytes_ = 0;
    silent_ms_ = 0;
    ping_sent_ = false;
    if (frame.kind == static_cast<std::uint16_t>(LinkKind::kGoodbye))
        co_return Error{ErrorCode::kCancelled,
                        "the other side said: " + readable_reason(frame.body)};
    co_return frame;
}

Task<Status> TlsLink::receive() {
    for (;;) {
        auto frame = co_await read_frame();
        if (!frame.ok()) co_return frame.error();
        if (state_ != State::kUp) continue;  // closing: read on until the other side has closed
        if (frame->kind < kFirstReservedKind) {
            if (owner_ != nullptr)
                owner_->on_link_message(*this, frame->kind, std::move(frame->body));
        } else if (frame->kind == static_cast<std::uint16_t>(LinkKind::kPing)) {
            // Only when nothing waits: whoever does not read gets no answers, and whoever reads
            // hears from us anyway.
            if (queue_.empty()) enqueue(LinkKind::kPong, frame->body);
        } else if (frame->kind != static_cast<std::uint16_t>(LinkKind::kPong)) {
            co_return invalid("unexpected link message " + std::to_string(frame->kind));
        }
    }
}

Task<void> TlsLink::run() {
    Status status = co_await open();
    if (status.ok()) {
        state_ = State::kUp;
        if (owner_ != nullptr) owner_->on_link_up(*this);
        status = co_await receive();
    }
    fail(status.error());
    std::array<std::uint8_t, 1024> rest;
    while (state_ == State::kClosing) {  // until the other side has seen our goodbye
        auto [error, got] =
            co_await stream_.next_layer().async_read_some(asio::buffer(rest), kAwait);
        if (error) break;
    }
    end();
}

void TlsLink::enqueue(std::uint16_t kind, ByteView body) {
    if (state_ == State::kClosing || state_ == State::kClosed) return;
    queue_.push_back({encode_frame(kind, body), ticked_ms_});
    queued_bytes_ += kFrameCost + queue_.back().frame.size();
    wake_.cancel();
}

/// The next bytes to write: small frames together, large ones in pieces.
Bytes TlsLink::next_piece() {
    Bytes piece;
    while (!queue_.empty() && piece.size() < kPieceBytes) {
        const Bytes& front = queue_.front().frame;
        const std::size_t count =
            std::min(kPieceBytes - piece.size(), front.size() - front_offset_);
        const auto begin = front.begin() + static_cast<std::ptrdiff_t>(front_offset_);
        piece.insert(piece.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
        front_offset_ += count;
        queued_bytes_ -= count;
        if (front_offset_ < front.size()) break;
        queue_.pop_front();
        queued_bytes_ -= kFrameCost;
        front_offset_ = 0;
    }
    return piece;
}

Task<void> TlsLink::write() {
    while (state_ != State::kClosed) {
        if (queue_.empty()) {
            if (state_ == State::kClosing) break;
            wake_.expires_at(asio::steady_timer::time_point::max());
            co_await wake_.async_wait(kAwait);
            continue;
        }
        const Bytes piece = next_piece();
        auto [error, count] = co_await asio::async_write(stream_, asio::buffer(piece), kAwait);
        stalled_ms_ = 0;
        if (error) break;
    }
    writing_ = false;
    // Nothing more comes from us. run() waits until the other side, which may still have to read
    // our goodbye, closes.
    boost::system::error_code ignored;
    stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
}

Task<void> TlsLink::watch() {
    const std::uint64_t shortest =
        std::min({settings_->handshake_timeout_ms, settings_->ping_after_ms,
                  settings_->idle_timeout_ms, kGoodbyeTimeoutMs});
    const std::uint64_t tick_ms = std::max<std::uint64_t>(5, shortest / 4);
    while (state_ != State::kClosed) {
        clock_.expires_after(std::chrono::milliseconds(tick_ms));
        co_await clock_.async_wait(kAwait);
        check_deadlines(tick_ms);
    }
}

void TlsLink::check_deadlines(std::uint64_t passed_ms) {
    const auto seconds = [](std::uint64_t ms) { return std::to_string((ms + 999) / 1000) + " s"; };
    ticked_ms_ += passed_ms;
    if (state_ == State::kOpening) {
        open_ms_ += passed_ms;
        if (open_ms_ >= settings_->handshake_timeout_ms)
            fail({ErrorCode::kTimeout, "it does not introduce itself within " +
                                           seconds(settings_->handshake_timeout_ms)});
    } else if (state_ == State::kUp) {
        silent_ms_ += passed_ms;
        if (!queue_.empty()) stalled_ms_ += passed_ms;
        if (silent_ms_ >= settings_->idle_timeout_ms) {
            fail({ErrorCode::kTimeout, "silent for " + seconds(settings_->idle_timeout_ms)});
        } else if (stalled_ms_ >= settings_->idle_timeout_ms) {
            fail({ErrorCode::kTimeout,
                  "has read nothing for " + seconds(settings_->idle_timeout_ms)});
        } else if (silent_ms_ >= settings_->ping_after_ms && !ping_sent_) {
            ping_sent_ = true;
            enqueue(LinkKind::kPing, Bytes(8, 0));
        }
    } else if (state_ == State::kClosing) {
        closing_ms_ += passed_ms;
        if (closing_ms_ >= kGoodbyeTimeoutMs) end();
    }
}

void TlsLink::fail(const Error& error) {
    if (state_ == State::kClosing || state_ == State::kClosed) return;
    LinkOwner* const owner = std::exchange(owner_, nullptr);
    // A peer that is gone, or that said goodbye itself, needs no goodbye.
    if (error.code == ErrorCode::kIo || error.code == ErrorCode::kCancelled)
        end();
    else
        begin_closing(error.message);
    if (owner != nullptr) owner->on_link_closed(*this, error);
}

void TlsLink::begin_closing(const std::string& reason) {
    if (state_ == State::kClosing || state_ == State::kClosed) return;
    if (!writing_) return end();
    // What waits is dropped, except for the rest of a frame that is half sent.
    while (queue_.size() > (front_offset_ > 0 ? 1 : 0)) queue_.pop_back();
    enqueue(LinkKind::kGoodbye, as_bytes(reason).first(std::min(reason.size(), kMaxGoodbyeBytes)));
    state_ = State::kClosing;
    wake_.cancel();
}

void TlsLink::end() {
    state_ = State::kClosed;
    boost::system::error_code ignored;
    stream_.next_layer().close(ignored);
    wake_.cancel();
    clock_.cancel();
    queue_.clear();
}

}  // namespace

std::shared_ptr<Link> dial_link(boost::asio::io_context& io, const TlsIdentity& identity,
                                std::shared_ptr<const LinkSettings> settings, LinkOwner& owner,
                                PeerId id, const std::string& address) {
    auto link = std::make_shared<TlsLink>(io, identity, std::move(settings), owner, id,
                                          Role::kDialler, address);
    link->start();
    return link;
}

std::shared_ptr<Link> accept_link(boost::asio::io_context& io, const TlsIdentity& identity,
                                  std::shared_ptr<const LinkSettings> settings, LinkOwner& owner,
                                  PeerId id, ConnectedSocket socket, const std::string& remote) {
    auto link = std::make_shared<TlsLink>(io, identity, std::move(settings), owner, id,
                                          Role::kAcceptor, remote);
    link->take_over(socket);
    link->start();
    return link;
}

std::shared_ptr<Link> dial_link_over(asio::io_context& io, const TlsIdentity& identity,
                                     std::shared_ptr<const LinkSettings> settings, LinkOwner& owner,
                                     PeerId id, ConnectedSocket socket,
                                     const std::string& address) {
    auto link = std::make_shared<TlsLink>(io, identity, std::move(settings), owner, id,
                                          Role::kDialler, address);
    link->take_over(socket);
    link->start();
    return link;
}

}  // namespace cairn::net
