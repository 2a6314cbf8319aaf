// What an auditor's sessions say (S49, S61): texts as clients have them, since a server that can
// tell an auditor by his text is honest to him alone. They begin as all texts of the model begin,
// a prompt is taken from a text of the owner's or written by the model at random, and what stands
// behind it is written by the model, as it would write for whoever asks; now and then there is a
// second prompt behind that.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "model/kv_cache.h"
#include "model/transformer.h"
#include "serve/kept_session.h"
#include "serve/model_snapshot.h"
#include "tensor/compute.h"
#include "text/tokenizer.h"

namespace cairn::serve {

/// Where texts of a model begin and end.
struct TextBounds {
    std::uint32_t begin = 0;  ///< the token behind which the model saw them begin
    bool is_put = true;       ///< whoever writes puts it before his prompt
    std::uint32_t end = 0;    ///< what is written ends there
};
/// By the tokenizer of the model.
TextBounds text_bounds(const text::Tokenizer& tokenizer);

struct AuditText {
    std::vector<std::uint32_t> tokens;
    std::vector<TextTurn> turns;  ///< of all tokens
    std::vector<float> source;    ///< what a decoder with cross attention attends to, [n, dim]
    double step_us = 0;           ///< that one token of it took here
};

struct AuditTextLimits {
    std::uint32_t max_prompt = 64;     ///< rows of a text, and
    std::uint32_t max_steps = 16;      ///< so many more
    std::uint64_t write_ms = 300'000;  ///< a text that is not written then ends there
};

/// What is there, if it is within the limits, and nothing is left there; else an empty text.
AuditText take_spare(AuditText* spare, const AuditTextLimits& limits);

class AuditTexts {
  public:
    /// `bounds` may not be known: then a text begins with any token, and has no end. References
    /// must outlive it.
    AuditTexts(const ModelSnapshot& model, const tensor::Compute& compute, Random& random,
               const Clock& clock, const std::optional<TextBounds>& bounds,
               const AuditTextLimits& limits);

    /// With a prompt out of `text`, or where that is empty one that the model writes. kInvalid for
    /// a text of one token; kUnsupported for a decoder with cross attention whose encoder is not
    /// here.
    Result<AuditText> draw(std::span<const std::uint32_t> text);

  private:
    Result<std::vector<float>> encoded(std::span<const std::uint32_t> tokens);
    /// An encoder's states of a text of its own for a decoder with cross attention; else nothing.
    Result<std::vector<float>> draw_source(std::span<const std::uint32_t> text);
    Result<AuditText> draw_for_source(std::vector<float> source);
    /// Puts so many rows of a prompt behind what is there.
    Status add_prompt(AuditText& made, std::span<const std::uint32_t> text, std::size_t rows);
    /// The same of rows that the model writes; fewer if they take too long.
    Status add_written(AuditText& made, std::size_t rows, float temperature);
    std::size_t most_rows(std::span<const std::uint32_t> text) const;

    const ModelSnapshot& model_;
    const tensor::Compute& compute_;
    Random& random_;
    const Clock& clock_;
    std::optional<TextBounds> bounds_;
    AuditTextLimits limits_;
};

/// What these layers of a decoder with cross attention see of a source, with caches of this type;
/// nothing of none.
std::optional<model::KvCache> seen_source(model::Transformer& layers, std::span<const float> source,
                                          tensor::KvType kv);

}  // namespace cairn::serve
