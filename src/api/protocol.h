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
inline constexpr const char* kProofPath = "/v1/cairn/proof";
inline constexpr const char* kTracePath = "/v1/cairn/trace";
inline constexpr const char* kSamplesPath = "/v1/cairn/samples";
inline constexpr const char* kPooledPath = "/v1/cairn/pooled";
inline constexpr const char* kPaymentsPath = "/v1/cairn/payments";
inline constexpr const char* kGeneratePath = "/v1/cairn/generate";
inline constexpr const char* kExportPath = "/v1/cairn/export";

inline constexpr std::size_t kMaxBlocksPerAnswer = 500;
inline constexpr std::size_t kMaxRecordsPerAnswer = 1000;
/// Of a proof in one answer: 24 MB of hexadecimal digits.
inline constexpr std::size_t kMaxHeadersPerAnswer = 100'000;
inline constexpr std::size_t kMaxTracedPerAnswer = 1000;
/// Blocks that are read for a trace, in bytes, and for a commitment that no index knows.
inline constexpr std::uint64_t kMaxTraceBytes = std::uint64_t{256} << 20;
inline constexpr std::uint32_t kMaxSearchedBlocks = 100;
inline constexpr std::uint32_t kMaxGeneratedTokens = 2048;

}  // namespace cairn::api
