// Fuzzes word pieces: the canonical file and a vocab.txt, and what an accepted vocabulary does with
// any text: one spelling, ids below its size, its own reading of a text is read the same again.
#include <cstddef>
#include <cstdint>

#include "text/wordpiece.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    if (size == 0) return 0;
    // The last byte says how much of the input is text.
    const std::size_t text_size = std::size_t{data[size - 1]} % size;
    const ByteView file(data, size - 1 - text_size);
    const std::string_view text = as_text({data + file.size(), text_size});
    auto parsed = text::WordPieceTokenizer::parse(file);
    if (parsed.ok()) CHECK((*parsed)->serialise() == Bytes(file.begin(), file.end()));
    if (!parsed.ok()) {
        const auto parts = text::read_vocab_txt(as_text(file));
        if (!parts.ok()) return 0;
        auto pieces = text::word_pieces_of(*parts);
        if (!pieces.ok()) return 0;
        parsed = text::WordPieceTokenizer::create(*std::move(pieces));
        if (!parsed.ok()) return 0;
    }
    const text::WordPieceTokenizer& tokenizer = **parsed;
    for (const auto special : {text::Special::kPlain, text::Special::kAllow})
        for (const std::uint32_t token : tokenizer.encode(text, special))
            CHECK(token < tokenizer.vocab_size() && token < tokenizer.vocabulary().pieces.size());
    (void)tokenizer.decode(tokenizer.encode_whole(text));
    CHECK((*text::parse_tokenizer(tokenizer.serialise()))->serialise() == tokenizer.serialise());
    const auto again = text::make_tokenizer(tokenizer.parts());
    if (again.ok()) CHECK((*again)->encode(text) == tokenizer.encode(text));
    return 0;
}
