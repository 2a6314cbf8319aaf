// Requests and answers as plain values, so that the code behind each path needs no socket.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::http {

struct Request {
    std::string method;  ///< "GET", also of a HEAD, whose answer goes without its body; "POST"
    std::string path;    ///< decoded, without the query
    std::map<std::string, std::string> query;
    std::string host;        ///< of the Host field, without the port; empty: none, or malformed
    std::string authority;   ///< the Host field as it came
    std::string origin;      ///< the site of the page that asks; empty: no browser, or a plain GET
    std::string fetch_site;  ///< what a browser says of that page: "cross-site", "none", ...
    bool is_for_a_window = false;  ///< it also says that somebody follows a link, or typed it
    std::string content_type;
    std::string authorization;
    std::string body;
    std::string client;  ///< who asks (client_name.h), or one connection of this machine
};

struct Response {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body{};
    unsigned retry_after_s = 0;  ///< with 429 or 503: when to ask again; 0 says nothing
    /// What a browser may load for it. Only a page needs more than nothing.
    std::string content_security_policy = "default-src 'none'; frame-ancestors 'none'";
};

using Respond = std::function<void(Response)>;

/// The way back to whoever asked. Every function may be called from any thread; after the
/// connection or the server has gone they do nothing. If the last owner drops it without an answer,
/// the connection is closed.
class Reply {
  public:
    /// Bytes that may wait for a reader of an answer in pieces. One who reads more slowly than the
    /// answer is made is cut off there.
    static constexpr std::size_t kMaxUnsentBytes = std::size_t{256} << 10;

    virtual ~Reply() = default;
    /// The whole answer; once.
    virtual void send(Response response) = 0;
    /// Instead: the head of an answer whose body comes by write() until end(). Its own body is not
    /// sent.
    virtual void begin(Response head) = 0;
    virtual void write(std::string piece) = 0;
    virtual void end() = 0;
    /// Calls `gone` on the server's thread if the connection ends before the answer does: the asker
    /// left or did not read, or the server stops. One callback; it must not block.
    virtual void on_gone(std::function<void()> gone) = 0;
};

/// Splits "/a%20b?x=1&y=2" into path and query. kInvalid for bad escapes, or a name given twice.
Status parse_target(std::string_view target, Request& request);

}  // namespace cairn::http
