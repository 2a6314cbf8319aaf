// A small HTTP client for servers of this program: one request on a connection, blocking, with a
// time limit for each wait. The body comes in one piece or, for answers that are made while they
// are sent, as it comes.
//
//   ASSIGN_OR_RETURN(const Answer answer, ask({.address = "127.0.0.1:8421", .path = "/healthz"}));
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::http {

inline constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 20;

struct Question {
    std::string address;  ///< "127.0.0.1:8420"
    std::string path = "/";
    std::string json{};   ///< posted; empty: a GET
    std::string token{};  ///< sent as a bearer token where it is not empty
    /// Without a byte; and in which the head of the answer must come, its body if it comes whole,
    /// and each chunk of one that comes in pieces, with a second more for each 32 KiB (patience.h).
    std::uint64_t timeout_ms = 10'000;
    std::string who = "server";  ///< what errors call the other side
    /// Gets the body of a 200 answer as it comes, and the answer's own body stays empty.
    std::function<void(std::string_view piece)> piece{};
    /// Asked ten times a second while nothing comes; true ends the question with kCancelled.
    std::function<bool()> cancelled{};
};

struct Answer {
    unsigned status = 0;  ///< 0: what came is not HTTP
    std::string head;
    std::string body;
    bool complete = false;  ///< as long as its head or its last chunk says

    /// A field of the head, by its name in lower case.
    std::optional<std::string> field(const std::string& name) const;
};

/// kTimeout when nothing comes, kRefused when nobody listens, kIo otherwise.
Result<Answer> ask(const Question& question);

}  // namespace cairn::http
