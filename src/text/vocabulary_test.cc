// Proves that vocabularies of both kinds encode as the programs that they come from do (llama.cpp's
// published cases), that any bytes survive, that user text makes no control token, and that their
// file has one spelling.
#include "text/vocabulary.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"
#include "base/test_data.h"
#include "text/byte_alphabet.h"
#include "text/test_vocabulary.h"
#include "text/vocabulary_tokenizer.h"

namespace cairn::text {
namespace {

using namespace test;

TEST(ByteAlphabet, SpellsEveryByteAndReadsItBack) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    EXPECT_EQ(unspell_bytes(spell_bytes(bytes)), bytes);
    EXPECT_EQ(spell_bytes(" \n"), "\xC4\xA0\xC4\x8A");
    EXPECT_EQ(unspell_bytes("\xE2\x96\x81"), std::nullopt);
}

void expect_cases(const Tokenizer& tokenizer, const std::string& inputs,
                  const std::string& outputs) {
    const auto texts = read_cases(inputs);
    const auto ids = read_ids(outputs);
    ASSERT_EQ(texts.size(), 47U);
    ASSERT_EQ(ids.size(), 47U);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(tokenizer.encode(texts[i]), ids[i]) << "case " << i << ": " << texts[i];
        EXPECT_EQ(tokenizer.decode(ids[i]), texts[i]) << "case " << i;
    }
}

TEST(Vocabulary, Gpt2EncodesThePublishedCases) {
    const auto parts = parts_of_gguf("tokenizers/ggml-vocab-gpt-2.gguf");
    if (!parts) GTEST_SKIP() << "no tokenizers: set CAIRN_TEST_DATA";
    expect_cases(**make_tokenizer(*parts), "tokenizers/ggml-vocab-gpt-2.gguf.inp",
                 "tokenizers/ggml-vocab-gpt-2.gguf.out");
}

TEST(Vocabulary, SentencePieceEncodesThePublishedCases) {
    const auto parts = parts_of_gguf("tokenizers/ggml-vocab-llama-spm.gguf");
    if (!parts) GTEST_SKIP() << "no tokenizers: set CAIRN_TEST_DATA";
    expect_cases(**make_tokenizer(*parts), "tokenizers/ggml-vocab-llama-spm.gguf.inp",
                 "tokenizers/ggml-vocab-llama-spm.gguf.out");
}

TEST(Vocabulary, RoundTripsEveryCorpus) {
    for (const char* name : {"gpt-2", "llama-spm"}) {
        const auto parts = parts_of_gguf(std::string("tokenizers/ggml-vocab-") + name + ".gguf");
        if (!parts) GTEST_SKIP() << "no tokenizers: set CAIRN_TEST_DATA";
        const auto tokenizer = *make_tokenizer(*parts);
        for (const char* corpus :
             {"tinyshakespeare.txt", "wikitext2-valid.txt", "wikitext2-test.txt"}) {
            const std::string text = read_test_data(std::string("corpora/") + corpus);
            ASSERT_FALSE(text.empty());
            EXPECT_TRUE(tokenizer->decode(tokenizer->encode(text)) == text) << name << corpus;
        }
    }
}

TEST(Vocabulary, RoundTripsRandomBytes) {
    for (const auto& tokenizer : {byte_level_toy(), scored_toy()}) {
        SeededRandom random(7);
        for (int round = 0; round < 300; ++round) {
            Bytes bytes(random.below(300));
            random.fill(bytes);
            // Half of them from few letters, so that merges happen.
            if (round % 2 == 0)
                for (auto& byte : bytes) byte = static_cast<std::uint8_t>(" abc"[byte % 4]);
            const std::string text(as_text(bytes));
            ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
        }
    }
}

TEST(Vocabulary, LongWordsMergeAsShortOnesDo) {
    // A word of 4000 letters goes through the queue; cut into pieces that cannot merge with each
    // other (d never does) it goes through the scan.
    for (const auto& tokenizer : {byte_level_toy(), scored_toy()}) {
        SeededRandom random(3);
        std::string whole;
        Tokens parts;
        for (int i = 0; i < 400; ++i) {
            std::string part;
            for (int k = 0; k < 9; ++k) part += "abc"[random.below(3)];
            part += 'd';
            whole += part;
            // Without the blank that SentencePiece puts before a text.
            const Tokens ids = tokenizer->encode("d" + part);
            const Tokens lead = tokenizer->encode("d");
            parts.insert(parts.end(), ids.begin() + static_cast<std::ptrdiff_t>(lead.size()),
                         ids.end());
        }
        Tokens ids = tokenizer->encode("d" + whole);
        ids.erase(ids.begin(),
                  ids.begin() + static_cast<std::ptrdiff_t>(tokenizer->encode("d").size()));
        EXPECT_EQ(ids, parts);
    }
}

