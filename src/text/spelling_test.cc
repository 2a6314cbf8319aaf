// Proves that text which a vocabulary cannot spell never becomes a control token: it is the unknown
// piece, or U+FFFD, or the vocabulary is refused with the byte's name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/byte_alphabet.h"
#include "text/vocabulary.h"
#include "text/vocabulary_tokenizer.h"

namespace cairn::text {
namespace {

using testing::HasSubstr;

constexpr std::int32_t kControl = 3;

// A byte-level vocabulary in which some bytes are no piece.
VocabularyParts without(std::string_view missing) {
    VocabularyParts parts;
    parts.model = "gpt2";
    parts.pre = "gpt-2";
    for (int byte = 0; byte < 256; ++byte) {
        const bool lacks = missing.find(static_cast<char>(byte)) != std::string_view::npos;
        parts.pieces.push_back(lacks ? "[gone " + std::to_string(byte) + "]"
                                     : spell_bytes(std::string(1, static_cast<char>(byte))));
        parts.types.push_back(lacks ? 5 : 1);
    }
    parts.pieces.emplace_back("<|end|>");
    parts.types.push_back(kControl);
    parts.pieces.emplace_back("<unk>");
    parts.types.push_back(kControl);
    parts.bos = parts.eos = 256;
    return parts;
}

TEST(Spelling, ARealUnknownPieceStandsForABytesOrCharacters) {
    VocabularyParts parts = without("x\xE2");
    parts.unk = 257;
    const auto tokenizer = make_tokenizer(parts).value();
    EXPECT_EQ(tokenizer->encode("axxb"), (Tokens{'a', 257, 257, 'b'}));
    EXPECT_EQ(tokenizer->encode("\u2581"), (Tokens{257, 0x96, 0x81}));
    EXPECT_FALSE(tokenizer->is_lossless());
    parts.fuse_unk = true;
    const auto fused = make_tokenizer(parts).value();
    EXPECT_EQ(fused->encode("axxb xx x"), (Tokens{'a', 257, 'b', ' ', 257, ' ', 257}));
}

TEST(Spelling, AControlTokenIsNoUnknownPiece) {
    for (const auto unk : {std::optional<std::uint32_t>(), std::optional<std::uint32_t>(256)}) {
        VocabularyParts parts = without("x");
        parts.unk = unk;
        const auto refused = make_tokenizer(parts);
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
        EXPECT_THAT(refused.error().message, HasSubstr("byte 0x78"));
        EXPECT_THAT(refused.error().message, HasSubstr(unk ? "'<|end|>'" : "no unknown token"));
    }
    // Whatever it is called: the end of a turn is a control token, too.
    VocabularyParts parts = without("x");
    parts.unk = parts.eot = 257;
    EXPECT_FALSE(make_tokenizer(parts).ok());
}

TEST(Spelling, WhatIsHardlyTextBecomesTheReplacementCharacter) {
    VocabularyParts parts = without("\x03\xC0\xF1\xFF");
    parts.unk = 256;
    const auto tokenizer = make_tokenizer(parts).value();
    const Tokens replaced{0xEF, 0xBF, 0xBD};
    EXPECT_EQ(tokenizer->encode("\x03"), replaced);
    EXPECT_EQ(tokenizer->encode("\xFF"), replaced);
    EXPECT_EQ(tokenizer->encode("\U00040000"), replaced);  // the character as a whole
    EXPECT_EQ(tokenizer->decode(tokenizer->encode("a\x03z")), "a\uFFFDz");
    EXPECT_FALSE(tokenizer->is_lossless());
}

// SentencePiece's kind, with the bytes of "\u00E9" or without.
VocabularyParts characters(bool bytes) {
    VocabularyParts parts;
    parts.model = "llama";
    parts.pieces = {"<unk>", "<s>", "</s>", "\u2581", "a"};
    parts.types = {2, 3, 3, 1, 1};
    if (bytes) {
        for (const char* piece : {"<0xC3>", "<0xA9>"}) {
            parts.pieces.emplace_back(piece);
            parts.types.push_back(6);
        }
    }
    parts.add_space_prefix = false;
    parts.bos = 1;
    parts.eos = 2;
    parts.unk = 0;
    return parts;
}

TEST(Spelling, OfCharactersIsAllBytesOrOneUnknownPiece) {
    const auto some = make_tokenizer(characters(true)).value();
    EXPECT_EQ(some->encode("a\u00E9"), (Tokens{4, 5, 6}));
    EXPECT_EQ(some->encode("\u00C9a\u4E2D\u4E2D"), (Tokens{0, 4, 0, 0}));  // never half of one
    VocabularyParts fused = characters(false);
    fused.fuse_unk = true;
    const auto tokenizer = make_tokenizer(fused).value();
    EXPECT_EQ(tokenizer->encode("\u4E2D\u4E2Da\u4E2D\u4E2D\u4E2Da"), (Tokens{0, 4, 0, 4}));
    VocabularyParts same = characters(false);
    same.bos = same.unk = 0;
    EXPECT_THAT(make_tokenizer(same).error().message, HasSubstr("'<unk>'"));
    VocabularyParts none = characters(false);
    none.unk.reset();
    EXPECT_THAT(make_tokenizer(none).error().message, HasSubstr("no unknown token"));
}

TEST(Spelling, PiecesThatBeginAndEndTextsAreNoTextEvenWithoutTypes) {
    VocabularyParts parts = without("");
    parts.types.clear();
    parts.ignore_merges = true;
    const auto tokenizer = make_tokenizer(parts).value();
    const Tokens spelled = tokenizer->encode("<|end|>");
    EXPECT_EQ(tokenizer->decode(spelled), "<|end|>");
    for (const std::uint32_t id : spelled) EXPECT_LT(id, 256U);
}

TEST(Spelling, AWordThatIsNotSpelledNeverBeginsOrEndsAText) {
    VocabularyParts parts;
    parts.model = "bert";
    parts.pieces = {"[PAD]", "[CLS]", "[SEP]", "a"};
    parts.unk = 1;
    const auto refused = make_tokenizer(parts);
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().message, HasSubstr("'[CLS]'"));
    parts.unk = 0;  // padding is no text's begin or end
    EXPECT_EQ((*make_tokenizer(parts))->encode("a zz"), (Tokens{3, 0}));
}

}  // namespace
}  // namespace cairn::text
