// How a question (client.h) comes to a connected socket: whoever is called by a name may stand at
// several addresses, of which some do not answer ("localhost" is ::1 and 127.0.0.1 in most systems,
// and a server is at one of them).
#pragma once

#include <netdb.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "base/result.h"
#include "http/client.h"
#include "http/patience.h"

namespace cairn::http {

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

/// What errno says of `what`: kRefused where nobody listens, else kIo.
Error socket_error(const std::string& what);

/// Until `event` (poll's) is there. kTimeout after `patience`, or kCancelled by the question;
/// errors name `what`.
Status wait_for(const Socket& socket, short event, const Question& question,
                const Patience& patience, const std::string& what);

/// The first of the addresses, in their order, that takes the connection. If none does, the error
/// is kRefused where one said so, else the last one's.
Result<Socket> connect_first(const addrinfo* addresses, const Question& question);

/// The same for all addresses of the question's name. kNotFound if it has none.
Result<Socket> connect_to(const Question& question);

}  // namespace cairn::http
