#include "argument/multilinear.h"

#include <array>

#include "base/check.h"

namespace cairn::argument {

std::vector<Fp2> place_weights(std::span<const Fp2> point) {
    std::vector<Fp2> weights{Fp2(1)};
    weights.reserve(std::size_t{1} << point.size());
    for (std::size_t k = point.size(); k-- > 0;) {
        const std::size_t half = weights.size();
        weights.resize(2 * half);
        for (std::size_t i = 0; i < half; ++i) {
            weights[half + i] = weights[i] * point[k];
            weights[i] -= weights[half + i];
        }
    }
    return weights;
}

Fp2 equality(std::span<const Fp2> a, std::span<const Fp2> b) {
    CHECK(a.size() == b.size());
    Fp2 product(1);
    for (std::size_t k = 0; k < a.size(); ++k) {
        const Fp2 both = a[k] * b[k];
        product *= both + both + Fp2(1) - a[k] - b[k];
    }
    return product;
}

void bind(std::vector<Fp2>& values, const Fp2& r) {
    const std::size_t half = values.size() / 2;
    for (std::size_t i = 0; i < half; ++i) values[i] += r * (values[half + i] - values[i]);
    values.resize(half);
}

std::vector<Fp2> bound(std::span<const Fp> values, const Fp2& r) {
    const std::size_t half = values.size() / 2;
    std::vector<Fp2> result(half);
    for (std::size_t i = 0; i < half; ++i)
        result[i] = r * (values[half + i] - values[i]) + Fp2(values[i]);
    return result;
}

std::vector<Fp2> extend(std::vector<Fp2> values, std::size_t count) {
    std::vector<Fp2> last;  // difference of each order
    for (std::vector<Fp2> row = values; !row.empty(); row.pop_back()) {
        last.push_back(row.back());
        for (std::size_t i = 0; i + 1 < row.size(); ++i) row[i] = row[i + 1] - row[i];
    }
    while (values.size() < count) {
        for (std::size_t order = last.size() - 1; order-- > 0;) last[order] += last[order + 1];
        values.push_back(last[0]);
    }
    return values;
}

namespace {

using Scales = std::array<std::array<Fp, kMaxDegree + 1>, kMaxDegree + 1>;

/// Entry [d][i]: 1 / the product of i - k over the other k <= d.
Scales make_scales() {
    Scales scales;
    for (std::size_t d = 0; d <= kMaxDegree; ++d)
        for (std::size_t i = 0; i <= d; ++i) {
            Fp product(1);
            for (std::size_t k = 0; k <= d; ++k)
                if (k != i) product *= Fp(i) - Fp(k);
            scales[d][i] = inverse(product);
        }
    return scales;
}

}  // namespace

Fp2 interpolate(std::span<const Fp2> values, const Fp2& r) {
    static const Scales scales = make_scales();
    CHECK(!values.empty() && values.size() <= kMaxDegree + 1);
    const std::size_t degree = values.size() - 1;
    std::array<Fp2, kMaxDegree + 2> before;  // the product of r - k over k < i
    before[0] = Fp2(1);
    for (std::size_t i = 0; i <= degree; ++i) before[i + 1] = before[i] * (r - Fp2(i));
    Fp2 behind(1), result;
    for (std::size_t i = degree + 1; i-- > 0;) {
        result += values[i] * before[i] * behind * scales[degree][i];
        behind *= r - Fp2(i);
    }
    return result;
}

std::vector<Fp2> round_message(std::span<const Fp2> values) {
    CHECK(values.size() >= 2);
    std::vector<Fp2> message{values[0]};
    message.insert(message.end(), values.begin() + 2, values.end());
    return message;
}

Fp2 next_claim(const Fp2& claim, std::span<const Fp2> message, const Fp2& r) {
    CHECK(!message.empty());
    std::vector<Fp2> values{message[0], claim - message[0]};
    values.insert(values.end(), message.begin() + 1, message.end());
    return interpolate(values, r);
}

}  // namespace cairn::argument