TEST(Vocabulary, UserTextMakesNoControlToken) {
    for (const auto& tokenizer : {byte_level_toy(), scored_toy()}) {
        const std::uint32_t end = tokenizer->control_token("<|end|>").value();
        EXPECT_TRUE(tokenizer->is_end(end));
        const std::string text = "a<|end|>b";
        const Tokens plain = tokenizer->encode(text);
        EXPECT_EQ(std::count(plain.begin(), plain.end(), end), 0);
        EXPECT_EQ(tokenizer->decode(plain), text);
        const Tokens allowed = tokenizer->encode(text, Special::kAllow);
        EXPECT_EQ(std::count(allowed.begin(), allowed.end(), end), 1);
        EXPECT_EQ(tokenizer->piece(0, end), "");
        EXPECT_EQ(tokenizer->name(end), "<|end|>");
        // A user-defined piece is text, and the longest one wins.
        const Tokens defined = tokenizer->encode("abab<tag>");
        EXPECT_EQ(tokenizer->name(defined.back()), "<tag>");
        EXPECT_EQ(tokenizer->name(tokenizer->encode("x<tag>>").back()), "<tag>>");
    }
}

TEST(Vocabulary, ControlTokensComeFromThePartsThatAllowThem) {
    for (const auto& tokenizer : {byte_level_toy(), scored_toy()}) {
        const std::uint32_t end = tokenizer->control_token("<|end|>").value();
        const TextPart parts[] = {{"a<|e", Special::kAllow},
                                  {"nd|>", Special::kPlain},
                                  {"<|end|>", Special::kPlain},
                                  {"b<|end|>", Special::kAllow}};
        const Tokens ids = tokenizer->encode_parts(parts);
        EXPECT_EQ(std::count(ids.begin(), ids.end(), end), 1);
        EXPECT_EQ(ids.back(), end);
        // Otherwise the text is one: what merges across a border is merged.
        const TextPart cut[] = {{"a", Special::kAllow}, {"bc", Special::kPlain}};
        EXPECT_EQ(tokenizer->encode_parts(cut), tokenizer->encode("abc"));
    }
}

TEST(Vocabulary, SentencePieceKeepsBlanks) {
    const auto tokenizer = scored_toy();
    for (const char* text :
         {"a", " a", "  a  ", " ", "", "a b", "\xE2\x96\x81", "<tag>", "  <tag> a"})
        EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
    // The blank before a text, and after a control token, where the vocabulary puts one.
    EXPECT_EQ(tokenizer->name(tokenizer->encode("a")[0]), " a");
    const Tokens ids = tokenizer->encode("<|end|>a", Special::kAllow);
    ASSERT_EQ(ids.size(), 2U);
    EXPECT_EQ(tokenizer->name(ids[1]), " a");
}

TEST(Vocabulary, FileHasOneSpelling) {
    for (const auto& tokenizer : {byte_level_toy(), scored_toy()}) {
        const Bytes file = tokenizer->serialise();
        const auto again = parse_tokenizer(file).value();
        EXPECT_EQ(again->serialise(), file);
        EXPECT_EQ(again->encode("abc cab <|end|>"), tokenizer->encode("abc cab <|end|>"));
        EXPECT_EQ(again->chat_template(), "template");
        for (std::size_t size = 0; size < file.size(); ++size)
            ASSERT_FALSE(VocabularyTokenizer::parse(ByteView(file).first(size)).ok()) << size;
        Bytes longer = file;
        longer.push_back(0);
        EXPECT_FALSE(parse_tokenizer(longer).ok());
        // The parts, too, say all.
        EXPECT_EQ((*make_tokenizer(tokenizer->parts()))->serialise(), file);
    }
}

TEST(Vocabulary, RefusesPartsThatContradictEachOther) {
    const VocabularyParts good = byte_level_toy()->parts();
    const auto refused = [&](auto change) {
        VocabularyParts parts = good;
        change(parts);
        return !make_tokenizer(std::move(parts)).ok();
    };
    EXPECT_FALSE(refused([](VocabularyParts&) {}));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.pieces.clear(); }));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.types.pop_back(); }));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.merges.push_back("zz y"); }));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.merges.push_back("zz"); }));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.merges.push_back(p.merges[0]); }));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.bos = 1U << 20; }));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.types[0] = 7; }));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.pieces['x'] = "??"; }));  // no byte 'x' any more
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.model = "bert"; }));
    EXPECT_TRUE(refused([](VocabularyParts& p) { p.pre = "of-tomorrow"; }));
}

TEST(Bpe, ItsPartsMakeATokenizerOfTheSameIds) {
    const std::string_view text = "the cat and the dog and the cow in the end";
    const auto own = train_bpe(std::span(&text, 1), 280).value();
    const auto other = make_tokenizer(own->parts()).value();
    EXPECT_EQ(other->encode(text), own->encode(text));
    EXPECT_EQ(other->begin_token(), own->begin_token());
}

}  // namespace
}  // namespace cairn::text
