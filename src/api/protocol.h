// What both ends of the API agree on (API.md): the server's routes.cc and the client's
// remote_node.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::api {

inline constexpr const char* kStatusPath = "/v1/cairn/status";
inline constexpr const char* kServersPath = "/v1/cairn/servers";
inline constexpr const char* kBlocksPath = "/v1/cairn/blocks";
inline constexpr const char* kExplainPath = "/v1/cairn/explain";
inline constexpr const char* kCoinsPath = "/v1/cairn/coins";
inline constexpr const char* kSamplesPath = "/v1/cairn/samples";
inline constexpr const char* kPooledPath = "/v1/cairn/pooled";
inline constexpr const char* kPaymentsPath = "/v1/cairn/payments";
inline constexpr const char* kGeneratePath = "/v1/cairn/generate";
inline constexpr const char* kExportPath = "/v1/cairn/export";

inline constexpr std::size_t kMaxBlocksPerAnswer = 500;
inline constexpr std::size_t kMaxRecordsPerAnswer = 1000;
inline constexpr std::uint32_t kMaxGeneratedTokens = 2048;

}  // namespace cairn::api
