// A small HTTP client for a node's API on this machine: paths and bodies as text (remote_node.h
// asks typed questions through it). One request per connection, blocking, with a time limit. Errors
// that the node names come back as its sentence.
//
//   ASSIGN_OR_RETURN(const Client client, Client::of_directory("~/.cairn"));
//   ASSIGN_OR_RETURN(std::string json, client.get("/v1/cairn/status"));
#pragma once

#include <cstdint>
#include <string>

#include "api/api_file.h"

namespace cairn::api {

class Client {
  public:
    static constexpr std::uint64_t kDefaultTimeoutMs = 10'000;

    explicit Client(ApiFile file, std::uint64_t timeout_ms = kDefaultTimeoutMs)
        : file_(std::move(file)), timeout_ms_(timeout_ms) {}
    /// The node that runs on a data directory, by its api.json. kNotFound when none does.
    static Result<Client> of_directory(const std::string& directory,
                                       std::uint64_t timeout_ms = kDefaultTimeoutMs);

    /// The body of a 200 answer. kNotFound for 404, kInvalid for other 4xx, kUnsupported for 501,
    /// kTimeout when no answer comes, kRefused when nobody listens, kIo otherwise. Where a node
    /// refuses, the message is its own sentence.
    Result<std::string> get(const std::string& path) const;
    /// Sends JSON, which must not be empty; answers as get().
    Result<std::string> post(const std::string& path, const std::string& json) const;

    const std::string& address() const { return file_.address; }
    /// The error for an answer that is not a node's: any program may listen on the port that an
    /// api.json names which a killed node left behind.
    Error no_node() const;

  private:
    Result<std::string> ask(const std::string& path, const std::string& json) const;

    ApiFile file_;
    std::uint64_t timeout_ms_;
};

}  // namespace cairn::api
