#include "api/client.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>

#include "net/address.h"

namespace cairn::api {

namespace {

/// A node that says that it is busy is asked again: so often in all, after this pause.
constexpr int kMaxTries = 5;
constexpr auto kBusyPause = std::chrono::milliseconds(1000);

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
    const ErrorCode kind = code == ECONNREFUSED                    ? ErrorCode::kRefused
                           : code == EAGAIN || code == EWOULDBLOCK ? ErrorCode::kTimeout
                                                                   : ErrorCode::kIo;
    return Error{kind, what + ": " +
                           (kind == ErrorCode::kTimeout ? std::string("no answer in time")
                                                        : std::generic_category().message(code))};
}

Result<Socket> connect_to(const std::string& address, std::uint64_t timeout_ms) {
    ASSIGN_OR_RETURN(const net::Address parsed, net::parse_address(address));
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(parsed.port);
    if (::getaddrinfo(parsed.host.c_str(), port.c_str(), &hints, &found) != 0)
        return not_found("cannot find the address " + address);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, ::freeaddrinfo);
    Socket socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.fd < 0) return failure("cannot open a socket");
    timeval limit{};
    limit.tv_sec = static_cast<time_t>(timeout_ms / 1000);
    limit.tv_usec = static_cast<suseconds_t>(timeout_ms % 1000 * 1000);
    ::setsockopt(socket.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.fd, found->ai_addr, found->ai_addrlen) != 0)
        return failure("no node answers at " + address);
    return socket;
}

Status send_all(const Socket& socket, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t sent =
            ::send(socket.fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return failure("cannot send to the node");
        done += static_cast<std::size_t>(sent);
    }
    return ok_status();
}

// Until the server closes the connection: the request asks it to do so after its answer.
Result<std::string> receive_all(const Socket& socket) {
    std::string all;
    char part[16384];
    for (;;) {
        const ssize_t got = ::recv(socket.fd, part, sizeof part, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure("the node does not answer");
        if (got == 0) return all;
        all.append(part, static_cast<std::size_t>(got));
        if (all.size() > Client::kMaxAnswerBytes)
            return Error{ErrorCode::kFull, "the node's answer is too long"};
    }
}

struct ReceivedResponse {
    unsigned status = 0;
    bool try_again = false;  // the node is busy and says when it will not be
    std::string body;
};

// What follows `field` and a colon, the field being lower-case, in a head of any letter case.
std::optional<std::string> field_of(std::string_view head, const std::string& field) {
    std::string lower(head);
    for (char& letter : lower)
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    const std::string name = "\r\n" + field + ":";
    std::size_t at = lower.find(name);
    if (at == std::string::npos) return std::nullopt;
    at = lower.find_first_not_of(' ', at + name.size());
    return at == std::string::npos ? "" : lower.substr(at, lower.find("\r\n", at) - at);
}

std::optional<std::size_t> content_length(std::string_view head) {
    const auto text = field_of(head, "content-length");
    if (!text) return std::nullopt;
    std::size_t length = 0;
    const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), length);
    return problem == std::errc{} ? std::optional(length) : std::nullopt;
}

// Whether this is an HTTP answer that states its length, as a node's always does.
bool speaks_http(const std::string& all) {
    const std::size_t end = all.find("\r\n\r\n");
    return all.starts_with("HTTP/1.1 ") && end != std::string::npos && end >= 12 &&
           content_length(std::string_view(all).substr(0, end));
}

Result<ReceivedResponse> parse_response(const std::string& all) {
    const std::size_t end = all.find("\r\n\r\n");
    ReceivedResponse response;
    std::from_chars(all.data() + 9, all.data() + 12, response.status);
    response.body = all.substr(end + 4);
    const std::string_view head = std::string_view(all).substr(0, end);
    response.try_again = response.status == 503 && field_of(head, "retry-after").has_value();
    const auto length = content_length(head);
    if (*length != response.body.size()) return io_error("the node's answer is cut short");
    return response;
}

// The error in a refusal. Every refusal of a node has one: nullopt means that this is not a node's.
std::optional<Error> error_of(const ReceivedResponse& response) {
    const auto json = nlohmann::json::parse(response.body, nullptr, false);
    if (!json.is_object() || !json.contains("error") || !json["error"].is_string())
        return std::nullopt;
    const ErrorCode code = response.status == 404   ? ErrorCode::kNotFound
                           : response.status == 501 ? ErrorCode::kUnsupported
                           : response.status < 500  ? ErrorCode::kInvalid
                                                    : ErrorCode::kIo;
    return Error{code, json["error"].get<std::string>()};
}

}  // namespace

Result<Client> Client::of_directory(const std::string& directory, std::uint64_t timeout_ms) {
    ASSIGN_OR_RETURN(ApiFile file, read_api_file(directory));
    return Client(std::move(file), timeout_ms);
}

Error Client::no_node() const {
    return io_error("what answers at " + file_.address +
                    " is no node of this version; if none runs, remove the api.json that one left "
                    "behind in its data directory");
}

Result<std::string> Client::get(const std::string& path) const {
    return ask("GET " + path + " HTTP/1.1\r\nHost: " + file_.address +
               "\r\nConnection: close\r\n\r\n");
}

Result<std::string> Client::post(const std::string& path, const std::string& json) const {
    return ask("POST " + path + " HTTP/1.1\r\nHost: " + file_.address +
               "\r\nConnection: close\r\nAuthorization: Bearer " + file_.token +
               "\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(json.size()) + "\r\n\r\n" + json);
}

Result<std::string> Client::ask(const std::string& request) const {
    for (int tries = 1;; ++tries) {
        ASSIGN_OR_RETURN(const Socket socket, connect_to(file_.address, timeout_ms_));
        RETURN_IF_ERROR(send_all(socket, request));
        ASSIGN_OR_RETURN(const std::string all, receive_all(socket));
        if (!speaks_http(all)) return no_node();
        ASSIGN_OR_RETURN(ReceivedResponse response, parse_response(all));
        if (response.status == 200) return std::move(response.body);
        if (!response.try_again || tries == kMaxTries)
            return error_of(response).value_or(no_node());
        std::this_thread::sleep_for(kBusyPause);
    }
}

}  // namespace cairn::api
