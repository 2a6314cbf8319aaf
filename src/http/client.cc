#include "http/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "http/answer_reader.h"
#include "http/connect.h"

namespace cairn::http {

namespace {

Status send_all(const Socket& socket, const Question& question, const std::string& text) {
    const std::string what = "cannot send to the " + question.who;
    std::size_t done = 0;
    Patience patience(question.timeout_ms);
    while (done < text.size()) {
        RETURN_IF_ERROR(wait_for(socket, POLLOUT, question, patience, what));
        const ssize_t sent =
            ::send(socket.fd, text.data() + done, text.size() - done, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (sent <= 0) return socket_error(what);
        done += static_cast<std::size_t>(sent);
        patience.moved(static_cast<std::size_t>(sent));
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
    Patience patience(question.timeout_ms);
    std::size_t parts = 0;
    char part[16384];
    // Until the server closes the connection: the request asks it to do so after its answer.
    while (!reader.done()) {
        RETURN_IF_ERROR(wait_for(socket, POLLIN, question, patience, what));
        const ssize_t got = ::recv(socket.fd, part, sizeof part, 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return socket_error(what);
        if (got == 0) break;
        if (!reader.take({part, static_cast<std::size_t>(got)}))
            return Error{ErrorCode::kFull, "the " + question.who + "'s answer is too long"};
        if (std::exchange(parts, reader.parts()) != reader.parts()) patience.begin();
        patience.moved(static_cast<std::size_t>(got));
    }
    return reader.finish();
}

}  // namespace cairn::http
