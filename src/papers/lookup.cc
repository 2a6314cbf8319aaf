#include "papers/lookup.h"

#include <map>

namespace cairn::papers {

namespace {

constexpr std::uint64_t kP = kLookupPrime;

__extension__ using Wide = unsigned __int128;

std::uint64_t add(std::uint64_t a, std::uint64_t b) { return (a + b) % kP; }

std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::uint64_t>(static_cast<Wide>(a) * b % kP);
}

/// a^(p - 2), by Fermat the inverse of a.
std::uint64_t inverse(std::uint64_t a) {
    std::uint64_t result = 1;
    for (std::uint64_t exponent = kP - 2; exponent > 0; exponent >>= 1) {
        if (exponent & 1) result = multiply(result, a);
        a = multiply(a, a);
    }
    return result;
}

std::uint64_t element(std::int64_t value) {
    const auto rest = value % static_cast<std::int64_t>(kP);
    return static_cast<std::uint64_t>(rest < 0 ? rest + static_cast<std::int64_t>(kP) : rest);
}

}  // namespace

Result<LookupSides> check_lookup(const std::vector<std::int64_t>& table,
                                 const std::vector<std::int64_t>& values, std::uint64_t beta) {
    LookupSides sides;
    sides.multiplicities.resize(table.size());
    std::map<std::uint64_t, std::size_t> first;
    for (std::size_t j = 0; j < table.size(); ++j) first.emplace(element(table[j]), j);
    const std::uint64_t shift = beta % kP;
    for (const std::int64_t value : values) {
        const std::uint64_t denominator = add(element(value), shift);
        if (denominator == 0) return invalid("beta makes a denominator 0: draw another");
        sides.left = add(sides.left, inverse(denominator));
        const auto found = first.find(element(value));
        if (found != first.end()) sides.multiplicities[found->second] += 1;
    }
    for (std::size_t j = 0; j < table.size(); ++j) {
        const std::uint64_t denominator = add(element(table[j]), shift);
        if (denominator == 0) return invalid("beta makes a denominator 0: draw another");
        sides.right = add(sides.right, multiply(sides.multiplicities[j], inverse(denominator)));
    }
    sides.accepted = sides.left == sides.right;
    return sides;
}

}  // namespace cairn::papers
