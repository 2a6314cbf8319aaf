#include "argument/weighing.h"

#include <utility>

#include "argument/multilinear.h"
#include "base/check.h"

namespace cairn::argument {

namespace {

constexpr std::size_t kPoints = kWeighingDegree + 1;

/// All pairs that are left, in Fp before the first round and in Fp2 from then on.
template <typename Number>
struct Pairs {
    std::span<const Number> seen, below;
    std::array<std::span<const Number>, kCommitted> entries;
    std::span<const Fp2> mix;
};

/// What of a round does not depend on rows: sums over a row's pairs.
struct RowSums {
    std::array<Fp2, kPoints - 1> weights;  ///< at 0, 1, ...: one degree less than the round's
    std::array<Fp2, 3> digits;
    std::array<Fp2, 2> mix;
};

/// Adds the pairs [first, first + size) and those that stand `half` behind.
template <typename Number>
RowSums sum_row(const Pairs<Number>& pairs, std::size_t first, std::size_t half,
                std::span<const Fp2> values, std::span<const Fp2> equal) {
    RowSums sums;
    for (std::size_t j = 0; j < values.size(); ++j) {
        const std::size_t low = first + j, high = low + half;
        sums.mix[0] += equal[j] * pairs.mix[low];
        sums.mix[1] += equal[j] * pairs.mix[high];
        Number seen = pairs.seen[low];
        const Number step_seen = pairs.seen[high] - seen;
        if (seen == Number() && step_seen == Number()) continue;
        Number below = pairs.below[low];
        const Number step_below = pairs.below[high] - below;
        std::array<Number, kCommitted> entries, steps;
        for (std::size_t k = 0; k < kCommitted; ++k) {
            entries[k] = pairs.entries[k][low];
            steps[k] = pairs.entries[k][high] - entries[k];
        }
        for (std::size_t t = 0; t < sums.weights.size(); ++t) {
            sums.weights[t] +=
                values[j] * (seen * (entries[0] * entries[1]) * (entries[2] * entries[3]));
            if (t < sums.digits.size()) {
                sums.digits[t] += equal[j] * (seen * below);
                below += step_below;
            }
            seen += step_seen;
            for (std::size_t k = 0; k < kCommitted; ++k) entries[k] += steps[k];
        }
    }
    return sums;
}

/// The prover's side, with what is left of every polynomial.
struct Prover {
    std::vector<Fp2> row, lookup_row, lookup_key, values, mix;
    std::vector<Fp2> seen, below;
    std::array<std::vector<Fp2>, kCommitted> entries;
    Fp2 alpha;

    Pairs<Fp2> pairs() const {
        return {seen, below, {entries[0], entries[1], entries[2], entries[3]}, mix};
    }

    /// A round that binds a variable of the rows.
    template <typename Number>
    std::vector<Fp2> row_round(const Pairs<Number>& left) const {
        const std::size_t half = row.size() / 2, width = values.size();
        std::vector<Fp2> round(kPoints);
        for (std::size_t i = 0; i < half; ++i) {
            const RowSums sums = sum_row(left, i * width, half * width, values, lookup_key);
            const std::vector<Fp2> weights =
                extend({sums.weights.begin(), sums.weights.end()}, kPoints);
            const std::vector<Fp2> digits =
                extend({sums.digits.begin(), sums.digits.end()}, kPoints);
            Fp2 columns = sums.mix[0], of_row = row[i], of_lookup = lookup_row[i];
            for (std::size_t t = 0; t < kPoints; ++t) {
                round[t] += of_row * weights[t] + of_lookup * (alpha * digits[t] + columns);
                columns += sums.mix[1] - sums.mix[0];
                of_row += row[half + i] - row[i];
                of_lookup += lookup_row[half + i] - lookup_row[i];
            }
        }
        return round;
    }

    void bind_row(const Fp2& r) {
        for (auto* part : {&row, &lookup_row, &mix, &seen, &below}) bind(*part, r);
        for (auto& part : entries) bind(part, r);
    }

    void bind_first_row(const Witness& witness, const Fp2& r) {
        for (auto* part : {&row, &lookup_row, &mix}) bind(*part, r);
        seen = bound(witness.seen, r);
        below = bound(witness.below, r);
        for (std::size_t k = 0; k < kCommitted; ++k)
            entries[k] = bound(witness.column(kCommitted + k), r);
    }

