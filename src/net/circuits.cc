#include "net/circuits.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <vector>

#include "net/hello.h"

namespace cairn::net {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kOpenMs = 10'000;

CircuitId seen_from_there(CircuitId id) {
    id.by_receiver = !id.by_receiver;
    return id;
}

}  // namespace

/// Carries bytes between a circuit and the socket of its link.
class Circuits::Stream : public std::enable_shared_from_this<Stream> {
  public:
    using Say = std::function<bool(RelayKind, ByteView)>;
    /// `say` sends to the relay; `end` is called once when the link has closed its socket.
    Stream(asio::io_context& io, CircuitId id, Say say, std::function<void(std::string)> end)
        : socket_(io), wake_(io), room_(io), id_(id), say_(std::move(say)), end_(std::move(end)) {}

    /// The other socket's descriptor; -1 if there is none to be had.
    int start() {
        asio::local::stream_protocol::socket other(socket_.get_executor());
        boost::system::error_code error;
        asio::local::connect_pair(socket_, other, error);
        if (error) return -1;
        const int descriptor = other.release(error);
        if (error) return -1;
        spawn([](std::shared_ptr<Stream> self) { return self->read(); });
        spawn([](std::shared_ptr<Stream> self) { return self->write(); });
        return descriptor;
    }

    /// False if more came than may be under way.
    bool take(Bytes bytes) {
        if (waiting_bytes_ + bytes.size() > kCircuitWindow) return false;
        waiting_bytes_ += bytes.size();
        hold(waiting_, std::move(bytes));
        wake_.cancel();
        return true;
    }
    /// False if more was taken than was sent.
    bool taken(std::uint32_t bytes) {
        if (bytes > under_way_) return false;
        under_way_ -= bytes;
        room_.cancel();
        return true;
    }
    /// The circuit is over: the link gets what waits, and then the end.
    void finish() {
        over_ = true;
        end_ = nullptr;
        wake_.cancel();
        room_.cancel();
    }
    void abandon() {
        finish();
        waiting_.clear();
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

  private:
    template <typename Body>
    void spawn(Body body) {
        asio::co_spawn(
            socket_.get_executor(),
            [](std::shared_ptr<Stream> self, Body member) -> asio::awaitable<void> {
                co_await member(self);
            }(shared_from_this(), body),
            asio::detached);
    }

    /// Until the timer is cancelled.
    static asio::awaitable<void> wait(asio::steady_timer& timer) {
        timer.expires_at(asio::steady_timer::time_point::max());
        co_await timer.async_wait(kAwait);
    }

    asio::awaitable<void> read() {
        Bytes piece(kMaxCircuitPiece);
        while (!over_) {
            const std::size_t room = kCircuitWindow - under_way_;
            if (room == 0) {
                co_await wait(room_);
                continue;
            }
            auto [error, got] = co_await socket_.async_read_some(
                asio::buffer(piece.data(), std::min(room, piece.size())), kAwait);
            if (over_) break;
            if (error) {
                over("the link was closed");
                break;
            }
            under_way_ += got;
            const auto end = piece.begin() + static_cast<std::ptrdiff_t>(got);
            if (!say_(RelayKind::kData, encode(CircuitData{id_, {piece.begin(), end}}))) {
                over("the relay reads too slowly");
                break;
            }
        }
    }

    asio::awaitable<void> write() {
        for (;;) {
            if (waiting_.empty()) {
                if (over_) break;
                co_await wait(wake_);
                continue;
            }
            const Bytes piece = std::move(waiting_.front());
            waiting_.pop_front();
            auto [error, put] = co_await asio::async_write(socket_, asio::buffer(piece), kAwait);
            if (error) break;
            waiting_bytes_ -= piece.size();
            if (!over_)
                say_(RelayKind::kTaken,
                     encode(CircuitTaken{id_, static_cast<std::uint32_t>(piece.size())}));
        }
        boost::system::error_code ignored;
        socket_.shutdown(asio::socket_base::shutdown_both, ignored);
    }

    void over(const std::string& reason) {
        const auto end = std::exchange(end_, nullptr);
        if (end) end(reason);
    }

    asio::local::stream_protocol::socket socket_;
    asio::steady_timer wake_;  // cancelled when something waits to be written
    asio::steady_timer room_;  // cancelled when something was taken
    const CircuitId id_;       // as we say it
    Say say_;
    std::function<void(std::string)> end_;
    bool over_ = false;
    std::deque<Bytes> waiting_;  // for the link
    std::size_t waiting_bytes_ = 0;
    std::size_t under_way_ = 0;  // sent, and not said to be taken
};

Circuits::Circuits(asio::io_context& io, Loop& loop, Owner owner)
    : io_(io), loop_(loop), owner_(std::move(owner)) {}

Circuits::~Circuits() {
    for (auto& [name, end] : ends_)
        if (end.stream) end.stream->abandon();
}

bool Circuits::is_opening(const std::string& address) const {
    for (const auto& [name, end] : ends_)
        if (end.address == address) return true;
    return false;
}

void Circuits::open(PeerId relay, const RelayedAddress& address) {
    const std::string text = to_string(address);
    if (ends_.size() >= kMaxCircuitEnds)
        return owner_.failed(text, "too many links run over relays already");
    const std::uint32_t number = next_++;
    const Name name{relay, {true, number}};
    End& end = ends_[name];
    end.address = text;
    end.timer = loop_.call_after(kOpenMs, alive_.guard([this, name] {
        ends_.at(name).timer = 0;
        close(name, "the relay did not open it in time");
    }));
    if (!owner_.send(relay, RelayKind::kOpen, encode(CircuitKey{number, address.key})))
        close(name, "the relay does not listen");
}

void Circuits::on_incoming(PeerId relay, const CircuitKey& message, bool wanted) {
    const Name name{relay, {false, message.number}};
    if (ends_.contains(name)) return;  // it has its answer
    const auto brought = std::ranges::count_if(ends_, [relay](const auto& end) {
        return end.first.relay == relay && !end.first.id.by_receiver;
    });
    const bool has_place =
        ends_.size() < kMaxCircuitEnds && static_cast<std::size_t>(brought) < kMaxBroughtByRelay;
    const int socket = wanted && has_place ? start_stream(name, ends_[name]) : -1;
    if (socket < 0) {
        ends_.erase(name);
        owner_.send(relay, RelayKind::kClosed,
                    encode(CircuitClosed{{true, message.number}, "takes no more such links"}));
        return;
    }
    owner_.send(relay, RelayKind::kAccepted, encode(CircuitId{true, message.number}));
    owner_.incoming(relay, socket);
}

int Circuits::start_stream(const Name& name, End& end) {
    end.stream = std::make_shared<Stream>(
        io_, seen_from_there(name.id),
        [this, relay = name.relay](RelayKind kind, ByteView body) {
            return owner_.send(relay, kind, body);
        },
        [this, name](const std::string& reason) { close(name, reason); });
    return end.stream->start();
}

void Circuits::on_accepted(PeerId relay, const CircuitId& id) {
    const auto found = ends_.find({relay, id});
    if (found == ends_.end() || found->second.address.empty()) return;
    End& end = found->second;
    const std::string address = std::exchange(end.address, "");
    loop_.cancel(std::exchange(end.timer, 0));
    const int socket = start_stream(found->first, end);
    if (socket < 0) {
        close({relay, id}, "no socket to be had");
        return owner_.failed(address, "no socket to be had");
    }
    owner_.opened(address, socket);
}

void Circuits::on_data(PeerId relay, CircuitData message) {
    const auto found = ends_.find({relay, message.id});
    if (found == ends_.end()) return;
    const auto& stream = found->second.stream;
    if (!stream || !stream->take(std::move(message.bytes)))
        close(found->first, "more came than may be under way");
}

void Circuits::on_taken(PeerId relay, const CircuitTaken& message) {
    const auto found = ends_.find({relay, message.id});
    if (found == ends_.end()) return;
    const auto& stream = found->second.stream;
    if (!stream || !stream->taken(message.bytes))
        close(found->first, "more was taken than was sent");
}

void Circuits::on_closed(PeerId relay, const CircuitClosed& message) {
    const auto found = ends_.find({relay, message.id});
    if (found != ends_.end())
        close(found->first, "the relay said: " + readable_reason(as_bytes(message.reason)), false);
}

void Circuits::on_peer_down(PeerId relay) {
    std::vector<Name> lost;
    for (const auto& [name, end] : ends_)
        if (name.relay == relay) lost.push_back(name);
    for (const Name& name : lost) close(name, "the link with the relay was lost");
}

void Circuits::close(const Name& name, const std::string& reason, bool tell) {
    const auto found = ends_.find(name);
    if (found == ends_.end()) return;
    const Name of = found->first;
    const End end = std::move(found->second);
    ends_.erase(found);
    if (end.timer != 0) loop_.cancel(end.timer);
    if (end.stream) end.stream->finish();
    if (tell)
        owner_.send(of.relay, RelayKind::kClosed,
                    encode(CircuitClosed{seen_from_there(of.id), reason}));
    if (!end.address.empty()) owner_.failed(end.address, reason);
}

}  // namespace cairn::net
