// Proves that what was held back at the end of a text comes in the order in which it was written.
#include "cli/write/written_text.h"

#include <gtest/gtest.h>

#include "text/bpe.h"

namespace cairn::cli {
namespace {

TEST(WrittenText, EndsInTheOrderOfItsTokens) {
    const auto tokenizer = text::BpeTokenizer::create({}).value();
    WrittenText written = WrittenText::create(*tokenizer, {}, {"abX"}).value();
    const auto take = [&](const std::string& byte) {
        infer::GeneratedStep step;
        step.token = tokenizer->encode(byte).front();
        return written.take(step);
    };
    EXPECT_EQ(take("a"), "") << "it may become the stop string";
    EXPECT_EQ(take("\xE2"), "") << "it may become a character";
    EXPECT_EQ(written.finish(), "a\xEF\xBF\xBD");
}

}  // namespace
}  // namespace cairn::cli
