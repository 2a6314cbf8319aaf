#include "argument/witness.h"

#include "base/check.h"

namespace cairn::argument {

namespace {

constexpr unsigned kAllBits =
    tensor::kDigitPlace[tensor::kDigitCount - 1] + tensor::kDigitBits[tensor::kDigitCount - 1];

std::int64_t score(const Statement& statement, std::size_t i, std::size_t j) {
    const std::size_t width = statement.sizes.head_dim;
    std::int64_t sum = 0;
    for (std::size_t c = 0; c < width; ++c)
        sum += std::int64_t{statement.queries[i * width + c]} * statement.keys[j * width + c];
    return sum;
}

/// Writes the digits of one pair, counts their entries, and returns the weight.
std::uint64_t enter(Witness& witness, std::size_t pair, std::uint64_t below) {
    std::uint64_t weight = 1;
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k) {
        const std::uint32_t digit = tensor::digit_of(below, k);
        const std::uint32_t entry = tensor::digit_entry(k, digit);
        ++witness.multiplicities[kTableBegin[k] + digit];
        weight *= entry;
        if (k == 0) {
            witness.digit0[pair] = Fp(digit);
        } else {
            witness.columns[(k - 1) * witness.pairs() + pair] = Fp(digit);
            witness.columns[(kCommitted + k - 1) * witness.pairs() + pair] = Fp(entry);
        }
    }
    return weight;
}

}  // namespace

Result<Witness> make_witness(const Statement& statement) {
    RETURN_IF_ERROR(check_form(statement));
    const Sizes& sizes = statement.sizes;
    if (!within_bounds(statement, 0, sizes.rows))
        return invalid("a claimed number is out of bounds");
    Witness witness;
    witness.log = padded_log(sizes.rows);
    witness.columns.resize(kColumns * witness.pairs());
    for (auto* part : {&witness.digit0, &witness.below, &witness.seen})
        part->resize(witness.pairs());
    witness.row_sums.resize(sizes.rows);
    witness.multiplicities.resize(kTableEntries);
    const std::size_t side = std::size_t{1} << witness.log;
    for (std::size_t i = 0; i < side; ++i) {
        for (std::size_t j = 0; j < side; ++j) {
            const std::size_t pair = i * side + j;
            std::int64_t below = i < sizes.rows ? statement.shifts[i] : 0;
            if (i < sizes.rows && j < sizes.rows) below -= score(statement, i, j);
            witness.below[pair] = Fp::of(below);
            if (i >= sizes.rows || j > i || j < sizes.first_key(i)) {
                enter(witness, pair, 0);
                continue;
            }
            if (below < 0 || below >> kAllBits != 0)
                return invalid("a shift with which a score has no digits");
            witness.seen[pair] = Fp(1);
            witness.row_sums[i] += enter(witness, pair, static_cast<std::uint64_t>(below));
        }
    }
    return witness;
}

}  // namespace cairn::argument
