// Proves that both tokenizers round-trip any bytes, encode as their published rules say, refuse
// damaged files, and that training is a function of the text alone.
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/disk.h"
#include "base/random.h"
#include "base/test_data.h"
#include "text/bpe.h"
#include "text/llama2c_tokenizer.h"
#include "text/words.h"

namespace cairn::text {
namespace {

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t length = next_word(text);
        words.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return words;
}

std::unique_ptr<BpeTokenizer> trained(std::string_view text, std::uint32_t vocab) {
    return train_bpe(std::span(&text, 1), vocab).value();
}

TEST(Words, FollowTheRule) {
    using List = std::vector<std::string>;
    EXPECT_EQ(split("And God said, Let"), (List{"And", " God", " said", ",", " Let"}));
    EXPECT_EQ(split("a  b"), (List{"a", " ", " b"}));
    EXPECT_EQ(split("12345 6"), (List{"123", "45", " 6"}));
    EXPECT_EQ(split("x\n\n y"), (List{"x", "\n\n", " y"}));
    EXPECT_EQ(split("  "), (List{"  "}));
    EXPECT_EQ(split("it's"), (List{"it", "'", "s"}));
}

TEST(Words, LongRunsAreCutAtCharacterBorders) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "\xE4\xB8\xAD";  // three bytes each
    std::string joined;
    for (const std::string& word : split(text)) {
        EXPECT_LE(word.size(), kMaxWordBytes);
        EXPECT_EQ(word.size() % 3, 0U);
        joined += word;
    }
    EXPECT_EQ(joined, text);
}

TEST(Bpe, LearnsTheMostFrequentPairAndBreaksTiesByLowestIds) {
    // "ab" and "cd" occur three times each: (a, b) has the lower ids. Words of one letter pair.
    const auto tokenizer = trained("cd,ab,cd,ab,cd,ab,", 259);
    EXPECT_EQ(tokenizer->merges(), (std::vector<Merge>{{'a', 'b'}, {'c', 'd'}}));
    EXPECT_EQ(tokenizer->encode("abcd"), (Tokens{257, 258}));
    // Overlapping pairs: leftmost first.
    const auto overlap = trained("aaa,aaa,", 258);
    EXPECT_EQ(overlap->encode("aaa"), (Tokens{257, 'a'}));
}

TEST(Bpe, StopsWhenNoPairOccursTwice) {
    EXPECT_EQ(trained("abcdef", 1000)->vocab_size(), kFirstMerge);
}

TEST(Bpe, RoundTripsRandomBytes) {
    const auto tokenizer = trained("the cat and the dog and the cow in the end", 280);
    SeededRandom random(7);
    for (int round = 0; round < 200; ++round) {
        Bytes bytes(random.below(300));
        random.fill(bytes);
        const std::string text(as_text(bytes));
        EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
    }
}

TEST(Bpe, RoundTripsAndCompressesEveryCorpus) {
    const PosixDisk disk(test_data_folder() + "/corpora");
    for (const char* name : {"tinyshakespeare.txt", "wikitext2-valid.txt", "wikitext2-test.txt"}) {
        const auto file = disk.read(name, 1U << 24);
        if (!file.ok()) GTEST_SKIP() << "no corpora: set CAIRN_TEST_DATA";
        const std::string_view text = as_text(*file);
        const auto tokenizer = trained(text, 1024);
        ASSERT_EQ(tokenizer->vocab_size(), 1024U);
        const Tokens tokens = tokenizer->encode(text);
        EXPECT_EQ(tokenizer->decode(tokens), text);
        EXPECT_LT(tokens.size(), text.size() / 2) << name;
        EXPECT_EQ(trained(text, 1024)->serialise(), tokenizer->serialise());
    }
}

TEST(Bpe, FileHasOneSpelling) {
    const auto tokenizer = trained("the cat and the dog and the cow in the end", 280);
    const Bytes file = tokenizer->serialise();
    EXPECT_EQ(parse_tokenizer(file).value()->serialise(), file);
    for (std::size_t size = 0; size < file.size(); ++size)
        EXPECT_FALSE(parse_tokenizer(ByteView(file).first(size)).ok()) << size;
    Bytes longer = file;
    longer.push_back(0);
    EXPECT_FALSE(parse_tokenizer(longer).ok());
}

TEST(Bpe, RefusesMergesThatCannotBe) {
    EXPECT_FALSE(BpeTokenizer::create({{'a', 257}}).ok());              // itself
    EXPECT_FALSE(BpeTokenizer::create({{'a', kTextBoundary}}).ok());    // the boundary
    EXPECT_FALSE(BpeTokenizer::create({{'a', 'b'}, {'a', 'b'}}).ok());  // twice
    std::vector<Merge> doubling{{'a', 'a'}};
    for (std::uint32_t id = kFirstMerge; id < kFirstMerge + 30; ++id) doubling.push_back({id, id});
    EXPECT_FALSE(BpeTokenizer::create(doubling).ok());  // pieces of 2^31 bytes
}

TEST(StreamDecoder, HoldsIncompleteCharactersBack) {
    const auto tokenizer = BpeTokenizer::create({}).value();
    StreamDecoder decoder(*tokenizer);
    EXPECT_EQ(decoder.push('a'), "a");
    EXPECT_EQ(decoder.push(0xE4), "");
    EXPECT_EQ(decoder.push(0xB8), "");
    EXPECT_EQ(decoder.push(0xAD), "\xE4\xB8\xAD");
    EXPECT_EQ(decoder.push(0xFF), "\xEF\xBF\xBD");  // never a character
    EXPECT_EQ(decoder.push(0xC3), "");
    EXPECT_EQ(decoder.push('b'),
              "\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(decoder.push(0xF0), "");
    EXPECT_EQ(decoder.finish(), "\xEF\xBF\xBD");
}

class Llama2c : public testing::Test {
  protected:
    void SetUp() override {
        const auto file = PosixDisk(test_data_folder()).read("stories260K/tok512.bin", 1U << 20);
        if (!file.ok()) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
        file_ = *file;
        tokenizer_ = parse_tokenizer(file_).value();
    }

    Bytes file_;
    std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(Llama2c, EncodesAsSentencePieceDoes) {
    EXPECT_EQ(tokenizer_->vocab_size(), 512U);
    EXPECT_EQ(tokenizer_->serialise(), file_);
    EXPECT_EQ(tokenizer_->encode("Once upon a time"), (Tokens{403, 407, 261, 378}));
    EXPECT_EQ(tokenizer_->encode(""), Tokens{});
    EXPECT_EQ(tokenizer_->decode(tokenizer_->encode("<s> <0x41>")), "<s> <0x41>");
}

TEST_F(Llama2c, RoundTripsRandomBytes) {
    SeededRandom random(7);
    for (int round = 0; round < 200; ++round) {
        Bytes bytes(random.below(200));
        random.fill(bytes);
        const std::string text(as_text(bytes));
        EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(text)), text);
    }
}

TEST_F(Llama2c, RefusesDamagedFiles) {
    EXPECT_FALSE(parse_tokenizer(ByteView(file_).first(file_.size() - 1)).ok());
    Bytes nan = file_;
    for (int i = 4; i < 8; ++i) nan[static_cast<std::size_t>(i)] = 0xFF;
    EXPECT_FALSE(parse_tokenizer(nan).ok());
}

}  // namespace
}  // namespace cairn::text
