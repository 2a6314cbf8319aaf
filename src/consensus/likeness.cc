// CONSENSUS: changing a result here splits the network.
#include "consensus/likeness.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "crypto/hash.h"

namespace cairn::consensus {
namespace {

constexpr double kOne = 65536;
constexpr double kLeastWeight = 1024;
/// Measured likenesses of copies scatter about 1: up to a twentieth below it is still a copy.
constexpr double kMargin = 1.05;
constexpr int kSteps = 17;
constexpr std::size_t kSignsPerHash = 256;

/// |a| and |b| below 2^15 and at most 2^16 of them: below 2^46, so exact as a double too.
double dot(const Fold& a, const Fold& b) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < a.sums.size(); ++i)
        sum += std::int32_t{a.sums[i]} * std::int32_t{b.sums[i]};
    return static_cast<double>(sum);
}

}  // namespace

Folder::Folder(const Hash256& judge_seed, std::uint64_t parameter_count)
    : negative_(parameter_count) {
    constexpr std::array<std::uint8_t, 4> kWord{'f', 'o', 'l', 'd'};
    crypto::Sha256 prefix;
    prefix.update(kWord).update(judge_seed.view());
    for (std::size_t first = 0; first < negative_.size(); first += kSignsPerHash) {
        std::array<std::uint8_t, 8> number{};
        for (std::size_t i = 0; i < number.size(); ++i)
            number[i] = static_cast<std::uint8_t>((first / kSignsPerHash) >> (8 * i));
        const Hash256 bits = crypto::Sha256(prefix).update(number).finish();
        const std::size_t count = std::min(kSignsPerHash, negative_.size() - first);
        for (std::size_t i = 0; i < count; ++i)
            negative_[first + i] = ((bits.bytes[i / 8] >> (i % 8)) & 1) != 0;
    }
}

Fold Folder::fold(const Delta& delta, std::uint32_t payload_cosine) const {
    CHECK(delta.size() == negative_.size() && payload_cosine > 0);
    // Sums of at most 2^20 entries below 2^31.
    std::vector<std::int64_t> sums(std::min(kFolds, delta.size()), 0);
    for (std::size_t i = 0; i < delta.size(); ++i) {
        const std::int64_t entry = delta[i];
        sums[i % kFolds] += negative_[i] ? -entry : entry;
    }
    std::int64_t most = 0;
    for (const std::int64_t sum : sums) most = std::max(most, sum < 0 ? -sum : sum);
    Fold fold{std::vector<std::int16_t>(sums.size(), 0), payload_cosine};
    if (most == 0) return fold;
    for (std::size_t i = 0; i < sums.size(); ++i)
        fold.sums[i] = static_cast<std::int16_t>(sums[i] * 32767 / most);
    return fold;
}

Likenesses::Likenesses(std::span<const Fold> folds) : Likenesses(folds.size()) {
    std::vector<double> squares, of_copies;
    for (const Fold& fold : folds) {
        squares.push_back(dot(fold, fold));
        of_copies.push_back(static_cast<double>(fold.payload_cosine));
    }
    for (std::size_t i = 0; i < size_; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const double product = dot(folds[i], folds[j]);
            double likeness = 0;
            if (product > 0) {  // so neither norm is 0
                const double cosine = product / std::sqrt(squares[i] * squares[j]);
                const double by_copies = cosine * kOne / std::sqrt(of_copies[i] * of_copies[j]);
                likeness = std::min(1.0, by_copies * kMargin);
            }
            values_[i * size_ + j] = values_[j * size_ + i] = likeness;
        }
    }
}

Likenesses Likenesses::of(std::span<const std::size_t> some) const {
    Likenesses result(some.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
        CHECK(some[i] < size_);
        for (std::size_t j = 0; j < some.size(); ++j)
            result.values_[i * some.size() + j] = (*this)(some[i], some[j]);
    }
    return result;
}

std::vector<std::uint32_t> Likenesses::weights() const {
    std::vector<double> weights(size_, 1.0), next(size_);
    for (int step = 0; step < kSteps; ++step) {
        for (std::size_t i = 0; i < size_; ++i) {
            double around = 0;
            for (std::size_t j = 0; j < size_; ++j) {
                const double likeness = (*this)(i, j);
                around += likeness * likeness * weights[j];
            }
            next[i] = weights[i] / around;  // its own 1 is part of the sum: not 0
        }
        weights.swap(next);
    }
    std::vector<std::uint32_t> result;
    for (const double weight : weights)
        result.push_back(
            static_cast<std::uint32_t>(std::clamp(std::floor(weight * kOne), kLeastWeight, kOne)));
    return result;
}

}  // namespace cairn::consensus
