#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>

#include "http/client_name.h"
#include "http/session_impl.h"
#include "net/address.h"

namespace cairn::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using asio::ip::tcp;

// Whoever takes longer for an answer in one piece makes room for others when they need it.
constexpr std::uint64_t kSlowReader_us = 2'000'000;
constexpr unsigned kHttp10 = 10;
// Whoever is refused in the middle of a body is read on for a while: a connection that is closed
// on unread bytes is reset, and takes the answer with it.
constexpr std::size_t kMaxDrainedBytes = std::size_t{64} << 20;
constexpr auto kDrainPatience = std::chrono::seconds(5);
// What comes behind a request that is not answered yet is left to TCP from here on. Whoever has
// left is then seen by looking at the socket now and then: what he sent hides his end.
constexpr std::size_t kMaxReadAheadBytes = kMaxRequestHeaderBytes;
constexpr std::size_t kReadAheadStep = 4096;
constexpr auto kLookPause = std::chrono::seconds(1);

/// All but the body.
Request plain(const wire::request<wire::string_body>& from) {
    Request request;
    // Answered as a GET whose body is not sent.
    const bool is_head = from.method() == wire::verb::head;
    request.method = is_head ? "GET" : std::string(from.method_string());
    request.authority = std::string(from[wire::field::host]);
    if (auto host = net::parse_host_field(request.authority); host.ok())
        request.host = *std::move(host);
    request.origin = std::string(from[wire::field::origin]);
    request.fetch_site = std::string(from["Sec-Fetch-Site"]);
    request.is_for_a_window =
        from["Sec-Fetch-Mode"] == "navigate" && from["Sec-Fetch-Dest"] == "document";
    request.content_type = std::string(from[wire::field::content_type]);
    request.authorization = std::string(from[wire::field::authorization]);
    return request;
}

}  // namespace

// Hands what an answerer says over to the server's thread, with the number of its request.
class Session::SessionReply final : public Reply {
  public:
    SessionReply(std::shared_ptr<Session> session, std::uint64_t number)
        : session_(std::move(session)), number_(number) {}
    ~SessionReply() override {
        post([](Session& session) {
            const bool whole = session.stage_ != Stage::kAwaited &&
                               (session.stage_ != Stage::kStreaming || session.ended_);
            if (!whole) session.close();
        });
    }

    void send(Response response) override {
        post([response = std::move(response)](Session& session) mutable {
            if (session.stage_ == Stage::kAwaited) session.answer(std::move(response));
        });
    }
    void begin(Response head) override {
        post([head = std::move(head)](Session& session) {
            if (session.stage_ == Stage::kAwaited) session.begin(head);
        });
    }
    void write(std::string piece) override {
        post([piece = std::move(piece)](Session& session) mutable {
            if (session.stage_ == Stage::kStreaming) session.write(std::move(piece));
        });
    }
    void end() override {
        post([](Session& session) {
            if (session.stage_ == Stage::kStreaming) session.end();
        });
    }
    void on_gone(std::function<void()> gone) override {
        if (session_->server_->stopping) return;
        asio::post(session_->stream_.get_executor(),
                   [session = session_, number = number_, gone = std::move(gone)]() mutable {
                       if (session->number_ != number) return gone();
                       if (session->stage_ == Stage::kReading) return;
                       session->gone_ = std::move(gone);
                       if (session->left_) session->close();
                   });
    }

  private:
    template <typename Task>
    void post(Task task) {
        if (session_->server_->stopping) return;
        asio::post(session_->stream_.get_executor(),
                   [session = session_, number = number_, task = std::move(task)]() mutable {
                       if (session->number_ == number) task(*session);
                   });
    }

    std::shared_ptr<Session> session_;
    std::uint64_t number_;
};

Session::Session(const std::shared_ptr<HttpServer::Impl>& server, tcp::socket socket)
    : server_(server),
      stream_(std::move(socket)),
      look_(server->context),
      late_(server->context),
      patience_(server->options.patience_ms),
      buffer_(kMaxReadAheadBytes + kMaxRequestHeaderBytes) {
    ++server->open;
    beast::error_code failure;
    const auto other = stream_.socket().remote_endpoint(failure);
    client_ = failure ? "" : client_name(other.address().to_string());
    if (client_.empty()) client_ = "connection " + std::to_string(server->next_connection++);
    stream_.socket().set_option(tcp::no_delay(true), failure);
}

Session::~Session() { --server_->open; }

void Session::read() {
    stage_ = Stage::kReading;
    parser_.emplace();
    parser_->body_limit(server_->options.max_body_bytes);
    parser_->header_limit(kMaxRequestHeaderBytes);
    patience_.begin();
    stream_.expires_after(patience_.left());
    spare_since_us_ = server_->clock.monotonic_us();
    wire::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](beast::error_code failure, std::size_t) {
                                self->on_head(failure);
                            });
}

