// Proves that a vocabulary of word pieces is read from GGUF and written into it as llama.cpp spells
// one: U+2581 before pieces that begin a word, nothing before those inside.
#include <gtest/gtest.h>

#include "formats/gguf_keys.h"
#include "formats/gguf_model.h"
#include "formats/gguf_writer.h"
#include "text/tokenizer.h"

namespace cairn::formats {
namespace {

const std::vector<std::string> kSpelled{
    "[PAD]",        "[UNK]",           "[CLS]", "[SEP]",
    "[MASK]",       "\xE2\x96\x81the", "ing",   "\xE2\x96\x81sing",
    "\xE2\x96\x81,"};

GgufHeader header_of(const std::function<void(GgufKeys&)>& more) {
    GgufKeys keys;
    keys.text("tokenizer.ggml.model", "bert");
    keys.texts("tokenizer.ggml.tokens", kSpelled);
    more(keys);
    Writer writer;
    writer.raw(as_bytes(kGgufMagic));
    writer.u32(3);
    writer.u64(0);
    writer.u64(keys.count());
    writer.raw(keys.out());
    const Bytes file = std::move(writer).take();
    return read_gguf_header(std::make_shared<MemorySource>(file)).value();
}

TEST(GgufVocabulary, ReadsWordPiecesAsOthersSpellThem) {
    const std::vector<std::int32_t> types{3, 3, 3, 3, 3, 1, 1, 1, 1};
    for (const bool typed : {false, true}) {
        const GgufHeader header = header_of([&](GgufKeys& keys) {
            if (!typed) return;
            keys.integers("tokenizer.ggml.token_type", types);
            keys.number("tokenizer.ggml.cls_token_id", 2);
            keys.number("tokenizer.ggml.seperator_token_id", 3);
            keys.number("tokenizer.ggml.unknown_token_id", 1);
        });
        const text::VocabularyParts parts = gguf_vocabulary(header).value();
        EXPECT_EQ(parts.pieces[6], "##ing");
        EXPECT_EQ(parts.pieces[5], "the");
        EXPECT_EQ(parts.pieces[2], "[CLS]");
        const auto tokenizer = text::make_tokenizer(parts).value();
        EXPECT_EQ(tokenizer->encode_whole("The theing, SING"), (text::Tokens{2, 5, 5, 6, 8, 7, 3}));
        EXPECT_EQ(tokenizer->encode("ing"), text::Tokens{1});
        // The way back.
        const text::VocabularyParts written = gguf_parts(tokenizer->parts(), 10);
        for (std::size_t id = 0; id < kSpelled.size(); ++id) {
            EXPECT_EQ(written.pieces[id], kSpelled[id]);
            EXPECT_EQ(written.types[id], types[id]) << id;
        }
        EXPECT_EQ(written.pieces.size(), 10U);
    }
}

TEST(GgufVocabulary, LetterCaseIsWhatTheFileSays) {
    for (const bool lower : {false, true}) {
        const GgufHeader header = header_of(
            [&](GgufKeys& keys) { keys.flag("tokenizer.ggml.normalizer.lowercase", lower); });
        const auto tokenizer = text::make_tokenizer(gguf_vocabulary(header).value()).value();
        EXPECT_EQ(tokenizer->encode("The"), lower ? text::Tokens{5} : text::Tokens{1});
    }
}

}  // namespace
}  // namespace cairn::formats
