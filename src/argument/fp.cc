#include "argument/fp.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::argument {

namespace {

/// So many products of two numbers below p can be added before they are reduced.
constexpr std::size_t kLazy = 8;
/// No square, so x^2 - 3 has no root and 3^((p - 1) / 2^log) has order 2^log.
constexpr std::uint64_t kNonResidue = 3;

}  // namespace

Fp power(Fp base, std::uint64_t exponent) {
    Fp result(1);
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0) result *= base;
        base *= base;
    }
    return result;
}

Fp inverse(Fp x) { return power(x, kPrime - 2); }

Fp2 inverse(const Fp2& x) {
    const Fp norm = x.a * x.a - Fp(kNonResidue) * x.b * x.b;
    return Fp2(x.a, Fp() - x.b) * inverse(norm);
}

void invert_all(std::span<Fp2> elements) {
    std::vector<Fp2> before(elements.size());  // the product of those in front
    Fp2 product(Fp(1));
    for (std::size_t i = 0; i < elements.size(); ++i) {
        before[i] = product;
        if (elements[i] != Fp2()) product *= elements[i];
    }
    Fp2 rest = inverse(product);
    for (std::size_t i = elements.size(); i-- > 0;) {
        if (elements[i] == Fp2()) continue;
        const Fp2 element = elements[i];
        elements[i] = rest * before[i];
        rest *= element;
    }
}

Fp root_of_unity(unsigned log) {
    CHECK(log <= kTwoAdicity);
    return power(Fp(kNonResidue), (kPrime - 1) >> log);
}

Fp dot(std::span<const Fp> a, std::span<const Fp> b) {
    CHECK(a.size() == b.size());
    Fp result;
    for (std::size_t i = 0; i < a.size();) {
        Uint128 sum = 0;
        for (const std::size_t end = std::min(a.size(), i + kLazy); i < end; ++i)
            sum += a[i].wide(b[i]);
        result += Fp::raw(Fp::reduce(sum));
    }
    return result;
}

Fp2 dot(std::span<const Fp> a, std::span<const Fp2> b) {
    CHECK(a.size() == b.size());
    Fp2 result;
    for (std::size_t i = 0; i < a.size();) {
        Uint128 first = 0, second = 0;
        for (const std::size_t end = std::min(a.size(), i + kLazy); i < end; ++i) {
            first += a[i].wide(b[i].a);
            second += a[i].wide(b[i].b);
        }
        result += Fp2(Fp::raw(Fp::reduce(first)), Fp::raw(Fp::reduce(second)));
    }
    return result;
}

Fp2 dot(std::span<const Fp2> a, std::span<const Fp2> b) {
    CHECK(a.size() == b.size());
    Fp2 result;
    for (std::size_t i = 0; i < a.size(); ++i) result += a[i] * b[i];
    return result;
}

}  // namespace cairn::argument