void Session::on_head(beast::error_code failure) {
    if (refused(failure)) return;
    request_ = plain(parser_->get());
    request_.client = client_;
    if (!parse_target(std::string(parser_->get().target()), request_).ok())
        return refuse(server_->options.refusal(400, "a malformed address", request_));
    if (server_->options.admit)
        if (auto refusal = server_->options.admit(request_)) return refuse(*std::move(refusal));
    if (parser_->is_done()) return on_read({});
    // The time before the head, in which a connection that is kept may have waited for somebody to
    // ask something, is not the body's.
    patience_.begin();
    promise_body();
    // Whoever asks first whether the body is welcome waits for these words.
    if (!beast::iequals(parser_->get()[wire::field::expect], "100-continue")) return read_body();
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = shared_from_this()](beast::error_code broken, std::size_t) {
                          return broken ? self->close() : self->read_body();
                      });
}

bool Session::is_head() const { return parser_->get().method() == wire::verb::head; }

void Session::promise_body() {
    const auto length = parser_->content_length();
    const std::size_t bytes = length ? *length : server_->options.max_body_bytes;
    if (bytes <= kShortBodyBytes) return;
    promised_ = bytes;
    server_->promised += bytes;
    server_->bound_bodies(*this);
}

void Session::forget_body() { server_->promised -= std::exchange(promised_, 0); }

void Session::read_body() {
    parser_->eager(true);
    // Not the stream's own deadline: that closes the connection, and nobody reads why.
    stream_.expires_never();
    late_.expires_after(patience_.left());
    late_.async_wait([self = shared_from_this()](beast::error_code failure) {
        if (!failure && self->in_body_) self->stream_.cancel();
    });
    in_body_ = true;
    wire::async_read_some(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code failure, std::size_t count) {
            self->patience_.moved(count);
            self->on_body_part(failure);
        });
}

void Session::on_body_part(beast::error_code failure) {
    in_body_ = false;
    late_.cancel();
    if (!failure && !parser_->is_done()) return read_body();
    // A connection that was closed meanwhile is read no more, either.
    if (failure == asio::error::operation_aborted && stream_.socket().is_open())
        return refuse(server_->options.refusal(
            408, "the request's body did not come in time; send it faster", request_));
    on_read(failure);
}

bool Session::refused(beast::error_code failure) {
    if (!failure) return false;
    if (failure != wire::error::body_limit) {
        close();
        return true;
    }
    // Said as soon as the head is there, if it says so.
    Request head = plain(parser_->get());
    if (!parse_target(std::string(parser_->get().target()), head).ok()) head.path.clear();
    refuse(server_->options.refusal(413,
                                    "the request is too large: its body may have " +
                                        std::to_string(server_->options.max_body_bytes) + " bytes",
                                    head));
    return true;
}

// Answers a request that was not read to its end.
void Session::refuse(Response response) {
    forget_body();
    ++number_;
    keep_alive_ = false;
    unread_ = !parser_->is_done();
    answer(std::move(response));
}

void Session::on_read(beast::error_code failure) {
    keep_alive_ = false;
    if (refused(failure)) return;
    forget_body();
    spare_since_us_.reset();
    ++number_;
    stage_ = Stage::kAwaited;
    ended_ = false;
    left_ = false;
    keep_alive_ = parser_->get().keep_alive();
    chunks_ = parser_->get().version() > kHttp10;
    request_.body = std::move(parser_->get().body());
    stream_.expires_never();
    watch();
    server_->options.handler(std::move(request_),
                             std::make_shared<SessionReply>(shared_from_this(), number_));
}

void Session::watch() {
    if (watching_) return;
    watching_ = true;
    if (buffer_.size() >= kMaxReadAheadBytes) {
        look_.expires_after(kLookPause);
        return look_.async_wait(
            [self = shared_from_this()](beast::error_code failure) { self->on_look(failure); });
    }
    stream_.socket().async_wait(
        tcp::socket::wait_read,
        [self = shared_from_this()](beast::error_code failure) { self->on_readable(failure); });
}

