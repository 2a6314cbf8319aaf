// Proves that the outputs' sum is the sum over all pairs that its header states, whatever the
// columns are, and that it ends at their values.
#include "argument/weighing.h"

#include <gtest/gtest.h>

#include "argument/multilinear.h"
#include "base/random.h"

namespace cairn::argument {
namespace {

struct WeighingTest : ::testing::Test {
    WeighingTest() {
        witness.log = kLog;
        for (auto* part : {&witness.below, &witness.seen}) *part = numbers(kSide * kSide);
        witness.columns = numbers(kColumns * kSide * kSide);
        terms = {elements(kLog), elements(2 * kLog), elements(1)[0], elements(1)[0]};
        values = elements(kSide);
    }
    std::vector<Fp> numbers(std::size_t count) {
        std::vector<Fp> result(count);
        for (Fp& each : result) each = Fp(random.u64());
        return result;
    }
    std::vector<Fp2> elements(std::size_t count) {
        std::vector<Fp2> result(count);
        for (Fp2& each : result) each = {Fp(random.u64()), Fp(random.u64())};
        return result;
    }
    /// The header's formula.
    Fp2 whole() const {
        const std::vector<Fp2> of_row = place_weights(terms.row);
        const std::vector<Fp2> of_pair = place_weights(terms.lookup);
        Fp2 sum;
        for (std::size_t pair = 0; pair < of_pair.size(); ++pair) {
            Fp weight = witness.seen[pair];
            Fp2 mix, factor = terms.alpha * terms.alpha;
            for (std::size_t c = 0; c < kColumns; ++c, factor *= terms.alpha) {
                mix += factor * witness.column(c)[pair];
                if (c >= kCommitted) weight *= witness.column(c)[pair];
            }
            sum += of_row[pair / kSide] * weight * (values[pair % kSide] + terms.gamma);
            sum += of_pair[pair] * (terms.alpha * (witness.seen[pair] * witness.below[pair]) + mix);
        }
        return sum;
    }

    static constexpr unsigned kLog = 3;
    static constexpr std::size_t kSide = std::size_t{1} << kLog;
    SeededRandom random{5};
    Witness witness;
    WeighingTerms terms;
    std::vector<Fp2> values;
};

TEST_F(WeighingTest, LeadsFromTheSumToThePoint) {
    std::vector<Fp2> said;
    Transcript prover(Hash256{}), verifier(Hash256{});
    Speaker speaker(prover, said);
    const std::vector<Fp2> point = prove_weighing(witness, terms, values, speaker);
    EXPECT_EQ(said.size(), 2 * kLog * kWeighingDegree);
    Listener listener(verifier, said);
    const WeighingRounds rounds = hear_weighing(kLog, listener);
    EXPECT_EQ(rounds.point, point);
    const std::vector<Fp2> at = place_weights(point);
    WeighingEnd end;
    end.seen = dot(witness.seen, at);
    end.below = dot(witness.below, at);
    end.value = dot(values, place_weights(std::span(point).subspan(kLog)));
    for (std::size_t c = 0; c < kColumns; ++c) end.columns[c] = dot(witness.column(c), at);
    EXPECT_EQ(rounds.lead(whole()), weighing_value(terms, point, end));
    EXPECT_NE(rounds.lead(whole() + Fp2(1)), weighing_value(terms, point, end));
}

}  // namespace
}  // namespace cairn::argument
