#include "argument/reed_solomon.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::argument {

namespace {

std::size_t reversed(std::size_t value, unsigned bits) {
    std::size_t result = 0;
    for (unsigned i = 0; i < bits; ++i) result |= (value >> i & 1) << (bits - 1 - i);
    return result;
}

}  // namespace

ReedSolomon::ReedSolomon(unsigned log) : log_(log) {
    CHECK(log <= 24);
    const Fp root = root_of_unity(log);
    Fp power(1);
    for (std::size_t i = 0; i < std::max<std::size_t>(row_size() / 2, 1); ++i, power *= root)
        roots_.push_back(power);
    Fp offset(1);
    for (std::size_t coset = 1; coset < kCodeBlowup; ++coset) {
        offset *= root_of_unity(log_ + 2);
        Fp each(1);
        for (std::size_t i = 0; i < row_size(); ++i, each *= offset) offsets_.push_back(each);
    }
}

/// Values at the powers of the root, each at the place whose bits are its exponent's reversed.
void ReedSolomon::transform(std::span<Fp> values) const {
    for (std::size_t half = values.size() / 2; half > 0; half /= 2) {
        const std::size_t step = values.size() / 2 / half;
        for (std::size_t begin = 0; begin < values.size(); begin += 2 * half) {
            for (std::size_t i = 0; i < half; ++i) {
                const Fp low = values[begin + i], high = values[begin + half + i];
                values[begin + i] = low + high;
                values[begin + half + i] = (low - high) * roots_[i * step];
            }
        }
    }
}

void ReedSolomon::encode(std::span<const Fp> row, std::span<Fp> word) const {
    CHECK(row.size() == row_size() && word.size() == word_size());
    for (std::size_t coset = 0; coset < kCodeBlowup; ++coset) {
        const std::span<Fp> part = word.subspan(coset * row.size(), row.size());
        if (coset == 0) {
            std::copy(row.begin(), row.end(), part.begin());
        } else {
            const Fp* powers = &offsets_[(coset - 1) * row.size()];
            for (std::size_t i = 0; i < row.size(); ++i) part[i] = row[i] * powers[i];
        }
        transform(part);
    }
}

Fp code_point(unsigned log, std::size_t place) {
    const std::size_t row_size = std::size_t{1} << log;
    CHECK(place < kCodeBlowup * row_size);
    const std::size_t exponent = kCodeBlowup * reversed(place % row_size, log) + place / row_size;
    return power(root_of_unity(log + 2), exponent);
}

Fp2 value_at(std::span<const Fp2> coefficients, Fp x) {
    // Horner's rule over blocks, each a dot product with the first powers of x.
    constexpr std::size_t kBlock = 64;
    std::vector<Fp> powers(std::min(kBlock, coefficients.size()));
    Fp next(1);
    for (Fp& each : powers) {
        each = next;
        next *= x;
    }
    Fp2 result;
    for (std::size_t blocks = (coefficients.size() + kBlock - 1) / kBlock; blocks-- > 0;) {
        const auto block = coefficients.subspan(
            blocks * kBlock, std::min(kBlock, coefficients.size() - blocks * kBlock));
        result = result * next + dot(std::span<const Fp>(powers).first(block.size()), block);
    }
    return result;
}

}  // namespace cairn::argument