// What comes now belongs to the next request, or says that the asker has left.
void Session::on_readable(beast::error_code failure) {
    watching_ = false;
    if (failure || stage_ == Stage::kReading) return;
    char part[kReadAheadStep];
    const ssize_t got = ::recv(stream_.socket().native_handle(), part, sizeof part, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return watch();
    if (got <= 0) return leave();
    const auto count = static_cast<std::size_t>(got);
    buffer_.commit(asio::buffer_copy(buffer_.prepare(count), asio::buffer(part, count)));
    watch();
}

void Session::on_look(beast::error_code failure) {
    watching_ = false;
    if (failure || stage_ == Stage::kReading) return;
    pollfd look{stream_.socket().native_handle(), POLLRDHUP, 0};
    if (::poll(&look, 1, 0) > 0) return leave();
    watch();
}

// Some say only that they have asked everything, and read on: they get their answer if nobody
// minds.
void Session::leave() {
    left_ = true;
    if (gone_) close();
}

void Session::close() {
    forget_body();
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
    look_.cancel();
    late_.cancel();
    ++number_;
    stage_ = Stage::kReading;
    spare_since_us_.reset();
    unsent_.clear();
    if (gone_) std::exchange(gone_, {})();
}

template <typename Body>
void Session::set_head(wire::response<Body>& head, const Response& from) {
    // Where others wait for a place, whoever was answered queues again.
    keep_alive_ = keep_alive_ && !server_->full();
    head = {};
    head.version(11);
    head.result(from.status);
    head.set(wire::field::content_type, from.content_type);
    head.set(wire::field::cache_control, "no-store");
    head.set("X-Content-Type-Options", "nosniff");
    head.set("Content-Security-Policy", from.content_security_policy);
    head.set("Referrer-Policy", "no-referrer");
    if (from.retry_after_s != 0)
        head.set(wire::field::retry_after, std::to_string(from.retry_after_s));
    head.keep_alive(keep_alive_);
}

void Session::answer(Response from) {
    if (server_->stopping) return;
    stage_ = Stage::kWriting;
    set_head(response_, from);
    response_.body() = std::move(from.body);
    response_.prepare_payload();
    if (is_head()) response_.body().clear();  // of which the head says how long it is
    answer_writer_.emplace(response_);
    patience_.begin();
    spare_since_us_ = server_->clock.monotonic_us() + kSlowReader_us;
    write_answer();
}

void Session::write_answer() {
    stream_.expires_after(patience_.left());
    wire::async_write_some(
        stream_, *answer_writer_,
        [self = shared_from_this()](beast::error_code failure, std::size_t count) {
            self->patience_.moved(count);
            if (failure || self->answer_writer_->is_done()) return self->finish(failure);
            self->write_answer();
        });
}

void Session::begin(const Response& head) {
    stage_ = Stage::kStreaming;
    keep_alive_ = keep_alive_ && chunks_;
    set_head(head_, head);
    head_.chunked(chunks_);
    head_writer_.emplace(head_);
    under_way_ = true;
    patience_.begin();
    stream_.expires_after(patience_.left());
    wire::async_write_header(stream_, *head_writer_,
                             [self = shared_from_this()](beast::error_code failure, std::size_t) {
                                 self->on_piece_written(failure);
                             });
}

void Session::write(std::string piece) {
    if (is_head()) return;
    if (unsent_.size() + sending_.size() + piece.size() > Reply::kMaxUnsentBytes) return close();
    unsent_ += piece;
    pump();
}

void Session::end() {
    ended_ = true;
    pump();
}

void Session::pump() {
    if (under_way_) return;
    if (unsent_.empty() && !ended_) return;
    sending_ = std::exchange(unsent_, {});
    const bool last = sending_.empty();
    if (last && (!chunks_ || is_head())) return finish({});
    under_way_ = true;
    if (last) stage_ = Stage::kWriting;
    patience_.begin();
    stream_.expires_after(patience_.left());
    const auto done = [self = shared_from_this(), last](beast::error_code failure, std::size_t) {
        if (!last) return self->on_piece_written(failure);
        self->under_way_ = false;
        self->finish(failure);
    };
    const auto piece = asio::buffer(sending_);
    if (last)
        asio::async_write(stream_, wire::make_chunk_last(), done);
    else if (chunks_)
        asio::async_write(stream_, wire::make_chunk(piece), done);
    else
        asio::async_write(stream_, piece, done);
}

void Session::on_piece_written(beast::error_code failure) {
    under_way_ = false;
    sending_.clear();
    if (stage_ != Stage::kStreaming) return;  // closed meanwhile
    if (failure) return close();
    stream_.expires_never();
    pump();
}

void Session::finish(beast::error_code failure) {
    gone_ = {};  // the answer is complete
    if (!failure && std::exchange(unread_, false)) {
        stream_.socket().shutdown(tcp::socket::shutdown_send, failure);
        stream_.expires_after(kDrainPatience);
        spare_since_us_ = server_->clock.monotonic_us();
        return drain();
    }
    if (failure || !keep_alive_) return close();
    stream_.socket().cancel(failure);  // the watch
    look_.cancel();
    read();
}

void Session::drain() {
    buffer_.clear();
    stream_.async_read_some(
        buffer_.prepare(kMaxRequestHeaderBytes),
        [self = shared_from_this()](beast::error_code failure, std::size_t count) {
            self->drained_ += count;
            if (failure || self->drained_ > kMaxDrainedBytes) return self->close();
            self->drain();
        });
}

}  // namespace cairn::http
