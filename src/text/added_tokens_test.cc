// Proves that added tokens are found as Hugging Face's tokenizers library finds them: the expected
// ids are the library's. tools/peers-added-tokens compares many more.
#include "text/added_tokens.h"

#include <gtest/gtest.h>

#include "text/byte_alphabet.h"
#include "text/vocabulary_tokenizer.h"

namespace cairn::text {
namespace {

constexpr auto kText = PieceType::kUserDefined;
constexpr auto kName = PieceType::kControl;

struct Added {
    std::string text;
    unsigned flags = 0;
    PieceType type = kText;
};

// Bytes 0 to 255, no merges, then the added tokens.
std::unique_ptr<VocabularyTokenizer> bytes_and(const std::vector<Added>& tokens, bool nfc = false) {
    Vocabulary vocabulary;
    vocabulary.nfc = nfc;
    for (int byte = 0; byte < 256; ++byte)
        vocabulary.pieces.push_back({std::string(1, static_cast<char>(byte))});
    for (const Added& token : tokens)
        vocabulary.pieces.push_back(
            {token.text, token.type, static_cast<std::uint8_t>(token.flags | kNotOfModel)});
    return VocabularyTokenizer::create(std::move(vocabulary)).value();
}

// Bytes as themselves, the first added token as A, the second as B, ...
std::string shown(const Tokenizer& tokenizer, std::string_view text,
                  Special special = Special::kAllow) {
    std::string shown;
    for (const std::uint32_t token : tokenizer.encode(text, special))
        shown += static_cast<char>(token < 256 ? token : 'A' + token - 256);
    return shown;
}

TEST(AddedTokens, StripTheSpaceBesideThem) {
    const auto left = bytes_and({{"<x>", kLeftStrip}});
    EXPECT_EQ(shown(*left, "a \t\n<x> b"), "aA b");
    EXPECT_EQ(shown(*left, " <x>  <x>"), "AA");
    EXPECT_EQ(shown(*left, "a\u3000\u00A0<x>"), "aA");
    const auto right = bytes_and({{"<x>", kRightStrip, kName}});
    EXPECT_EQ(shown(*right, "a <x>\n \u2003b"), "a Ab");
    EXPECT_EQ(shown(*right, "<x>\n<x>"), "AA");
    EXPECT_EQ(shown(*right, "<x> a", Special::kPlain), "<x> a");
    // Within space that the one has stripped the other is found still, unless nothing is left of
    // it; what is after it is text, again.
    const auto both = bytes_and({{"<x>", kRightStrip}, {"\n"}, {"  ", kLeftStrip}});
    EXPECT_EQ(shown(*both, "<x> \n b"), "AB b");
    EXPECT_EQ(shown(*both, "<x>  b"), "Ab");
}

TEST(AddedTokens, OfSingleWordsStandAlone) {
    const auto word = bytes_and({{"cat", kSingleWord}});
    EXPECT_EQ(shown(*word, "cat"), "A");
    EXPECT_EQ(shown(*word, "a cat, (cat)\ncat"), "a A, (A)\nA");
    for (const char* text :
         {"concat", "cats", "cat_", "1cat", "cat\u0301", "\u4E2Dcat", "cat\u200D"})
        EXPECT_EQ(shown(*word, text), shown(*bytes_and({}), text)) << text;
    EXPECT_EQ(shown(*word, "cat\u00BD"), shown(*bytes_and({}), "") + "A\xC2\xBD");
    // What covers no single word is not looked at again.
    const auto cover = bytes_and({{"cats", kSingleWord}, {"at"}});
    EXPECT_EQ(shown(*cover, "bcats rat"), "bcats rB");
}

TEST(AddedTokens, OfNormalTextAreFoundThere) {
    const auto normal = bytes_and({{"caf\u00E9", kNormalised}, {"a\u0301b"}}, true);
    EXPECT_EQ(shown(*normal, "cafe\u0301!"), "A!");
    EXPECT_EQ(shown(*normal, "caf\u00E9"), "A");
    // The others are found in the text as it is, and first.
    EXPECT_EQ(shown(*normal, "a\u0301b"), "B");
    EXPECT_EQ(shown(*normal, "\u00E1b"),
              "\xC3\xA1"
              "b");
    const auto order = bytes_and({{"ab", kNormalised}, {"bc"}});
    EXPECT_EQ(shown(*order, "abc ab"), "aB A");
    // A word ends where a token does, so that the token beside it is one.
    const auto single = bytes_and({{"ab", kNormalised | kSingleWord}, {"c"}});
    EXPECT_EQ(shown(*single, "abc abd"), "AB abd");
}

TEST(AddedTokens, LeftmostAndLongestWin) {
    const auto tokens = bytes_and({{"ab"}, {"abc"}, {"bcd"}, {"c", 0, kName}});
    EXPECT_EQ(shown(*tokens, "abcd"), "Bd");
    EXPECT_EQ(shown(*tokens, "xbcd ab c"), "xC A D");
    EXPECT_EQ(shown(*tokens, "c", Special::kPlain), "c");
    // In text that makes no control tokens, a name is text as a whole.
    const auto named = bytes_and({{"<tag>", 0, kName}, {"tag"}});
    EXPECT_EQ(shown(*named, "<tag> tag", Special::kPlain), "<tag> B");
    EXPECT_EQ(shown(*named, "<tag> tag"), "A B");
}

TEST(AddedTokens, PartsDecideWhoMakesControlTokens) {
    for (const unsigned flags : {0U, unsigned{kNormalised}}) {
        const auto tokenizer = bytes_and({{"<x>", flags, kName}}, true);
        const TextPart parts[] = {{"<x>e", Special::kAllow},
                                  {"\u0301<x><", Special::kPlain},
                                  {"x>", Special::kAllow},
                                  {"<x>", Special::kAllow}};
        const Tokens ids = tokenizer->encode_parts(parts);
        EXPECT_EQ(std::count(ids.begin(), ids.end(), 256U), 2) << flags;
        EXPECT_EQ(ids.front(), 256U);
        EXPECT_EQ(ids.back(), 256U);
    }
}

TEST(AddedTokens, FlagsAreKeptInTheFile) {
    const auto tokenizer =
        bytes_and({{"a", kLeftStrip | kSingleWord}, {"<b>", kRightStrip, kName}});
    const Bytes file = tokenizer->serialise();
    EXPECT_EQ(file[8], 2);
    const auto again = parse_tokenizer(file).value();
    EXPECT_EQ(again->serialise(), file);
    EXPECT_EQ(shown(*again, "  a <b> c"), shown(*tokenizer, "  a <b> c"));
    for (std::size_t size = 0; size < file.size(); ++size)
        ASSERT_FALSE(parse_tokenizer(ByteView(file).first(size)).ok()) << size;
    // Parts keep them, too.
    EXPECT_EQ((*make_tokenizer(tokenizer->parts()))->serialise(), file);
    // A vocabulary without flags is of version 1, and of no other.
    Vocabulary plain = tokenizer->vocabulary();
    for (auto& piece : plain.pieces) piece.added = 0;
    Bytes old = (*VocabularyTokenizer::create(plain))->serialise();
    EXPECT_EQ(old[8], 1);
    EXPECT_TRUE(parse_tokenizer(old).ok());
    old[8] = 2;
    old.resize(old.size() + 4);  // no flags
    EXPECT_FALSE(parse_tokenizer(old).ok());
    plain.pieces['a'].added = kLeftStrip;
    EXPECT_FALSE(VocabularyTokenizer::create(plain).ok());  // not matched whole
}

}  // namespace
}  // namespace cairn::text
