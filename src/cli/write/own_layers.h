// What a text begins with, and the layers on this machine that go on from there: those of a
// language model, or of an encoder-decoder, whose encoder reads the prompt first.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/local_model.h"
#include "cli/write/sampling_options.h"
#include "infer/generate.h"
#include "model/encoder_decoder.h"

namespace cairn::cli {

/// The first tokens of the model's own text: the prompt, or those that an encoder-decoder's texts
/// all begin with.
text::Tokens first_tokens(const LocalModel& local, const std::string& prompt);
/// Of these, what is shown before the text that is written.
text::Tokens shown_tokens(const LocalModel& local, const std::string& prompt);

/// Of an encoder-decoder: the tokens of the prompt that its encoder reads. kInvalid for too many.
Result<text::Tokens> source_tokens(const LocalModel& local, const std::string& prompt);
/// Of an encoder-decoder: the states that its encoder makes of the prompt, [n, dim], of the type
/// (N53). kInvalid for a prompt that is too long for it. Of other models nothing.
Result<std::vector<float>> source_states(const LocalModel& local, const tensor::Compute& compute,
                                         const std::string& prompt, tensor::StateType states);

/// The layers with the memory of one sequence.
class OwnLayers final : public infer::LayerStack {
  public:
    /// `local` and `compute` must outlive it. kInvalid for a prompt that is too long for the
    /// model's encoder; kUnsupported for a type of cache that cross attention does not know.
    static Result<std::unique_ptr<OwnLayers>> create(const LocalModel& local,
                                                     const tensor::Compute& compute,
                                                     const std::string& prompt,
                                                     std::size_t positions,
                                                     const SamplingOptions& sampling);
    Status forward(std::span<float> hidden) override { return layers_->forward(hidden); }
    Status truncate(std::size_t length) override { return layers_->truncate(length); }

  private:
    OwnLayers(const LocalModel& local, const tensor::Compute& compute, std::size_t positions,
              const SamplingOptions& sampling);
    Status read(const LocalModel& local, const tensor::Compute& compute, const std::string& prompt,
                const SamplingOptions& sampling);

    model::Transformer transformer_;
    model::KvCache cache_;
    std::optional<model::KvCache> source_;  // what the encoder has read
    std::optional<infer::LocalLayers> layers_;
};

}  // namespace cairn::cli
