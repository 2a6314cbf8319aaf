#include "argument/prover.h"

#include <utility>

#include "argument/argument.h"
#include "argument/commitment.h"
#include "argument/fractions.h"
#include "argument/multilinear.h"
#include "argument/proof.h"
#include "argument/replay.h"
#include "argument/weighing.h"
#include "base/check.h"

namespace cairn::argument {

namespace {

std::vector<std::vector<Fp2>> denominators(const Witness& witness, const LookupTerms& terms) {
    std::vector<std::vector<Fp2>> leaves(tensor::kDigitCount);
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k) {
        leaves[k].resize(witness.pairs());
        const std::span<const Fp> digits =
            k == 0 ? std::span<const Fp>(witness.digit0) : witness.column(k - 1);
        for (std::size_t pair = 0; pair < witness.pairs(); ++pair) {
            const Fp entry = k == 0 ? Fp(1) : witness.column(kCommitted + k - 1)[pair];
            leaves[k][pair] = terms.beta + Fp2(digits[pair]) + terms.rho * entry;
        }
    }
    return leaves;
}

/// The committed columns' values at a point of pairs.
std::vector<Fp2> columns_at(const Witness& witness, std::span<const Fp2> point) {
    const std::vector<Fp2> rows = place_weights(point.first(witness.log));
    const std::vector<Fp2> keys = place_weights(point.subspan(witness.log));
    std::vector<Fp2> values(kColumns);
    for (std::size_t c = 0; c < kColumns; ++c)
        for (std::size_t i = 0; i < rows.size(); ++i)
            values[c] +=
                rows[i] * dot(witness.column(c).subspan(i * keys.size(), keys.size()), keys);
    return values;
}

/// value_j of weighing.h: each key's value, its numbers weighed.
std::vector<Fp2> weighed_values(const Statement& statement, std::span<const Fp2> weights,
                                std::size_t padded) {
    std::vector<Fp2> result(padded);
    for (std::size_t j = 0; j < statement.sizes.rows; ++j)
        for (std::size_t c = 0; c < weights.size(); ++c)
            result[j] += weights[c] * Fp::of(statement.values[j * weights.size() + c]);
    return result;
}

/// Whether the sums are those of the witness's weights.
bool sums_fit(const Statement& statement, const Witness& witness) {
    const Sizes& sizes = statement.sizes;
    const std::size_t side = std::size_t{1} << witness.log;
    for (std::size_t i = 0; i < sizes.rows; ++i) {
        std::vector<std::int64_t> sums(sizes.head_dim);
        for (std::size_t j = sizes.first_key(i); j <= i; ++j) {
            Fp product(1);
            for (std::size_t k = 0; k < kCommitted; ++k)
                product *= witness.column(kCommitted + k)[i * side + j];
            const auto weight = static_cast<std::int64_t>(product.value());
            for (std::size_t c = 0; weight != 0 && c < sizes.head_dim; ++c)
                sums[c] += weight * statement.values[j * sizes.head_dim + c];
        }
        for (std::size_t c = 0; c < sizes.head_dim; ++c)
            if (sums[c] != statement.sums[i * sizes.head_dim + c]) return false;
        const std::uint64_t one = std::uint64_t{1} << tensor::kDigitWeightBits;
        const std::uint64_t sum = witness.row_sums[i];
        if ((sum < one ? one - sum : sum - one) > row_sum_tolerance(i + 1 - sizes.first_key(i)))
            return false;
    }
    return true;
}

}  // namespace

Bytes prove_with(const Statement& statement, const Witness& witness, const Lies& lies) {
    const auto unless = [&witness](const Witness* lie) -> const Witness& {
        return lie == nullptr ? witness : *lie;
    };
    Proof proof;
    proof.rows = static_cast<std::uint16_t>(statement.sizes.rows);
    proof.row_sums = witness.row_sums;
    proof.multiplicities = witness.multiplicities;
    const Commitment commitment(matrix_shape(witness.log), unless(lies.committed).columns);
    proof.root = commitment.root();
    Transcript transcript(statement_hash(statement));
    const LookupTerms lookup = begin(transcript, proof);
    Speaker speaker(transcript, proof.messages);
    const std::vector<Fp2> looked_up =
        prove_fractions(denominators(unless(lies.looked_up), lookup), speaker);
    speaker.say("columns at the lookup's point", columns_at(unless(lies.told), looked_up));
    const Outputs outputs = begin_outputs(transcript, statement.sizes, looked_up);
    const std::vector<Fp2> point = prove_weighing(
        witness, outputs.terms,
        weighed_values(statement, outputs.width_weights, std::size_t{1} << witness.log), speaker);
    speaker.say("columns at the last point", columns_at(witness, point));
    CHECK(proof.messages.size() == message_elements(witness.log));
    const RowWeights weights = begin_opening(transcript, witness.log, point);
    proof.value_row = commitment.weigh_rows(weights.value);
    proof.random_row = commitment.weigh_rows(weights.random);
    if (lies.before_queries) lies.before_queries(proof);
    for (const std::size_t place : begin_queries(transcript, proof).places)
        proof.columns.push_back(commitment.open(place));
    return encode(proof);
}

Result<Bytes> prove(const Statement& statement) {
    ASSIGN_OR_RETURN(const Witness witness, make_witness(statement));
    if (!sums_fit(statement, witness)) return invalid("the statement is not true");
    return prove_with(statement, witness);
}

}  // namespace cairn::argument
