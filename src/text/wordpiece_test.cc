// Proves that word pieces are those that Hugging Face's tokenizers make (the table comes from
// tools/peers/wordpiece-equal.mjs, which compares thousands of random texts, too), that every file
// of such a vocabulary means the same, and that what is not known is refused.
#include "text/wordpiece.h"

#include <gtest/gtest.h>

#include "text/tokenizer_json.h"

namespace cairn::text {
namespace {

template <std::size_t N>
std::string text(const char (&literal)[N]) {
    return {literal, N - 1};  // zeros count
}

struct Vector {
    std::string text;
    Tokens ids;
};

// clang-format off
constexpr const char* kPieces[] = {
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "un", "##aff", "##able", "a", "##b",
    "##c", "istanbul", "##\314\207stanbul", "i", "na", "##ive", "##\303\257ve", "Na", "angstrom",
    "\303\245ngstr\303\266m", "\346\227\245", "\346\234\254", "\350\252\236",
    "\346\227\245\346\234\254\350\252\236", "\343\201\213", "##\343\201\215", "\343\201\214",
    "\341\204\222", "##\341\205\241", "##\341\206\253", "\355\225\234", ".", ",", "'", "$", "#",
    "[", "]", "don", "t", "3", "14", "\302\277", "que", "qu\303\251",
    "\317\203\316\271\317\203\317\205\317\206\316\277\317\203", "stra\303\237e", "ce", "##ll",
    "##o",};
const Vector kVectors0[] = {
    {text("The unaffable"), {5, 6, 7, 8}},
    {text("  the\012\011the\343\200\200the "), {5, 5, 5}},
    {text("don't"), {39, 34, 40}},
    {text("Na\303\257ve na\303\257ve nai\314\210ve"), {15, 16, 15, 16, 15, 16}},
    {text("\303\205ngstr\303\266m"), {19}},
    {text("\304\260stanbul"), {12}},
    {text("\346\227\245\346\234\254\350\252\236"), {21, 22, 23}},
    {text("a\346\227\245b"), {9, 21, 1}},
    {text("\343\201\214\343\201\215 \343\201\213\343\201\215"), {25, 26, 25, 26}},
    {text("\355\225\234"), {28, 29, 30}},
    {text("3.14,$3"), {41, 32, 42, 33, 35, 41}},
    {text("\302\277Qu\303\251?"), {43, 44, 1}},
    {text("\316\243\316\231\316\243\316\245\316\246\316\237\316\243"), {46}},
    {text("stra\303\237e"), {47}},
    {text("a\000b a\342\200\215b a\302\255c a\357\277\275b"), {9, 10, 9, 10, 9, 11, 9, 10}},
    {text("[CLS] a"), {37, 1, 38, 9}},
    {text("abc abd"), {9, 10, 11, 1}},
    {text("\356\200\200a"), {9}},
    {text("ce\314\201llo"), {48, 49, 50}},
    {text(""), {}},
    {text("a\342\200\250a\302\205a"), {9, 1}},
    {text("the\001the"), {1}},
};
const Vector kVectors1[] = {
    {text("The unaffable"), {1, 6, 7, 8}},
    {text("  the\012\011the\343\200\200the "), {5, 5, 5}},
    {text("don't"), {39, 34, 40}},
    {text("Na\303\257ve na\303\257ve nai\314\210ve"), {18, 17, 15, 17, 1}},
    {text("\303\205ngstr\303\266m"), {1}},
    {text("\304\260stanbul"), {1}},
    {text("\346\227\245\346\234\254\350\252\236"), {21, 22, 23}},
    {text("a\346\227\245b"), {9, 21, 1}},
    {text("\343\201\214\343\201\215 \343\201\213\343\201\215"), {27, 26, 25, 26}},
    {text("\355\225\234"), {31}},
    {text("3.14,$3"), {41, 32, 42, 33, 35, 41}},
    {text("\302\277Qu\303\251?"), {43, 1, 1}},
    {text("\316\243\316\231\316\243\316\245\316\246\316\237\316\243"), {1}},
    {text("stra\303\237e"), {47}},
    {text("a\000b a\342\200\215b a\302\255c a\357\277\275b"), {9, 10, 9, 10, 9, 11, 9, 10}},
    {text("[CLS] a"), {37, 1, 38, 9}},
    {text("abc abd"), {9, 10, 11, 1}},
    {text("\356\200\200a"), {9}},
    {text("ce\314\201llo"), {1}},
    {text(""), {}},
    {text("a\342\200\250a\302\205a"), {9, 1}},
    {text("the\001the"), {1}},
};
const Vector kVectors2[] = {
    {text("The unaffable"), {5, 6, 7, 8}},
    {text("  the\012\011the\343\200\200the "), {5, 5, 5}},
    {text("don't"), {39, 34, 40}},
    {text("Na\303\257ve na\303\257ve nai\314\210ve"), {15, 17, 15, 17, 1}},
    {text("\303\205ngstr\303\266m"), {20}},
    {text("\304\260stanbul"), {14, 13}},
    {text("\346\227\245\346\234\254\350\252\236"), {24}},
    {text("a\346\227\245b"), {1}},
    {text("\343\201\214\343\201\215 \343\201\213\343\201\215"), {27, 26, 25, 26}},
    {text("\355\225\234"), {31}},
    {text("3.14,$3"), {41, 32, 42, 33, 35, 41}},
    {text("\302\277Qu\303\251?"), {43, 45, 1}},
    {text("\316\243\316\231\316\243\316\245\316\246\316\237\316\243"), {46}},
    {text("stra\303\237e"), {47}},
    {text("a\000b a\342\200\215b a\302\255c a\357\277\275b"), {9, 10, 9, 10, 9, 11, 9, 10}},
    {text("[CLS] a"), {37, 1, 38, 9}},
    {text("abc abd"), {9, 10, 11, 1}},
    {text("\356\200\200a"), {9}},
    {text("ce\314\201llo"), {1}},
    {text(""), {}},
    {text("a\342\200\250a\302\205a"), {9, 1}},
    {text("the\001the"), {1}},
};
// clang-format on

VocabularyParts parts_of(const BertCleaning& cleaning) {
    VocabularyParts parts;
    parts.model = "bert";
    parts.pieces.assign(std::begin(kPieces), std::end(kPieces));
    parts.clean_text = cleaning.clean;
    parts.space_ideographs = cleaning.ideographs;
    parts.strip_accents = cleaning.strip_accents;
    parts.lower_case = cleaning.lower_case;
    return parts;
}

std::unique_ptr<Tokenizer> uncased() { return make_tokenizer(parts_of({})).value(); }

void expect_vectors(const Tokenizer& tokenizer, std::span<const Vector> vectors) {
    for (const Vector& vector : vectors)
        EXPECT_EQ(tokenizer.encode(vector.text), vector.ids) << vector.text;
}

TEST(WordPiece, MakesThePiecesThatOthersMake) {
    expect_vectors(*uncased(), kVectors0);
    const BertCleaning cased{.strip_accents = false, .lower_case = false};
    expect_vectors(*make_tokenizer(parts_of(cased)).value(), kVectors1);
    const BertCleaning accents{.ideographs = false, .strip_accents = false};
    expect_vectors(*make_tokenizer(parts_of(accents)).value(), kVectors2);
}

TEST(WordPiece, LongWordsAreUnknown) {
    const auto tokenizer = uncased();
    EXPECT_EQ(tokenizer->encode("a" + std::string(99, 'b')).size(), 100U);
    EXPECT_EQ(tokenizer->encode("a" + std::string(100, 'b')), Tokens{1});
    // Characters count, not bytes.
    std::string umlauts = "a";
    for (int i = 0; i < 99; ++i) umlauts += "b\u0308";
    EXPECT_EQ(tokenizer->encode(umlauts).size(), 100U);
}

TEST(WordPiece, AWholeTextStandsBetweenItsTokens) {
    const auto tokenizer = uncased();
    EXPECT_EQ(tokenizer->encode_whole("the"), (Tokens{2, 5, 3}));
    EXPECT_EQ(tokenizer->encode_whole(""), (Tokens{2, 3}));
    // Names of control tokens in a user's text are text unless they are asked for.
    EXPECT_EQ(tokenizer->encode("[MASK]", Special::kAllow), Tokens{4});
    EXPECT_EQ(tokenizer->encode("the[MASK]the", Special::kAllow), (Tokens{5, 4, 5}));
    EXPECT_EQ(tokenizer->encode("[MASK]"), (Tokens{37, 1, 38}));
    EXPECT_EQ(tokenizer->control_token("[SEP]"), 3U);
    EXPECT_FALSE(tokenizer->control_token("the"));
    EXPECT_TRUE(tokenizer->is_end(3));
}

TEST(WordPiece, ReadsBackAsWords) {
    const auto tokenizer = uncased();
    EXPECT_FALSE(tokenizer->is_lossless());
    EXPECT_EQ(tokenizer->decode(tokenizer->encode("The unaffable, don't a.")),
              "the unaffable, don't a.");
    EXPECT_EQ(tokenizer->decode(tokenizer->encode_whole("the the")), "the the");
    EXPECT_EQ(tokenizer->piece(2, 99), "");
    EXPECT_EQ(tokenizer->name(7), "##aff");
}

TEST(WordPiece, EveryFileMeansTheSame) {
    const auto tokenizer = uncased();
    const Bytes file = tokenizer->serialise();
    const auto again = parse_tokenizer(file).value();
    EXPECT_EQ(again->serialise(), file);
    expect_vectors(*again, kVectors0);
    // As parts, as a tokenizer.json, as a vocab.txt with its config.
    EXPECT_EQ(make_tokenizer(tokenizer->parts()).value()->serialise(), file);
    const TokenizerJson json = write_tokenizer_json(tokenizer->parts()).value();
    EXPECT_EQ(make_tokenizer(read_tokenizer_json(json).value()).value()->serialise(), file);
    TokenizerJson lines;
    for (const char* piece : kPieces) lines.vocab += std::string(piece) + "\r\n";
    lines.config = R"({"do_lower_case": true, "strip_accents": true})";
    EXPECT_TRUE(looks_like_vocab_txt(lines.vocab));
    EXPECT_EQ(make_tokenizer(read_tokenizer_json(lines).value()).value()->serialise(), file);
    for (std::size_t size = 0; size < file.size(); ++size)
        EXPECT_FALSE(parse_tokenizer(ByteView(file).first(size)).ok()) << size;
    Bytes longer = file;
    longer.push_back(0);
    EXPECT_FALSE(parse_tokenizer(longer).ok());
}

TEST(WordPiece, FindsFromItsPiecesWhatAFileDoesNotSay) {
    VocabularyParts parts;
    parts.model = "bert";
    parts.pieces = {"[UNK]", "[CLS]", "the"};
    WordPieces found = word_pieces_of(parts).value();
    EXPECT_EQ(found.cleaning, BertCleaning{});
    EXPECT_EQ(found.unk, 0U);
    EXPECT_EQ(found.cls, 1U);
    EXPECT_TRUE(found.add_cls);
    EXPECT_FALSE(found.add_sep);
    parts.pieces.insert(parts.pieces.end(), {"The", "der", "H\u00E4user"});
    found = word_pieces_of(parts).value();
    EXPECT_FALSE(found.cleaning.lower_case);
    EXPECT_FALSE(found.cleaning.strip_accents);
    parts.pieces = {"[UNK]", "h\u00E4user"};
    found = word_pieces_of(parts).value();
    EXPECT_TRUE(found.cleaning.lower_case);
    EXPECT_FALSE(found.cleaning.strip_accents);
}

TEST(WordPiece, RefusesWhatItCannotRead) {
    const auto read = [](const std::string& file) {
        TokenizerJson json;
        json.tokenizer = file;
        return read_tokenizer_json(json);
    };
    const auto with = [&](const char* normalizer, const char* pre_tokenizer, const char* prefix) {
        return read(std::string(R"({"normalizer": )") + normalizer + R"(, "pre_tokenizer": )" +
                    pre_tokenizer + R"(, "model": {"type": "WordPiece", "vocab": {"[UNK]": 0}, )" +
                    R"("continuing_subword_prefix": )" + prefix + "}}");
    };
    const char* bert = R"({"type": "BertNormalizer"})";
    const char* cut = R"({"type": "BertPreTokenizer"})";
    ASSERT_TRUE(with(bert, cut, R"("##")").ok());
    EXPECT_TRUE(with("null", cut, "null").ok());
    for (const auto& refused : {with(R"({"type": "NFKC"})", cut, R"("##")"),
                                with(bert, R"({"type": "Whitespace"})", R"("##")"),
                                with(bert, "null", R"("##")"), with(bert, cut, R"("@@")")}) {
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported) << refused.error().message;
    }
    VocabularyParts parts;
    parts.model = "bert";
    parts.pieces = {"a", "b"};
    EXPECT_EQ(make_tokenizer(parts).error().code, ErrorCode::kUnsupported);
    WordPieces pieces;
    pieces.pieces = {{"[UNK]", PieceType::kUnknown}};
    EXPECT_FALSE(WordPieceTokenizer::create(pieces).ok());  // begins with nothing
    pieces.add_cls = pieces.add_sep = false;
    EXPECT_TRUE(WordPieceTokenizer::create(pieces).ok());
    pieces.pieces.push_back({"[SEP]", PieceType::kNormal});
    pieces.sep = 1;
    EXPECT_FALSE(WordPieceTokenizer::create(pieces).ok());  // text could end a text
    pieces.pieces[1].type = PieceType::kControl;
    EXPECT_TRUE(WordPieceTokenizer::create(pieces).ok());
    pieces.unk = 2;
    EXPECT_FALSE(WordPieceTokenizer::create(pieces).ok());
    TokenizerJson lines;
    lines.vocab = "a\nb\n";
    EXPECT_FALSE(read_tokenizer_json(lines).ok());
}

}  // namespace
}  // namespace cairn::text
