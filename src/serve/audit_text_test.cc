// Proves that what an auditor sends reads as what clients send: texts begin as all texts of the
// model do, what stands behind a prompt is written by the model and ends where it ends, rows that
// come alone are as many as in any text, and no text takes longer to write than it may.
#include "serve/audit_text.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "serve/test_world.h"

namespace cairn::serve {
namespace {

struct AuditTextTest : ::testing::Test {
    std::shared_ptr<const model::Model> model = small_model();
    ModelSnapshot snapshot = snapshot_of(model).value();
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    SeededRandom random{3};
    ManualClock clock;
    static constexpr std::uint32_t kBegin = 7, kEnd = 9;

    std::vector<AuditText> draw(std::size_t count, const std::optional<TextBounds>& bounds,
                                std::span<const std::uint32_t> text = {},
                                const AuditTextLimits& limits = {}) {
        AuditTexts texts(snapshot, compute, random, clock, bounds, limits);
        std::vector<AuditText> made;
        for (std::size_t i = 0; i < count; ++i) {
            made.push_back(texts.draw(text).value());
            std::size_t rows = 0;
            for (const TextTurn& turn : made.back().turns) rows += turn.prompt + turn.steps;
            EXPECT_EQ(rows, made.back().tokens.size());
            EXPECT_LE(rows, std::size_t{limits.max_prompt} + limits.max_steps);
        }
        return made;
    }
};

TEST_F(AuditTextTest, BeginsAsAllTextsDo) {
    const std::vector<std::uint32_t> window(200, 5);
    for (const std::span<const std::uint32_t> text :
         {std::span<const std::uint32_t>(), std::span<const std::uint32_t>(window)}) {
        for (const AuditText& made : draw(20, TextBounds{kBegin, true, kEnd}, text))
            EXPECT_EQ(made.tokens[0], kBegin);
        // Where nobody puts that token, a text is what follows it.
        const auto without = draw(20, TextBounds{kBegin, false, kEnd}, text);
        EXPECT_LT(std::ranges::count_if(
                      without, [](const AuditText& made) { return made.tokens[0] == kBegin; }),
                  10);
    }
}

TEST_F(AuditTextTest, EndsWhereTheModelEndsIt) {
    bool is_shorter = false;
    for (const AuditText& made : draw(40, TextBounds{kBegin, true, kEnd})) {
        EXPECT_EQ(std::ranges::count(made.tokens, kEnd), 0);
        is_shorter = is_shorter || made.tokens.size() < 10;
    }
    EXPECT_TRUE(is_shorter);
}

// Who has the text, or the model, would know an answer that the model did not write.
TEST_F(AuditTextTest, WhatIsWrittenIsTheModels) {
    std::vector<std::uint32_t> window(400);
    for (std::uint32_t& token : window)
        token = static_cast<std::uint32_t>(random.below(snapshot.config.vocab));
    std::size_t answers = 0, of_text = 0;
    for (const AuditText& made : draw(40, TextBounds{kBegin, true, kEnd}, window)) {
        const TextTurn& turn = made.turns[0];
        if (turn.prompt < 2 || turn.steps < 3) continue;
        ++answers;
        // From the last token of the prompt on.
        const auto from = made.tokens.begin() + static_cast<std::ptrdiff_t>(turn.prompt) - 1;
        of_text += std::search(window.begin(), window.end(), from, from + 4) != window.end();
    }
    EXPECT_GT(answers, 10U);
    EXPECT_LE(of_text, 1U);
}

// A server that is honest in a session's first rows, in its first steps or in the first answer
// alone is found as well.
TEST_F(AuditTextTest, StepsAreNoFewerThanAnybodyHas) {
    std::size_t most_steps = 0, two_turns = 0;
    for (const AuditText& made : draw(60, {})) {
        for (const TextTurn& turn : made.turns) most_steps = std::max(most_steps, turn.steps);
        two_turns += made.turns.size() > 1;
    }
    EXPECT_GT(most_steps, 40U);
    EXPECT_GT(two_turns, 0U);
}

TEST_F(AuditTextTest, TakesNoLongerThanItMay) {
    AuditTextLimits limits;
    limits.write_ms = 0;
    for (const AuditText& made : draw(20, TextBounds{kBegin, true, kEnd}, {}, limits))
        EXPECT_LE(made.tokens.size(), 5U) << "one token each time";
}

}  // namespace
}  // namespace cairn::serve
