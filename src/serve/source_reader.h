// SourceReader: what whoever writes with a decoder that has cross attention needs besides it. An
// auditor has it to write as clients do: sources that are a prompt's, and texts that begin as all
// texts of this decoder begin.
#pragma once

#include <vector>

#include "formats/loaded_model.h"
#include "text/tokenizer.h"

namespace cairn::serve {

struct SourceReader {
    model::Model encoder;
    std::vector<std::uint32_t> begins;  ///< tokens that each text of the decoder begins with
    std::vector<std::uint32_t> before, behind;  ///< tokens that each prompt stands between
};

/// Prompts stand between what Tokenizer::encode_whole() puts around them; without a tokenizer
/// between nothing.
SourceReader source_reader(formats::EncoderHalf half, const text::Tokenizer* tokenizer);

}  // namespace cairn::serve
