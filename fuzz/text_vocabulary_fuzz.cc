// Fuzzes the canonical file of vocabularies and what an accepted one does with any text: one
// spelling, parts that make the same vocabulary, ids below its size, text that survives.
#include <cstddef>
#include <cstdint>

#include "text/vocabulary_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    if (size == 0) return 0;
    // The last byte says how much of the input is text.
    const std::size_t text_size = std::size_t{data[size - 1]} % size;
    const ByteView file(data, size - 1 - text_size);
    const auto parsed = text::VocabularyTokenizer::parse(file);
    if (!parsed.ok()) return 0;
    const text::VocabularyTokenizer& tokenizer = **parsed;
    const Bytes again = tokenizer.serialise();
    CHECK(Bytes(file.begin(), file.end()) == again);
    const std::string text(as_text({data + file.size(), text_size}));
    const bool lossless = tokenizer.is_lossless();
    const std::size_t half = text.size() / 2;
    const text::TextPart parts[] = {{std::string_view(text).substr(0, half)},
                                    {std::string_view(text).substr(half), text::Special::kAllow}};
    for (const text::Tokens& tokens : {tokenizer.encode(text), tokenizer.encode_parts(parts)}) {
        for (const std::uint32_t token : tokens) {
            CHECK(token < tokenizer.vocab_size());
            (void)tokenizer.name(token);
        }
        (void)tokenizer.decode(tokens);
    }
    if (lossless) CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
    (void)text::make_tokenizer(tokenizer.parts());
    return 0;
}
