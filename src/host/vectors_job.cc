#include "host/vectors_job.h"

namespace cairn::host {

std::size_t bytes_of(const VectorsRequest& request) {
    std::size_t bytes = 0;
    for (const auto& text : request.texts) {
        const auto* tokens = std::get_if<text::Tokens>(&text);
        bytes += tokens != nullptr ? tokens->size() * sizeof(std::uint32_t)
                                   : std::get<std::string>(text).size();
    }
    return bytes;
}

void VectorsJob::succeed(const std::string& model) {
    if (std::exchange(over_, true)) return;
    vectors_.model = model;
    for (const text::Tokens& text : texts_) vectors_.tokens += text.size();
    counters_.vector_tokens += vectors_.tokens;
    ++counters_.vectors[static_cast<std::size_t>(Outcome::kDone)];
    done_(std::move(vectors_));
}

void VectorsJob::fail(const HostError& error) {
    if (std::exchange(over_, true)) return;
    ++counters_.vectors[static_cast<std::size_t>(Outcome::kFailed)];
    done_(error);
}

void VectorsJob::cancel() {
    if (std::exchange(over_, true)) return;
    ++counters_.vectors[static_cast<std::size_t>(Outcome::kCancelled)];
}

}  // namespace cairn::host
