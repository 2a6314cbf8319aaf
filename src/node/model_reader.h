// What a node shows of its model and no rule reads: published losses, samples, files. weights() is
// called on the chain lane, right where the model stands; everything else works on such a copy,
// from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::node {

using WeightsPtr = std::shared_ptr<const std::vector<float>>;

class ModelReader {
  public:
    virtual ~ModelReader() = default;
    virtual WeightsPtr weights() const = 0;
    /// Nats per token on the report text.
    virtual Result<double> report_loss(const std::vector<float>& weights) = 0;
    virtual Result<std::string> generate(const std::vector<float>& weights,
                                         const std::string& prompt, std::uint32_t max_tokens,
                                         std::uint64_t seed) = 0;
    /// A checkpoint with its tokenizer, as one file.
    virtual Status export_model(const std::vector<float>& weights, const std::string& path) = 0;
};

}  // namespace cairn::node
