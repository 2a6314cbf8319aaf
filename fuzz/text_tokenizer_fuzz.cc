// Fuzzes all tokenizer formats and what an accepted tokenizer does with any text: files have one
// spelling, text survives encoding, ids stay below the vocabulary, streamed text is never lost.
#include <cstddef>
#include <cstdint>

#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    // The last byte says how much of the input is text.
    if (size == 0) return 0;
    const std::size_t text_size = std::size_t{data[size - 1]} % size;
    const ByteView file(data, size - 1 - text_size);
    const auto tokenizer = text::parse_tokenizer(file);
    if (!tokenizer.ok()) return 0;
    const Bytes again = (*tokenizer)->serialise();
    CHECK(Bytes(file.begin(), file.end()) == again);
    const std::string text(as_text({data + file.size(), text_size}));
    const text::Tokens tokens = (*tokenizer)->encode(text);
    for (const std::uint32_t token : tokens) CHECK(token < (*tokenizer)->vocab_size());
    if (!(*tokenizer)->is_lossless()) return 0;
    CHECK((*tokenizer)->decode(tokens) == text);
    text::StreamDecoder decoder(**tokenizer);
    std::string streamed;
    for (const std::uint32_t token : tokens) streamed += decoder.push(token);
    streamed += decoder.finish();
    CHECK(streamed.size() >= text.size());
    return 0;
}
