// Proves that an encoding of a long text ends at once when nobody wants it any more, whatever the
// text is made of, and that one that is wanted is what it was.
#include "text/interruption.h"

#include <gtest/gtest.h>

#include <ctime>

#include "text/bpe.h"
#include "text/test_vocabulary.h"

namespace cairn::text {
namespace {

constexpr std::size_t kLong = std::size_t{1} << 20;

std::string many_words() {
    std::string text;
    for (std::size_t i = 0; text.size() < kLong; ++i) text += "w" + std::to_string(i) + " ";
    return text;
}

// Of a text that begins with what is there for an interruption, hardly anything is read.
void expect_ends(const Tokenizer& tokenizer, const std::string& text) {
    // Of the processor, so that others who use it do not count.
    const std::clock_t before = std::clock();
    const Tokens whole = tokenizer.encode(text);
    const std::clock_t took = std::clock() - before;
    std::atomic<bool> raised = false;
    {
        const Interruption interruption(raised);
        EXPECT_EQ(tokenizer.encode(text), whole);
        raised = true;
        const std::clock_t began = std::clock();
        (void)tokenizer.encode(text);
        EXPECT_LT(std::clock() - began, took / 2);
    }
    EXPECT_EQ(tokenizer.encode(text), whole);
}

TEST(Interruption, EndsAnEncodingOfManyWordsAndOfOne) {
    const std::string_view learnt = "the cat and the hat and the theatre";
    const auto bpe = train_bpe(std::span(&learnt, 1), 262).value();
    expect_ends(*bpe, many_words());
    for (const auto& tokenizer : {test::byte_level_toy(), test::scored_toy()}) {
        expect_ends(*tokenizer, many_words());
        expect_ends(*tokenizer, std::string(kLong, 'a'));
    }
}

}  // namespace
}  // namespace cairn::text