    /// A round that binds a variable of the keys.
    std::vector<Fp2> key_round() const {
        const std::size_t half = values.size() / 2;
        std::vector<Fp2> round(kPoints);
        const std::array<const std::vector<Fp2>*, 9> parts = {
            &seen,       &below,      &mix,        &values,    &lookup_key,
            &entries[0], &entries[1], &entries[2], &entries[3]};
        for (std::size_t j = 0; j < half; ++j) {
            std::array<Fp2, parts.size()> at;
            for (std::size_t p = 0; p < parts.size(); ++p) at[p] = (*parts[p])[j];
            for (Fp2& each : round) {
                each += row[0] * at[0] * at[3] * (at[5] * at[6]) * (at[7] * at[8]) +
                        lookup_row[0] * at[4] * (alpha * at[0] * at[1] + at[2]);
                for (std::size_t p = 0; p < parts.size(); ++p)
                    at[p] += (*parts[p])[half + j] - (*parts[p])[j];
            }
        }
        return round;
    }

    void bind_key(const Fp2& r) {
        for (auto* part : {&values, &lookup_key, &mix, &seen, &below}) bind(*part, r);
        for (auto& part : entries) bind(part, r);
    }
};

std::vector<Fp2> mixed(const Witness& witness, const Fp2& alpha) {
    std::vector<Fp2> mix(witness.pairs());
    Fp2 weight = alpha * alpha;
    for (std::size_t c = 0; c < kColumns; ++c, weight *= alpha) {
        const std::span<const Fp> column = witness.column(c);
        for (std::size_t pair = 0; pair < mix.size(); ++pair) mix[pair] += weight * column[pair];
    }
    return mix;
}

}  // namespace

std::vector<Fp2> prove_weighing(const Witness& witness, const WeighingTerms& terms,
                                std::vector<Fp2> values, Speaker& speaker) {
    Prover prover;
    const std::span<const Fp2> lookup(terms.lookup);
    prover.row = place_weights(terms.row);
    prover.lookup_row = place_weights(lookup.first(witness.log));
    prover.lookup_key = place_weights(lookup.subspan(witness.log));
    for (Fp2& value : values) value += terms.gamma;
    prover.values = std::move(values);
    prover.alpha = terms.alpha;
    prover.mix = mixed(witness, terms.alpha);
    std::vector<Fp2> point;
    const auto say = [&](const std::vector<Fp2>& round) {
        speaker.say("weighing round", round_message(round));
        point.push_back(speaker.transcript().challenge());
        return point.back();
    };
    const Pairs<Fp> all{witness.seen,
                        witness.below,
                        {witness.column(kCommitted), witness.column(kCommitted + 1),
                         witness.column(kCommitted + 2), witness.column(kCommitted + 3)},
                        prover.mix};
    prover.bind_first_row(witness, say(prover.row_round(all)));
    for (unsigned round = 1; round < witness.log; ++round)
        prover.bind_row(say(prover.row_round(prover.pairs())));
    for (unsigned round = 0; round < witness.log; ++round) prover.bind_key(say(prover.key_round()));
    return point;
}

WeighingRounds hear_weighing(unsigned log, Listener& listener) {
    WeighingRounds rounds;
    const std::span<const Fp2> first = listener.rest();
    for (unsigned round = 0; round < 2 * log; ++round) {
        listener.hear("weighing round", kWeighingDegree);
        rounds.point.push_back(listener.transcript().challenge());
    }
    rounds.messages = first.first(2 * log * kWeighingDegree);
    return rounds;
}

Fp2 WeighingRounds::lead(Fp2 claim) const {
    for (std::size_t round = 0; round < point.size(); ++round)
        claim = next_claim(claim, messages.subspan(round * kWeighingDegree, kWeighingDegree),
                           point[round]);
    return claim;
}

Fp2 weighing_value(const WeighingTerms& terms, std::span<const Fp2> point, const WeighingEnd& end) {
    const std::span<const Fp2> entries = std::span(end.columns).subspan(kCommitted);
    Fp2 weight = end.seen;
    for (const Fp2& entry : entries) weight *= entry;
    return equality(terms.row, point.first(terms.row.size())) * weight * (end.value + terms.gamma) +
           equality(terms.lookup, point) *
               (terms.alpha * end.seen * end.below + mix_columns(terms.alpha, end.columns));
}

Fp2 mix_columns(const Fp2& alpha, std::span<const Fp2> columns) {
    Fp2 mix, weight = alpha * alpha;
    for (const Fp2& column : columns) {
        mix += weight * column;
        weight *= alpha;
    }
    return mix;
}

}  // namespace cairn::argument
