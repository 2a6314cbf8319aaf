// Proves that the modulus is a prime, that the fields' operations are those of the textbook, and
// that words of the code are the values of their polynomials.
#include <gtest/gtest.h>

#include <algorithm>

#include "argument/fp.h"
#include "argument/reed_solomon.h"
#include "base/random.h"

namespace cairn::argument {
namespace {

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint64_t>(static_cast<Uint128>(a) * b % kPrime);
}

std::uint64_t raised(std::uint64_t base, std::uint64_t exponent) {
    std::uint64_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0) result = times(result, base);
        base = times(base, base);
    }
    return result;
}

Fp2 draw(SeededRandom& random) { return {Fp(random.u64()), Fp(random.u64())}; }

TEST(Field, ModulusIsPrime) {
    EXPECT_EQ(kPrime, 0x1FFFFFF9ULL * (std::uint64_t{1} << 32) + 1);
    EXPECT_LT(kPrime, std::uint64_t{1} << 61);
    // Miller and Rabin; the first twelve primes decide below 2^64 (Sorenson and Webster 2017).
    for (const std::uint64_t base : {2U, 3U, 5U, 7U, 11U, 13U, 17U, 19U, 23U, 29U, 31U, 37U}) {
        std::uint64_t x = raised(base, (kPrime - 1) >> kTwoAdicity);
        bool passes = x == 1 || x == kPrime - 1;
        for (unsigned i = 1; i < kTwoAdicity && !passes; ++i) {
            x = times(x, x);
            passes = x == kPrime - 1;
        }
        EXPECT_TRUE(passes) << base;
    }
}

TEST(Field, IsIntegersModuloThePrime) {
    SeededRandom random(1);
    std::vector<std::uint64_t> numbers = {0, 1, 2, kPrime - 1, kPrime - 2, kPrime / 2};
    for (int i = 0; i < 200; ++i) numbers.push_back(random.below(kPrime));
    for (const std::uint64_t a : numbers) {
        EXPECT_EQ(Fp(a).value(), a);
        for (const std::uint64_t b : numbers) {
            EXPECT_EQ((Fp(a) * Fp(b)).value(), times(a, b));
            EXPECT_EQ((Fp(a) + Fp(b)).value(), (a + b) % kPrime);
            EXPECT_EQ((Fp(a) - Fp(b)).value(), (a + kPrime - b) % kPrime);
        }
        EXPECT_EQ(Fp(a) * inverse(Fp(a)), Fp(a == 0 ? 0 : 1));
    }
    EXPECT_EQ(Fp(~std::uint64_t{0}).value(), ~std::uint64_t{0} % kPrime);
    EXPECT_EQ(Fp::of(-5), Fp() - Fp(5));
    EXPECT_EQ(Fp::of(INT64_MIN), Fp() - Fp(std::uint64_t{1} << 63));
    EXPECT_EQ(Fp::of_wide(-(static_cast<Int128>(kPrime) << 40) - 7), Fp::of(-7));
}

TEST(Field, ExtensionIsAField) {
    EXPECT_EQ(raised(3, (kPrime - 1) / 2), kPrime - 1) << "3 must not be a square";
    SeededRandom random(2);
    for (int i = 0; i < 200; ++i) {
        const Fp2 a = draw(random), b = draw(random), c = draw(random);
        const Fp2 product(a.a * b.a + Fp(3) * a.b * b.b, a.a * b.b + a.b * b.a);
        EXPECT_EQ(a * b, product);
        EXPECT_EQ((a + b) * c, a * c + b * c);
        EXPECT_EQ(Fp2::two_products(a, b, b, c), a * b + b * c);
        EXPECT_EQ(a * inverse(a), Fp2(1));
    }
    const Fp2 most(Fp(kPrime - 1), Fp(kPrime - 1));
    EXPECT_EQ(most * most, Fp2(Fp(4), Fp(2)));
    EXPECT_EQ(Fp2::two_products(most, most, most, most), Fp2(Fp(8), Fp(4)));
    std::vector<Fp2> some = {draw(random), Fp2(), draw(random), most};
    const std::vector<Fp2> before = some;
    invert_all(some);
    for (std::size_t i = 0; i < some.size(); ++i) EXPECT_EQ(some[i], inverse(before[i])) << i;
}

TEST(Field, DotProductsAreSumsOfProducts) {
    SeededRandom random(3);
    for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 64U, 65U}) {
        std::vector<Fp> a, b(size, Fp(kPrime - 1));
        std::vector<Fp2> c;
        Fp first;
        Fp2 second, third;
        for (std::size_t i = 0; i < size; ++i) {
            a.push_back(i % 2 == 0 ? Fp(kPrime - 1) : Fp(random.u64()));
            c.push_back(draw(random));
            first += a[i] * b[i];
            second += Fp2(a[i]) * c[i];
            third += c[i] * c[i];
        }
        EXPECT_EQ(dot(a, b), first);
        EXPECT_EQ(dot(a, c), second);
        EXPECT_EQ(dot(c, c), third);
    }
}

TEST(Field, RootsHaveTheirOrder) {
    for (unsigned log = 0; log <= kTwoAdicity; ++log) {
        const Fp root = root_of_unity(log);
        EXPECT_EQ(power(root, std::uint64_t{1} << log), Fp(1));
        if (log == 0) continue;
        EXPECT_EQ(power(root, std::uint64_t{1} << (log - 1)), Fp(kPrime - 1));
    }
}

TEST(ReedSolomon, WordsAreValuesOfTheirPolynomials) {
    SeededRandom random(4);
    for (const unsigned log : {0U, 1U, 2U, 5U, 8U}) {
        const ReedSolomon code(log);
        std::vector<Fp> row(code.row_size()), word(code.word_size());
        for (Fp& number : row) number = Fp(random.u64());
        code.encode(row, word);
        const std::vector<Fp2> coefficients(row.begin(), row.end());
        std::vector<std::uint64_t> points;
        for (std::size_t place = 0; place < word.size(); ++place) {
            const Fp x = code_point(log, place);
            points.push_back(x.value());
            Fp value;
            for (std::size_t k = row.size(); k-- > 0;) value = value * x + row[k];
            EXPECT_EQ(word[place], value) << log << " " << place;
            EXPECT_EQ(value_at(coefficients, x), Fp2(value));
        }
        std::sort(points.begin(), points.end());
        EXPECT_EQ(std::unique(points.begin(), points.end()), points.end()) << "points differ";
    }
}

}  // namespace
}  // namespace cairn::argument
