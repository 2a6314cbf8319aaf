// Proves that every name by which llama.cpp knows a rule of cutting text is read with a rule or
// refused with a reason, and that files are written with names that mean the same.
#include "text/pre_tokenizers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace cairn::text {
namespace {

using testing::HasSubstr;

VocabularyParts bytes_with(std::string_view pre) {
    VocabularyParts parts;
    parts.model = "gpt2";
    parts.pre = pre;
    for (int byte = 0; byte < 256; ++byte)
        parts.pieces.push_back(spell_bytes(std::string(1, static_cast<char>(byte))));
    parts.pieces.emplace_back("<|begin|>");
    parts.types.assign(257, 1);
    parts.types[256] = 3;
    parts.bos = 256;
    return parts;
}

TEST(PreTokenizers, AreReadOrRefusedWithAReason) {
    std::set<std::string_view> names;
    for (const PreTokenizer& known : pre_tokenizers()) {
        EXPECT_TRUE(names.insert(known.name).second) << known.name;
        if (known.characters) continue;
        const auto made = make_tokenizer(bytes_with(known.name));
        EXPECT_EQ(made.ok(), known.refused.empty()) << known.name;
        if (!made.ok()) {
            EXPECT_THAT(made.error().message, HasSubstr(std::string(known.name)));
            EXPECT_THAT(made.error().message, HasSubstr(std::string(known.refused)));
            continue;
        }
        EXPECT_EQ((*made)->adds_begin(), known.add_bos) << known.name;
    }
    EXPECT_GE(names.size(), 90U);
    const auto unknown = make_tokenizer(bytes_with("of-tomorrow"));
    EXPECT_EQ(unknown.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(unknown.error().message, HasSubstr("'of-tomorrow'"));
}

TEST(PreTokenizers, AreWrittenWithNamesThatMeanTheSame) {
    for (const PreTokenizer& known : pre_tokenizers()) {
        if (known.characters || !known.refused.empty()) continue;
        const auto again = pre_tokenizer(pre_tokenizer_name(known.rule, known.whole_words));
        ASSERT_TRUE(again.ok()) << known.name;
        EXPECT_EQ(again->rule, known.rule) << known.name;
        EXPECT_EQ(again->whole_words, known.whole_words) << known.name;
    }
}

// Gemma 4's kind: merges of characters, blanks as U+2581, bytes as a last resort.
TEST(PreTokenizers, OfCharactersMergeCharacters) {
    VocabularyParts parts;
    parts.model = "gemma4";
    parts.pieces = {"<bos>", "<eos>", "\u2581", "a", "b", "\u2581a", "\n", "\n\n"};
    parts.types.assign(8, 1);
    parts.types[0] = parts.types[1] = 3;
    for (int byte = 0; byte < 256; ++byte) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
        parts.pieces.emplace_back(name);
        parts.types.push_back(byte % 2 == 0 ? 6 : 1);  // some files give them no type
    }
    parts.merges = {"\u2581 a", "\n \n"};
    parts.bos = 0;
    parts.eos = 1;
    const auto tokenizer = make_tokenizer(parts).value();
    EXPECT_TRUE(tokenizer->adds_begin());
    EXPECT_EQ(tokenizer->encode("a ab\n\nc"), (Tokens{3, 5, 4, 7, 8 + 'c'}));
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(" a\u00E9")), " a\u00E9");
}

}  // namespace
}  // namespace cairn::text
