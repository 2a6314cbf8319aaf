// Session: one connection of the server. Reads a request, waits for the answer, writes it, and so
// on. Everything but reply()'s result is used on the server's thread alone. While an answer is
// awaited the socket is watched, so that work for somebody who left can end.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "http/http_server.h"
#include "http/patience.h"

namespace cairn::http {

class Session;

/// Of a name's addresses, of which there is one at least, that to listen at: the first of IPv4,
/// since whoever says "localhost" and knows of no IPv6 comes there, and the others try both.
boost::asio::ip::tcp::endpoint listening_point(
    const std::vector<boost::asio::ip::tcp::endpoint>& found);

// Shared by the server, its sessions, and the answers that are still to come.
struct HttpServer::Impl {
    boost::asio::io_context context{1};
    boost::asio::ip::tcp::acceptor acceptor{context};
    boost::asio::steady_timer accept_pause{context};
    bool accept_fails = false;  // and the log has said so
    HttpServerOptions options;
    std::list<std::weak_ptr<Session>> sessions;
    std::list<std::weak_ptr<boost::asio::steady_timer>> timers;
    std::thread thread;
    std::atomic<bool> stopping = false;
    std::size_t max_connections = kMaxConnections;
    std::atomic<std::size_t> open = 0;
    std::uint64_t next_connection = 1;
    const SystemClock clock{};

    std::size_t promised = 0;  // bytes of all bodies that are being received

    /// Drops other bodies until all that are being received have room.
    void bound_bodies(const Session& newest);
    bool full() const { return sessions.size() >= max_connections; }
    /// Whether there is a place, once a connection has made room if need be.
    bool find_place();
};

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(const std::shared_ptr<HttpServer::Impl>& server, boost::asio::ip::tcp::socket socket);
    ~Session();

    void read();
    /// From when on it may make room for others: there is no request, or it has been refused, or
    /// its asker is slow to take the answer. Nothing while an answer is made.
    std::optional<std::uint64_t> spare_since_us() const { return spare_since_us_; }
    /// Bytes of the body that is being received, unless it is short.
    std::size_t promised() const { return promised_; }
    void close();

  private:
    class SessionReply;

    void on_head(boost::beast::error_code failure);
    void on_read(boost::beast::error_code failure);
    bool refused(boost::beast::error_code failure);
    /// Whether no body of an answer is asked for.
    bool is_head() const;
    void promise_body();
    void forget_body();
    void read_body();
    void on_body_part(boost::beast::error_code failure);
    void refuse(Response response);
    void drain();
    void watch();
    void on_readable(boost::beast::error_code failure);
    void on_look(boost::beast::error_code failure);
    void leave();
    void answer(Response response);
    void write_answer();
    void begin(const Response& head);
    void write(std::string piece);
    void end();
    void pump();
    void on_piece_written(boost::beast::error_code failure);
    void finish(boost::beast::error_code failure);
    template <typename Body>
    void set_head(boost::beast::http::response<Body>& head, const Response& from);

    std::shared_ptr<HttpServer::Impl> server_;  // destroyed last: the stream needs its context
    boost::beast::tcp_stream stream_;
    boost::asio::steady_timer look_;  ///< at the socket, while it is not read
    boost::asio::steady_timer late_;  ///< for the next part of a body
    Patience patience_;     ///< with the request's head or body, its answer or a piece of that
    bool in_body_ = false;  ///< of a request that is being read
    std::string client_;
    boost::beast::flat_buffer buffer_;
    std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
    std::optional<std::uint64_t> spare_since_us_;
    Request request_;  ///< being read
    bool keep_alive_ = false;
    std::size_t promised_ = 0;
    bool unread_ = false;      ///< the asker may still be sending what nobody reads
    std::size_t drained_ = 0;  ///< of it, thrown away
    bool chunks_ = false;      ///< the asker's HTTP has them

    std::uint64_t number_ = 0;  ///< of the request; replies of earlier ones are too late
    /// kReading: no answer is due; also once the connection is closed.
    enum class Stage { kReading, kAwaited, kStreaming, kWriting };
    Stage stage_ = Stage::kReading;
    bool watching_ = false;
    bool left_ = false;  ///< the asker says no more; perhaps before anybody minds
    std::function<void()> gone_;

    boost::beast::http::response<boost::beast::http::string_body> response_;
    std::optional<boost::beast::http::response_serializer<boost::beast::http::string_body>>
        answer_writer_;
    boost::beast::http::response<boost::beast::http::empty_body> head_;
    std::optional<boost::beast::http::response_serializer<boost::beast::http::empty_body>>
        head_writer_;
    std::string unsent_;   ///< pieces that wait
    std::string sending_;  ///< the one under way
    bool under_way_ = false;
    bool ended_ = false;
};

}  // namespace cairn::http
