#include "argument/fractions.h"

#include <array>
#include <string>
#include <utility>

#include "argument/multilinear.h"
#include "base/check.h"

namespace cairn::argument {

namespace {

constexpr std::size_t kDegree = 3;

/// The nodes of a layer; without numerators all of them are 1.
struct Layer {
    std::vector<Fp2> numerators, denominators;
};

Layer above(const Layer& layer) {
    const std::size_t half = layer.denominators.size() / 2;
    Layer result;
    result.numerators.resize(half);
    result.denominators.resize(half);
    for (std::size_t i = 0; i < half; ++i) {
        const Fp2 &left = layer.denominators[i], &right = layer.denominators[half + i];
        result.denominators[i] = left * right;
        result.numerators[i] = layer.numerators.empty() ? left + right
                                                        : layer.numerators[i] * right +
                                                              layer.numerators[half + i] * left;
    }
    return result;
}

/// A layer cut into left and right children, the numerators times their weight in the sumcheck.
struct Children {
    Children(const Layer& layer, Fp2 numerator_weight, Fp2 denominator_weight)
        : of_numerator(numerator_weight), of_denominator(denominator_weight) {
        const std::size_t half = layer.denominators.size() / 2;
        for (const std::size_t side : {0U, 1U}) {
            const auto denominator =
                layer.denominators.begin() + static_cast<std::ptrdiff_t>(side * half);
            q[side].assign(denominator, denominator + static_cast<std::ptrdiff_t>(half));
            for (std::size_t i = 0; i < half && !layer.numerators.empty(); ++i)
                p[side].push_back(of_numerator * layer.numerators[side * half + i]);
        }
    }

    /// The weighed sum of the parent's numerator and denominator.
    Fp2 parent(const Fp2& p0, const Fp2& p1, const Fp2& q0, const Fp2& q1) const {
        return p0 * q1 + q0 * (p1 + of_denominator * q1);
    }
    Fp2 parent_of_leaves(const Fp2& q0, const Fp2& q1) const {
        return of_numerator * q1 + q0 * (of_numerator + of_denominator * q1);
    }
    /// Adds its values at 0, 2 and 3 for a pair of places.
    void add(std::size_t i, std::size_t half, std::array<Fp2, 3>& sums) const {
        Fp2 q0 = q[0][i], q1 = q[1][i];
        const Fp2 step_q0 = q[0][half + i] - q0, step_q1 = q[1][half + i] - q1;
        if (p[0].empty()) {
            sums[0] += parent_of_leaves(q0, q1);
            q0 += step_q0 + step_q0;
            q1 += step_q1 + step_q1;
            sums[1] += parent_of_leaves(q0, q1);
            sums[2] += parent_of_leaves(q0 + step_q0, q1 + step_q1);
            return;
        }
        Fp2 p0 = p[0][i], p1 = p[1][i];
        const Fp2 step_p0 = p[0][half + i] - p0, step_p1 = p[1][half + i] - p1;
        sums[0] += parent(p0, p1, q0, q1);
        q0 += step_q0 + step_q0;
        q1 += step_q1 + step_q1;
        p0 += step_p0 + step_p0;
        p1 += step_p1 + step_p1;
        sums[1] += parent(p0, p1, q0, q1);
        sums[2] += parent(p0 + step_p0, p1 + step_p1, q0 + step_q0, q1 + step_q1);
    }
    void bind_first(const Fp2& r) {
        for (const std::size_t side : {0U, 1U}) {
            bind(q[side], r);
            if (!p[side].empty()) bind(p[side], r);
        }
    }

