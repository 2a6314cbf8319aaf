#include "serve/source_reader.h"

#include <utility>

namespace cairn::serve {

SourceReader source_reader(formats::EncoderHalf half, const text::Tokenizer* tokenizer) {
    SourceReader reader{std::move(half.encoder), std::move(half.begins), {}, {}};
    if (tokenizer == nullptr) return reader;
    if (tokenizer->adds_begin()) reader.before.push_back(tokenizer->begin_token());
    if (const auto end = tokenizer->end_token()) reader.behind.push_back(*end);
    return reader;
}

}  // namespace cairn::serve
