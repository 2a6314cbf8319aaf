// Proves that values of multilinear polynomials, and of a round's polynomial between its points,
// are what their definitions say, and that a transcript's challenges depend on all that was said.
#include "argument/multilinear.h"

#include <gtest/gtest.h>

#include "argument/transcript.h"
#include "base/random.h"

namespace cairn::argument {
namespace {

std::vector<Fp2> draw(SeededRandom& random, std::size_t count) {
    std::vector<Fp2> result(count);
    for (Fp2& each : result) each = {Fp(random.u64()), Fp(random.u64())};
    return result;
}

TEST(Multilinear, WeightsAreProductsOverTheBits) {
    SeededRandom random(1);
    const std::vector<Fp2> point = draw(random, 4), other = draw(random, 4);
    const std::vector<Fp2> weights = place_weights(point), others = place_weights(other);
    Fp2 sum, both;
    for (std::size_t place = 0; place < 16; ++place) {
        Fp2 product(1);
        for (unsigned k = 0; k < 4; ++k)
            product *= (place >> (3 - k) & 1) != 0 ? point[k] : Fp2(1) - point[k];
        EXPECT_EQ(weights[place], product);
        sum += weights[place];
        both += weights[place] * others[place];
    }
    EXPECT_EQ(sum, Fp2(1));
    EXPECT_EQ(equality(point, other), both);
}

TEST(Multilinear, BindingAllVariablesGivesTheValue) {
    SeededRandom random(2);
    const std::vector<Fp2> point = draw(random, 5);
    std::vector<Fp> values(32);
    for (Fp& value : values) value = Fp(random.u64());
    std::vector<Fp2> left = bound(values, point[0]);
    for (std::size_t k = 1; k < 5; ++k) bind(left, point[k]);
    EXPECT_EQ(left, std::vector<Fp2>{dot(values, place_weights(point))});
}

TEST(Multilinear, RoundsFollowTheirPolynomial) {
    SeededRandom random(3);
    for (std::size_t degree = 1; degree <= kMaxDegree; ++degree) {
        const std::vector<Fp2> coefficients = draw(random, degree + 1);
        const auto at = [&](const Fp2& x) {
            Fp2 value;
            for (std::size_t k = coefficients.size(); k-- > 0;) value = value * x + coefficients[k];
            return value;
        };
        std::vector<Fp2> values;
        for (std::size_t i = 0; i <= degree; ++i) values.push_back(at(Fp2(i)));
        const Fp2 r = draw(random, 1)[0];
        EXPECT_EQ(interpolate(values, r), at(r));
        const std::vector<Fp2> message = round_message(values);
        EXPECT_EQ(message.size(), degree);
        EXPECT_EQ(next_claim(values[0] + values[1], message, r), at(r));
        const std::vector<Fp2> more = extend(values, degree + 4);
        for (std::size_t i = 0; i < more.size(); ++i) EXPECT_EQ(more[i], at(Fp2(i)));
    }
}

TEST(Transcript, ChallengesDependOnEverything) {
    const Hash256 about;
    Hash256 about_other;
    about_other.bytes[31] = 1;
    const auto challenge = [](Transcript transcript) { return transcript.challenge(); };
    Transcript one(about);
    const Fp2 bare = challenge(one);
    EXPECT_EQ(challenge(Transcript(about)), bare);
    EXPECT_NE(challenge(Transcript(about_other)), bare);
    one.absorb("a", as_bytes("bc"));
    Transcript moved(about), renamed(about), split(about);
    moved.absorb("ab", as_bytes("c"));
    renamed.absorb("b", as_bytes("bc"));
    split.absorb("a", as_bytes("b"));
    split.absorb("a", as_bytes("c"));
    for (const Transcript& other : {moved, renamed, split})
        EXPECT_NE(challenge(other), challenge(one));
    const std::vector<Fp2> drawn = one.challenges(2);
    EXPECT_NE(drawn[0], drawn[1]);
    Transcript places(about);
    for (const std::size_t place : places.places(100, 8)) EXPECT_LT(place, 8U);
}

}  // namespace
}  // namespace cairn::argument
