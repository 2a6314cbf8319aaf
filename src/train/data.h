// Training windows drawn from a token stream. Which windows a step sees is a function of (seed,
// step) alone, so a run that is stopped and resumed, or repeated elsewhere, reads the same text.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace cairn::train {

/// kInvalid unless the stream can fill a window of `context` + 1 tokens below `vocab`.
Status check_tokens(std::span<const std::uint32_t> tokens, std::uint32_t context,
                    std::uint32_t vocab);

/// Start of window number `index` of step `step`, in [0, tokens - context).
std::uint64_t window_start(std::uint64_t seed, std::uint64_t step, std::uint64_t index,
                           std::uint64_t tokens, std::uint32_t context);

/// Copies the windows that begin at `starts` one after another: inputs[i] and, one later in the
/// stream, targets[i]. Both become starts.size() * context long.
void gather_windows(std::span<const std::uint32_t> tokens, std::span<const std::uint64_t> starts,
                    std::uint32_t context, std::vector<std::uint32_t>& inputs,
                    std::vector<std::uint32_t>& targets);

/// The parts of a text that lie in it one behind the other, by their lengths; without any, the text
/// itself. CHECKs that they are the whole text.
std::vector<std::span<const std::uint32_t>> parts_of(std::span<const std::uint32_t> text,
                                                     std::span<const std::uint64_t> lengths);

/// `own` and behind it the public texts, an equal share of each, repeated until all of them are
/// share / 2^16 of the whole. Windows are drawn evenly from a text, so this is also the share of
/// the windows. CHECKs share < 2^16, and that there are public texts, none empty, where it is not
/// 0.
std::vector<std::uint32_t> mix_texts(std::vector<std::uint32_t> own,
                                     std::span<const std::span<const std::uint32_t>> public_texts,
                                     std::uint32_t share);

}  // namespace cairn::train
