// The paths of the API.
#pragma once

#include <string>
#include <string_view>

namespace cairn::openai {

inline constexpr std::string_view kModelsPath = "/v1/models";
inline constexpr std::string_view kChatPath = "/v1/chat/completions";
inline constexpr std::string_view kCompletionsPath = "/v1/completions";
inline constexpr std::string_view kEmbeddingsPath = "/v1/embeddings";
inline constexpr std::string_view kResponsesPath = "/v1/responses";
inline constexpr std::string_view kHealthPath = "/healthz";
inline constexpr std::string_view kMetricsPath = "/metrics";

/// The path by which requests are counted: askers may name any number of others.
inline std::string counted_path(std::string_view path) {
    for (const std::string_view known : {kModelsPath, kChatPath, kCompletionsPath, kEmbeddingsPath,
                                         kResponsesPath, kHealthPath, kMetricsPath})
        if (path == known) return std::string(known);
    return path.starts_with(kModelsPath) ? std::string(kModelsPath) : "other";
}

}  // namespace cairn::openai
