#include "host/vectors_job.h"

namespace cairn::host {

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

}  // namespace cairn::host
