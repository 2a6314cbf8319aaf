#include "http/connect.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "net/address.h"

namespace cairn::http {

namespace {

constexpr int kLookMs = 100;  // how often a waiting question looks whether it is still wanted

Result<Socket> connect_one(const addrinfo& address, const Question& question) {
    Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.fd < 0) return socket_error("cannot open a socket");
    const std::string what = "no " + question.who + " answers at " + question.address;
    if (::connect(socket.fd, address.ai_addr, address.ai_addrlen) == 0) return socket;
    if (errno != EINPROGRESS) return socket_error(what);
    RETURN_IF_ERROR(wait_for(socket, POLLOUT, question, Patience(question.timeout_ms), what));
    socklen_t size = sizeof errno;
    int problem = 0;
    ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    errno = problem;
    if (problem != 0) return socket_error(what);
    return socket;
}

}  // namespace

Error socket_error(const std::string& what) {
    const int code = errno;
    return Error{code == ECONNREFUSED ? ErrorCode::kRefused : ErrorCode::kIo,
                 what + ": " + std::generic_category().message(code)};
}

Status wait_for(const Socket& socket, short event, const Question& question,
                const Patience& patience, const std::string& what) {
    using std::chrono::milliseconds;
    auto left = std::chrono::ceil<milliseconds>(patience.left());
    while (left.count() > 0) {
        if (question.cancelled && question.cancelled())
            return Error{ErrorCode::kCancelled, "the question was taken back"};
        pollfd look{socket.fd, event, 0};
        const auto pause = std::min(left, milliseconds(kLookMs));
        const int ready = ::poll(&look, 1, static_cast<int>(pause.count()));
        if (ready > 0) return ok_status();
        if (ready < 0 && errno != EINTR) return socket_error(what);
        if (ready == 0) left -= pause;
    }
    return Error{ErrorCode::kTimeout, what + ": no answer in time"};
}

Result<Socket> connect_first(const addrinfo* addresses, const Question& question) {
    Error problem = not_found("cannot find the address " + question.address);
    for (const addrinfo* at = addresses; at != nullptr; at = at->ai_next) {
        Result<Socket> socket = connect_one(*at, question);
        if (socket.ok() || socket.error().code == ErrorCode::kCancelled) return socket;
        if (problem.code != ErrorCode::kRefused) problem = socket.error();
    }
    return problem;
}

Result<Socket> connect_to(const Question& question) {
    ASSIGN_OR_RETURN(const net::Address parsed, net::parse_address(question.address));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(parsed.port);
    if (::getaddrinfo(parsed.host.c_str(), port.c_str(), &hints, &found) != 0)
        return not_found("cannot find the address " + question.address);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, ::freeaddrinfo);
    return connect_first(found, question);
}

}  // namespace cairn::http
