// What follows from all Verifiers' parts.
#include <algorithm>

#include "argument/multilinear.h"
#include "argument/share.h"
#include "crypto/hash.h"

namespace cairn::argument {

namespace {

Verdict check_parts(const Sizes& sizes, const Hash256& statement, const Hash256& proof,
                    std::span<const SharePart> parts) {
    if (parts.empty()) return Verdict::undecided("no share was checked");
    if (sizes.head_dim < 1 || sizes.head_dim > kMaxHeadDim)
        return Verdict::undecided("no head is so wide");
    for (std::size_t v = 0; v < parts.size(); ++v) {
        const SharePart& part = parts[v];
        if (part.share != v || part.shares != parts.size())
            return Verdict::undecided("not every share was checked once");
        if (part.statement != statement)
            return Verdict::undecided("a share is of another statement");
        if (part.proof != proof) return Verdict::undecided("a share is of another proof");
        if (!part.fault.empty()) return Verdict::invalid(part.fault);
        if (part.queries.size() != sizes.head_dim || part.keys.size() != sizes.head_dim)
            return Verdict::undecided("a share is of another width");
    }
    return Verdict::valid();
}

SharePart add(std::span<const SharePart> parts) {
    SharePart sum = parts[0];
    for (const SharePart& part : parts.subspan(1)) {
        sum.row_sums += part.row_sums;
        sum.sums += part.sums;
        sum.values += part.values;
        sum.shifts += part.shifts;
        sum.seen += part.seen;
        for (std::size_t c = 0; c < sum.queries.size(); ++c) {
            sum.queries[c] += part.queries[c];
            sum.keys[c] += part.keys[c];
        }
        for (std::size_t k = 0; k < tensor::kDigitCount; ++k) sum.lookups[k] += part.lookups[k];
    }
    return sum;
}

/// That all digits and entries stand in the tables, so often as is said.
Verdict check_lookup(const Replay& replay, const SharePart& sum) {
    const FractionClaims& fractions = replay.fractions;
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k) {
        const Fraction& root = fractions.roots[k];
        if (root.denominator == Fp2() || root.numerator != sum.lookups[k] * root.denominator)
            return Verdict::invalid("digit " + std::to_string(k) + " is not always in its table");
        if (k == 0) continue;
        const Fp2 digit = replay.lookup_columns[k - 1];
        const Fp2 entry = replay.lookup_columns[kCommitted + k - 1];
        if (replay.lookup.beta + digit + replay.lookup.rho * entry != fractions.leaves[k])
            return Verdict::invalid("digit " + std::to_string(k) + " is not what was looked up");
    }
    return Verdict::valid();
}

/// That outputs follow from the columns, and digits from the scores.
Verdict check_outputs(const Replay& replay, const SharePart& sum) {
    const WeighingTerms& terms = replay.outputs.terms;
    // Digit 0 is what the lookup says that it is, and the others are the columns.
    Fp2 below = replay.fractions.leaves[0] - replay.lookup.beta - replay.lookup.rho;
    for (std::size_t k = 1; k < tensor::kDigitCount; ++k)
        below += replay.lookup_columns[k - 1] * Fp(std::uint64_t{1} << tensor::kDigitPlace[k]);
    const Fp2 whole = sum.sums + terms.gamma * sum.row_sums + terms.alpha * below +
                      mix_columns(terms.alpha, replay.lookup_columns);
    WeighingEnd end;
    end.seen = sum.seen;
    end.value = sum.values;
    end.below = sum.shifts - dot(sum.queries, sum.keys);
    std::copy(replay.columns.begin(), replay.columns.end(), end.columns.begin());
    if (replay.rounds.lead(whole) != weighing_value(terms, replay.rounds.point, end))
        return Verdict::invalid(
            "the outputs do not follow from the digits, or these from the scores");
    return Verdict::valid();
}

/// That the columns' values at the last point are those of the commitment.
Verdict check_opening(const Replay& replay, const Proof& proof) {
    std::vector<Fp2> all = replay.weights.mix;
    all.insert(all.end(), replay.rounds.point.begin(), replay.rounds.point.end());
    const MatrixShape shape = matrix_shape(replay.log);
    const std::vector<Fp2> of_columns = place_weights(std::span(all).subspan(shape.row_log));
    if (dot(proof.value_row, of_columns) != dot(replay.columns, place_weights(replay.weights.mix)))
        return Verdict::invalid("the columns' values are not those of the commitment");
    return Verdict::valid();
}

}  // namespace

Verdict combine(const Proof& proof, const Replay& replay, std::span<const SharePart> parts) {
    const SharePart sum = add(parts);
    RETURN_UNLESS_VALID(check_lookup(replay, sum));
    RETURN_UNLESS_VALID(check_outputs(replay, sum));
    return check_opening(replay, proof);
}

Verdict combine(const Sizes& sizes, const Hash256& statement, ByteView proof,
                std::span<const SharePart> parts) {
    RETURN_UNLESS_VALID(check_parts(sizes, statement, crypto::sha256(proof), parts));
    const Result<Proof> decoded = decode_proof(proof);
    if (!decoded.ok()) return Verdict::invalid(decoded.error().message);
    const Result<Replay> heard = replay(sizes, statement, *decoded);
    if (!heard.ok()) return Verdict::invalid(heard.error().message);
    return combine(*decoded, *heard, parts);
}

/// As combine() of the one share that is all, but the proof is heard once.
Verdict verify(const Statement& statement, ByteView proof) {
    if (const Status form = check_form(statement); !form.ok())
        return Verdict::invalid(form.error().message);
    const Result<Proof> decoded = decode_proof(proof);
    if (!decoded.ok()) return Verdict::invalid(decoded.error().message);
    const Result<Replay> heard = replay(statement.sizes, statement_hash(statement), *decoded);
    if (!heard.ok()) return Verdict::invalid(heard.error().message);
    const SharePart part = check_share(statement, *decoded, *heard, 0, 1);
    if (!part.fault.empty()) return Verdict::invalid(part.fault);
    return combine(*decoded, *heard, std::span(&part, 1));
}

}  // namespace cairn::argument
