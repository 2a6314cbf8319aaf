#include "http/client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <system_error>

#include "http/answer_reader.h"
#include "net/address.h"

namespace cairn::http {

namespace {

constexpr int kLookMs = 100;  // how often a waiting question looks whether it is still wanted

struct Socket {
    int fd = -1;
    Socket() = default;
    explicit Socket(int descriptor) : fd(descriptor) {}
    Socket(Socket&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket() {
        if (fd >= 0) ::close(fd);
    }
};

Error failure(const std::string& what) {
    const int code = errno;
    return Error{code == ECONNREFUSED ? ErrorCode::kRefused : ErrorCode::kIo,
                 what + ": " + std::generic_category().message(code)};
}

Status wait_for(const Socket& socket, short event, const Question& question,
                const std::string& what) {
    for (std::uint64_t waited_ms = 0; waited_ms < question.timeout_ms;) {
        if (question.cancelled && question.cancelled())
            return Error{ErrorCode::kCancelled, "the question was taken back"};
        pollfd look{socket.fd, event, 0};
        const auto left =
            static_cast<int>(std::min<std::uint64_t>(kLookMs, question.timeout_ms - waited_ms));
        const int ready = ::poll(&look, 1, left);
        if (ready > 0) return ok_status();
        if (ready < 0 && errno != EINTR) return failure(what);
        if (ready == 0) waited_ms += static_cast<std::uint64_t>(left);
    }
    return Error{ErrorCode::kTimeout, what + ": no answer in time"};
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
    Socket socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.fd < 0) return failure("cannot open a socket");
    const std::string what = "no " + question.who + " answers at " + question.address;
    if (::connect(socket.fd, found->ai_addr, found->ai_addrlen) == 0) return socket;
    if (errno != EINPROGRESS) return failure(what);
    RETURN_IF_ERROR(wait_for(socket, POLLOUT, question, what));
    socklen_t size = sizeof errno;
    int problem = 0;
    ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &problem, &size);
    errno = problem;
    if (problem != 0) return failure(what);
    return socket;
}

Status send_all(const Socket& socket, const Question& question, const std::string& text) {
    const std::string what = "cannot send to the " + question.who;
    std::size_t done = 0;
    while (done < text.size()) {
        RETURN_IF_ERROR(wait_for(socket, POLLOUT, question, what));
        const ssize_t sent =
            ::send(socket.fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (sent <= 0) return failure(what);
        done += static_cast<std::size_t>(sent);
    }
    return ok_status();
}

std::string text_of(const Question& question) {
    std::string text = (question.json.empty() ? "GET " : "POST ") + question.path +
                       " HTTP/1.1\r\nHost: " + question.address + "\r\nConnection: close\r\n";
    if (!question.token.empty()) text += "Authorization: Bearer " + question.token + "\r\n";
    if (!question.json.empty())
        text += "Content-Type: application/json\r\nContent-Length: " +
                std::to_string(question.json.size()) + "\r\n";
    return text + "\r\n" + question.json;
}

}  // namespace

Result<Answer> ask(const Question& question) {
    ASSIGN_OR_RETURN(const Socket socket, connect_to(question));
    RETURN_IF_ERROR(send_all(socket, question, text_of(question)));
    const std::string what = "the " + question.who + " does not answer";
    AnswerReader reader(question.piece);
    char part[16384];
    // Until the server closes the connection: the request asks it to do so after its answer.
    while (!reader.done()) {
        RETURN_IF_ERROR(wait_for(socket, POLLIN, question, what));
        const ssize_t got = ::recv(socket.fd, part, sizeof part, 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return failure(what);
        if (got == 0) break;
        if (!reader.take({part, static_cast<std::size_t>(got)}))
            return Error{ErrorCode::kFull, "the " + question.who + "'s answer is too long"};
    }
    return reader.finish();
}

}  // namespace cairn::http
