#include "argument/share.h"

#include <algorithm>
#include <span>
#include <utility>

#include "argument/multilinear.h"
#include "base/check.h"
#include "crypto/hash.h"

namespace cairn::argument {

namespace {

/// A run of things that a share is responsible for.
struct Run {
    std::size_t begin, end;
};

Run run_of(std::size_t count, const SharePart& part) {
    return {count * part.share / part.shares, count * (part.share + 1) / part.shares};
}

/// Elements of Fp2 as integers, for exact sums of their products with numbers of 16 bits: 4096 of
/// them stay below 2^90.
struct Whole {
    std::int64_t a = 0, b = 0;
};
struct WideSum {
    Int128 a = 0, b = 0;

    void add(const Whole& weight, std::int16_t number) {
        a += static_cast<Int128>(weight.a) * number;
        b += static_cast<Int128>(weight.b) * number;
    }
    Fp2 value() const { return {Fp::of_wide(a), Fp::of_wide(b)}; }
};

std::vector<Whole> whole(std::span<const Fp2> elements) {
    std::vector<Whole> result;
    for (const Fp2& element : elements)
        result.push_back({static_cast<std::int64_t>(element.a.value()),
                          static_cast<std::int64_t>(element.b.value())});
    return result;
}

/// The sum over rows of a row's weight times its numbers, for each number.
std::vector<Fp2> weigh(Run rows, std::span<const Whole> weights, std::size_t width,
                       const std::vector<std::int16_t>& numbers) {
    std::vector<WideSum> sums(width);
    for (std::size_t i = rows.begin; i < rows.end; ++i)
        for (std::size_t c = 0; c < width; ++c) sums[c].add(weights[i], numbers[i * width + c]);
    std::vector<Fp2> result;
    for (const WideSum& sum : sums) result.push_back(sum.value());
    return result;
}

void add_outputs(const Statement& statement, const Proof& proof, const Replay& replay,
                 SharePart& part) {
    const std::size_t width = statement.sizes.head_dim;
    const std::vector<Fp2> weights = place_weights(replay.outputs.terms.row);
    const Run rows = run_of(statement.sizes.rows, part);
    std::vector<Fp> sums(width);
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
        for (std::size_t c = 0; c < width; ++c) sums[c] = Fp::of(statement.sums[i * width + c]);
        part.sums += weights[i] * dot(sums, replay.outputs.width_weights);
        part.row_sums += weights[i] * Fp(proof.row_sums[i]);
    }
}

/// What the statement has at the last point.
void add_inputs(const Statement& statement, const Replay& replay, SharePart& part) {
    const Sizes& sizes = statement.sizes;
    const std::span<const Fp2> point(replay.rounds.point);
    const std::vector<Fp2> of_row = place_weights(point.first(replay.log));
    const std::vector<Fp2> of_key = place_weights(point.subspan(replay.log));
    const Run rows = run_of(sizes.rows, part);
    part.queries = weigh(rows, whole(of_row), sizes.head_dim, statement.queries);
    part.keys = weigh(rows, whole(of_key), sizes.head_dim, statement.keys);
    part.values = dot(weigh(rows, whole(of_key), sizes.head_dim, statement.values),
                      replay.outputs.width_weights);
    std::vector<Fp2> before{Fp2()};  // the sum of the weights of keys in front
    for (const Fp2& weight : of_key) before.push_back(before.back() + weight);
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
        part.shifts += of_row[i] * Fp::of(statement.shifts[i]);
        part.seen += of_row[i] * (before[i + 1] - before[sizes.first_key(i)]);
    }
}

void add_lookups(const Proof& proof, const LookupTerms& terms, SharePart& part) {
    const Run entries = run_of(kTableEntries, part);
    std::vector<Fp2> denominators;
    std::vector<std::size_t> tables;
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k) {
        const std::size_t end = std::min(entries.end, kTableBegin[k + 1]);
        for (std::size_t e = std::max(entries.begin, kTableBegin[k]); e < end; ++e) {
            const std::size_t digit = e - kTableBegin[k];
            const std::uint32_t entry = tensor::digit_entry(k, static_cast<std::uint32_t>(digit));
            denominators.push_back(terms.beta + Fp2(digit) + terms.rho * Fp(entry));
            tables.push_back(k);
        }
    }
    invert_all(denominators);
    for (std::size_t i = 0; i < denominators.size(); ++i)
        part.lookups[tables[i]] += denominators[i] * Fp(proof.multiplicities[entries.begin + i]);
}

std::string find_fault(const Statement& statement, const Proof& proof, const Replay& replay,
                       const SharePart& part) {
    const Run rows = run_of(statement.sizes.rows, part);
    if (!within_bounds(statement, rows.begin, rows.end)) return "a claimed number is out of bounds";
    constexpr std::uint64_t kOne = std::uint64_t{1} << tensor::kDigitWeightBits;
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
        const std::uint64_t sum = proof.row_sums[i];
        const std::uint64_t off = sum < kOne ? kOne - sum : sum - kOne;
        if (off > row_sum_tolerance(i + 1 - statement.sizes.first_key(i)))
            return "the weights of row " + std::to_string(i) + " do not sum to 1";
    }
    const MatrixShape shape = matrix_shape(replay.log);
    const auto with_theta = [&](std::vector<Fp2> value, std::span<const Fp2> random) {
        for (std::size_t i = 0; i < value.size(); ++i) value[i] += replay.queries.theta * random[i];
        return value;
    };
    const std::vector<Fp2> weights = with_theta(replay.weights.value, replay.weights.random);
    const std::vector<Fp2> sum = with_theta(proof.value_row, proof.random_row);
    const Run columns = run_of(replay.queries.places.size(), part);
    for (std::size_t i = columns.begin; i < columns.end; ++i) {
        const std::size_t place = replay.queries.places[i];
        const OpenColumn& column = proof.columns[i];
        if (!belongs(shape, proof.root, place, column)) return "a column is not the committed one";
        if (!agrees(shape, place, column.values, weights, sum))
            return "a column does not fit the sums of rows";
    }
    return {};
}

}  // namespace

SharePart check_share(const Statement& statement, const Proof& proof, const Replay& replay,
                      std::size_t share, std::size_t shares) {
    SharePart part;
    part.share = share;
    part.shares = shares;
    part.statement = replay.statement;
    part.fault = find_fault(statement, proof, replay, part);
    if (!part.fault.empty()) return part;
    add_outputs(statement, proof, replay, part);
    add_inputs(statement, replay, part);
    add_lookups(proof, replay.lookup, part);
    return part;
}

SharePart check_share(const Statement& statement, ByteView proof, std::size_t share,
                      std::size_t shares) {
    CHECK(share < shares && shares <= kMaxShares);
    SharePart part;
    part.share = share;
    part.shares = shares;
    part.statement = statement_hash(statement);
    const auto finished = [&] {
        part.proof = crypto::sha256(proof);
        return part;
    };
    const auto with_fault = [&](const Error& error) {
        part.fault = error.message;
        return finished();
    };
    if (const Status form = check_form(statement); !form.ok()) return with_fault(form.error());
    const Result<Proof> decoded = decode_proof(proof);
    if (!decoded.ok()) return with_fault(decoded.error());
    const Result<Replay> heard = replay(statement.sizes, part.statement, *decoded);
    if (!heard.ok()) return with_fault(heard.error());
    part = check_share(statement, *decoded, *heard, share, shares);
    return finished();
}

}  // namespace cairn::argument