    Fp2 of_numerator, of_denominator;
    std::array<std::vector<Fp2>, 2> p, q;
};

/// The sumcheck of one layer; what is left of the children at its point.
std::vector<Fp2> prove_layer(std::vector<Children>& children, std::vector<Fp2> equal,
                             Speaker& speaker) {
    std::vector<Fp2> point;
    while (equal.size() > 1) {
        const std::size_t half = equal.size() / 2;
        std::array<Fp2, kDegree> message;
        for (std::size_t i = 0; i < half; ++i) {
            std::array<Fp2, kDegree> sums;
            for (const Children& each : children) each.add(i, half, sums);
            const Fp2 step = equal[half + i] - equal[i], at_2 = equal[i] + step + step;
            message[0] += equal[i] * sums[0];
            message[1] += at_2 * sums[1];
            message[2] += (at_2 + step) * sums[2];
        }
        speaker.say("fraction round", message);
        const Fp2 r = speaker.transcript().challenge();
        point.push_back(r);
        bind(equal, r);
        for (Children& each : children) each.bind_first(r);
    }
    return point;
}

/// Powers of a challenge: two for each tree.
std::vector<Fp2> powers_of(const Fp2& lambda, std::size_t count) {
    std::vector<Fp2> powers(count, Fp2(1));
    for (std::size_t i = 1; i < count; ++i) powers[i] = powers[i - 1] * lambda;
    return powers;
}

}  // namespace

std::size_t fraction_elements(std::size_t trees, unsigned log) {
    const std::size_t rounds = std::size_t{log} * (log - 1) / 2;
    return 2 * trees + kDegree * rounds + 4 * trees * (log - 1) + 2 * trees;
}

std::vector<Fp2> prove_fractions(std::vector<std::vector<Fp2>> leaves, Speaker& speaker) {
    std::vector<std::vector<Layer>> trees;  // from the leaves up
    std::vector<Fp2> roots;
    for (std::vector<Fp2>& each : leaves) {
        std::vector<Layer> tree;
        tree.push_back({{}, std::move(each)});
        while (tree.back().denominators.size() > 1) tree.push_back(above(tree.back()));
        roots.insert(roots.end(), {tree.back().numerators[0], tree.back().denominators[0]});
        trees.push_back(std::move(tree));
    }
    speaker.say("fraction roots", roots);
    std::vector<Fp2> point;
    for (std::size_t depth = trees[0].size() - 1; depth-- > 0;) {
        const std::vector<Fp2> weights =
            powers_of(speaker.transcript().challenge(), 2 * trees.size());
        std::vector<Children> children;
        for (std::size_t k = 0; k < trees.size(); ++k) {
            children.emplace_back(trees[k][depth], weights[2 * k], weights[2 * k + 1]);
            trees[k].resize(depth);
        }
        point = prove_layer(children, place_weights(point), speaker);
        std::vector<Fp2> ends;
        for (const Children& each : children) {
            const Fp2 unweighed = inverse(each.of_numerator);
            for (const std::size_t side : {0U, 1U})
                if (depth > 0) ends.push_back(each.p[side][0] * unweighed);
            for (const std::size_t side : {0U, 1U}) ends.push_back(each.q[side][0]);
        }
        speaker.say("fraction ends", ends);
        point.insert(point.begin(), speaker.transcript().challenge());
    }
    return point;
}

Result<FractionClaims> hear_fractions(std::size_t trees, unsigned log, Listener& listener) {
    CHECK(log > 0);
    FractionClaims claims;
    const auto roots = listener.hear("fraction roots", 2 * trees);
    std::vector<Fraction> nodes(trees);
    for (std::size_t k = 0; k < trees; ++k) nodes[k] = {roots[2 * k], roots[2 * k + 1]};
    claims.roots = nodes;
    for (unsigned layer = 0; layer < log; ++layer) {
        const std::vector<Fp2> weights = powers_of(listener.transcript().challenge(), 2 * trees);
        Fp2 claim;
        for (std::size_t k = 0; k < trees; ++k)
            claim +=
                weights[2 * k] * nodes[k].numerator + weights[2 * k + 1] * nodes[k].denominator;
        std::vector<Fp2> point;
        for (unsigned round = 0; round < layer; ++round) {
            const auto message = listener.hear("fraction round", kDegree);
            point.push_back(listener.transcript().challenge());
            claim = next_claim(claim, message, point.back());
        }
        const bool leaves = layer + 1 == log;
        const std::size_t each = leaves ? 2 : 4;
        const auto ends = listener.hear("fraction ends", each * trees);
        const Fp2 side = listener.transcript().challenge();
        Fp2 sum;
        for (std::size_t k = 0; k < trees; ++k) {
            const auto end = ends.subspan(each * k, each);
            const Fp2 p0 = leaves ? Fp2(1) : end[0], p1 = leaves ? Fp2(1) : end[1];
            const Fp2 q0 = end[each - 2], q1 = end[each - 1];
            sum += weights[2 * k] * (p0 * q1 + p1 * q0) + weights[2 * k + 1] * (q0 * q1);
            nodes[k] = {p0 + side * (p1 - p0), q0 + side * (q1 - q0)};
        }
        if (claim != equality(claims.point, point) * sum)
            return invalid("layer " + std::to_string(layer) + " of the lookup's sums does not fit");
        claims.point = std::move(point);
        claims.point.insert(claims.point.begin(), side);
    }
    for (const Fraction& node : nodes) claims.leaves.push_back(node.denominator);
    return claims;
}

}  // namespace cairn::argument
