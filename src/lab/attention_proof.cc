#include "lab/attention_proof.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "argument/prover.h"
#include "tensor/attention.h"
#include "tensor/digits.h"
#include "tensor/kernels.h"

namespace cairn::lab {

namespace {

using argument::Statement;

/// Numbers of a triangle's shape, near enough to normal ones.
std::int16_t drawn(Random& random, std::uint32_t spread) {
    std::int32_t sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<std::int32_t>(random.below(2 * spread + 1));
    return static_cast<std::int16_t>(sum - 4 * static_cast<std::int32_t>(spread));
}

double least_seconds(const Clock& clock, int runs, const std::function<void()>& work) {
    double least = 1e300;
    for (int run = 0; run < runs; ++run) {
        const std::uint64_t began = clock.monotonic_us();
        work();
        least = std::min(least, static_cast<double>(clock.monotonic_us() - began) * 1e-6);
    }
    return least;
}

/// The head by the kernel that serves it, from floats that give these queries.
double seconds_to_compute(const Statement& statement, const Clock& clock) {
    const std::size_t rows = statement.sizes.rows, d = statement.sizes.head_dim;
    const float factor = tensor::digit_query_factor(d);
    std::vector<float> q, out(rows * d);
    for (const std::int16_t x : statement.queries) q.push_back(static_cast<float>(x) / factor);
    ThreadPool one(1);
    const tensor::Compute compute{*tensor::kernels_from_environment(), &one};
    const tensor::AttentionShape shape{.queries = rows,
                                       .heads = 1,
                                       .kv_heads = 1,
                                       .head_dim = d,
                                       .window = statement.sizes.window};
    const auto kv = [&](const std::vector<std::int16_t>& x) {
        return tensor::KvRows(tensor::KvType::kDigits, x.data(), rows, d);
    };
    return least_seconds(clock, 3, [&] {
        tensor::attention_forward(compute, shape, {q.data(), rows, d}, kv(statement.keys),
                                  kv(statement.values), {out.data(), rows, d}, {});
    });
}

}  // namespace

Statement drawn_head(std::uint32_t rows, std::uint32_t head_dim, Random& random) {
    const std::size_t count = std::size_t{rows} * head_dim;
    std::vector<std::int16_t> queries(count), keys(count), values(count);
    for (auto& x : queries) x = drawn(random, 110);
    for (auto& x : keys) x = drawn(random, 220);
    for (auto& x : values) x = drawn(random, 440);
    return argument::make_statement({rows, head_dim, 0}, queries, keys, values);
}

Result<AttentionProofCost> measure_attention_proof(const Statement& statement, const Clock& clock) {
    AttentionProofCost cost;
    cost.computed = seconds_to_compute(statement, clock);
    Result<Bytes> proof = Bytes();
    cost.proved = least_seconds(clock, 1, [&] { proof = argument::prove(statement); });
    if (!proof.ok()) return proof.error();
    cost.proof_bytes = proof->size();
    for (std::size_t i = 0; i < statement.sizes.rows; ++i)
        cost.digit_bytes += 6 * (i + 1 - statement.sizes.first_key(i));
    cost.accepted = true;
    cost.checked = least_seconds(clock, 3, [&] {
        cost.accepted = cost.accepted && argument::verify(statement, *proof).is_valid();
    });
    const Hash256 about = argument::statement_hash(statement);
    for (const std::size_t verifiers : kProofVerifiers) {
        std::vector<argument::SharePart> parts(verifiers);
        double slowest = 0;
        for (std::size_t share = 0; share < verifiers; ++share)
            slowest = std::max(slowest, least_seconds(clock, 3, [&] {
                                   parts[share] =
                                       argument::check_share(statement, *proof, share, verifiers);
                               }));
        cost.shares.push_back(slowest);
        cost.combined = least_seconds(clock, 3, [&] {
            cost.accepted = cost.accepted &&
                            argument::combine(statement.sizes, about, *proof, parts).is_valid();
        });
    }
    return cost;
}

Result<std::vector<AttentionCheat>> play_attention_cheats(const Statement& truth) {
    CHECK(truth.sizes.rows >= 4);
    ASSIGN_OR_RETURN(const argument::Witness honest, argument::make_witness(truth));
    const std::size_t d = truth.sizes.head_dim, row = truth.sizes.rows / 2;
    const std::size_t pair = (row << honest.log) + row / 2;
    const auto column = [&](std::size_t c) { return c * honest.pairs() + pair; };
    std::vector<AttentionCheat> cheats;
    // Whoever lies proves it as well as it can be proved.
    const auto play = [&](const std::string& cheat,
                          const std::function<void(Statement&, argument::Witness&)>& lie) {
        Statement claimed = truth;
        argument::Witness witness = honest;
        lie(claimed, witness);
        const Verdict verdict = argument::verify(claimed, argument::prove_with(claimed, witness));
        cheats.push_back(
            {cheat, !verdict.is_valid(), verdict.is_valid() ? "accepted" : verdict.reason()});
    };
    play("one bit of one output", [&](Statement& s, auto&) { s.sums[row * d] ^= 1; });
    play("two rows of outputs swapped", [&](Statement& s, auto&) {
        for (std::size_t c = 0; c < d; ++c)
            std::swap(s.sums[row * d + c], s.sums[(row - 1) * d + c]);
    });
    play("a row copied from the one before", [&](Statement& s, auto&) {
        for (std::size_t c = 0; c < d; ++c) s.sums[row * d + c] = s.sums[(row - 1) * d + c];
    });
    play("a row of zeros", [&](Statement& s, auto&) {
        for (std::size_t c = 0; c < d; ++c) s.sums[row * d + c] = 0;
    });
    play("a shift that makes a row of 13 keys a hundredth larger",
         [&](Statement& s, argument::Witness& w) {
             s.shifts[row] -= 59 * 64;
             if (auto made = argument::make_witness(s); made.ok()) w = std::move(*made);
         });
    play("another digit, with its entry", [&](Statement&, argument::Witness& w) {
        const std::uint64_t digit = w.columns[column(0)].value() ^ 1U;
        w.columns[column(0)] = argument::Fp(digit);
        w.columns[column(argument::kCommitted)] =
            argument::Fp(tensor::digit_entry(1, static_cast<std::uint32_t>(digit)));
    });
    play("a table's entry one higher", [&](Statement&, argument::Witness& w) {
        w.columns[column(argument::kCommitted)] += argument::Fp(1);
    });
    play("a row sum one higher", [&](Statement&, argument::Witness& w) { ++w.row_sums[row]; });
    play("outputs of other values", [&](Statement& s, auto&) {
        std::vector<std::int16_t> values = s.values;
        values[0] = static_cast<std::int16_t>(values[0] ^ 1);
        s.sums = argument::make_statement(s.sizes, s.queries, s.keys, values).sums;
    });
    play("queries of 8 bits instead of 16", [&](Statement& s, argument::Witness& w) {
        Statement coarse = s;
        for (auto& x : coarse.queries) x = static_cast<std::int16_t>(x / 256 * 256);
        coarse = argument::make_statement(s.sizes, coarse.queries, s.keys, s.values);
        s.sums = coarse.sums;
        s.shifts = coarse.shifts;
        if (auto made = argument::make_witness(coarse); made.ok()) w = std::move(*made);
    });
    return cheats;
}

}  // namespace cairn::lab
