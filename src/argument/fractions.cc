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
        return Fp2::two_products(p0, q1, q0, p1 + of_denominator * q1);
    }
    Fp2 parent_of_leaves(const Fp2& q0, const Fp2& q1) const {
        return Fp2::two_products(of_numerator, q1, q0, of_numerator + of_denominator * q1);
    }
    /// Adds its values at 0 and 2 for a pair of places.
    void add(std::size_t i, std::size_t half, std::array<Fp2, 2>& sums) const {
        const auto at_2 = [i, half](const std::vector<Fp2>& values) {
            const Fp2& high = values[half + i];
            return high + high - values[i];
        };
        if (p[0].empty()) {
            sums[0] += parent_of_leaves(q[0][i], q[1][i]);
            sums[1] += parent_of_leaves(at_2(q[0]), at_2(q[1]));
        } else {
            sums[0] += parent(p[0][i], p[1][i], q[0][i], q[1][i]);
            sums[1] += parent(at_2(p[0]), at_2(p[1]), at_2(q[0]), at_2(q[1]));
        }
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

/// The sumcheck of one layer, which is at `above`; its point. A round's polynomial is the equality
/// weight of its variable, which is linear, times a polynomial of degree 2, of which the claim
/// tells the value at 1.
std::vector<Fp2> prove_layer(std::vector<Children>& children, std::span<const Fp2> above, Fp2 claim,
                             Speaker& speaker) {
    std::vector<Fp2> point;
    Fp2 before(1);  // the equality weight of the variables that are bound
    for (std::size_t round = 0; round < above.size(); ++round) {
        const std::vector<Fp2> equal = place_weights(above.subspan(round + 1));
        std::array<Fp2, 2> totals;
        for (std::size_t i = 0; i < equal.size(); ++i) {
            std::array<Fp2, 2> sums;
            for (const Children& each : children) each.add(i, equal.size(), sums);
            for (const std::size_t t : {0U, 1U}) totals[t] += equal[i] * sums[t];
        }
        const Fp2 at_0 = before * (Fp2(1) - above[round]), at_1 = before * above[round];
        const Fp2 rest_1 = (claim - at_0 * totals[0]) * inverse(at_1);
        const std::vector<Fp2> rest = extend({totals[0], rest_1, totals[1]}, kDegree + 1);
        std::vector<Fp2> values;
        Fp2 weight = at_0;
        for (const Fp2& each : rest) {
            values.push_back(weight * each);
            weight += at_1 - at_0;
        }
        const std::vector<Fp2> message = round_message(values);
        speaker.say("fraction round", message);
        const Fp2 r = speaker.transcript().challenge();
        claim = next_claim(claim, message, r);
        before *= equality(above.subspan(round, 1), std::span(&r, 1));
        point.push_back(r);
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

/// From a layer's ends, the children's numerators unless these are 1 and denominators, to the claim
/// on the layer below.
Fraction between(std::span<const Fp2> end, const Fp2& side) {
    const Fp2 &q0 = end[end.size() - 2], &q1 = end.back();
    const Fp2 p = end.size() == 2 ? Fp2(1) : end[0] + side * (end[1] - end[0]);
    return {p, q0 + side * (q1 - q0)};
}

}  // namespace

std::size_t fraction_elements(std::size_t trees, unsigned log) {
    const std::size_t rounds = std::size_t{log} * (log - 1) / 2;
    return 2 * trees + kDegree * rounds + 4 * trees * (log - 1) + 2 * trees;
}

std::vector<Fp2> prove_fractions(std::vector<std::vector<Fp2>> leaves, Speaker& speaker) {
    std::vector<std::vector<Layer>> trees;  // from the leaves up
    std::vector<Fp2> roots;
    std::vector<Fraction> nodes;  // what is claimed of each tree
    for (std::vector<Fp2>& each : leaves) {
        std::vector<Layer> tree;
        tree.push_back({{}, std::move(each)});
        while (tree.back().denominators.size() > 1) tree.push_back(above(tree.back()));
        roots.insert(roots.end(), {tree.back().numerators[0], tree.back().denominators[0]});
        nodes.push_back({tree.back().numerators[0], tree.back().denominators[0]});
        trees.push_back(std::move(tree));
    }
    speaker.say("fraction roots", roots);
    std::vector<Fp2> point;
    for (std::size_t depth = trees[0].size() - 1; depth-- > 0;) {
        const std::vector<Fp2> weights =
            powers_of(speaker.transcript().challenge(), 2 * trees.size());
        std::vector<Children> children;
        Fp2 claim;
        for (std::size_t k = 0; k < trees.size(); ++k) {
            claim +=
                weights[2 * k] * nodes[k].numerator + weights[2 * k + 1] * nodes[k].denominator;
            children.emplace_back(trees[k][depth], weights[2 * k], weights[2 * k + 1]);
            trees[k].resize(depth);
        }
        point = prove_layer(children, point, claim, speaker);
        std::vector<Fp2> ends;
        for (const Children& each : children) {
            const Fp2 unweighed = inverse(each.of_numerator);
            for (const std::size_t side : {0U, 1U})
                if (depth > 0) ends.push_back(each.p[side][0] * unweighed);
            for (const std::size_t side : {0U, 1U}) ends.push_back(each.q[side][0]);
        }
        speaker.say("fraction ends", ends);
        const Fp2 side = speaker.transcript().challenge();
        const std::size_t each = depth > 0 ? 4 : 2;
        for (std::size_t k = 0; k < trees.size(); ++k)
            nodes[k] = between(std::span<const Fp2>(ends).subspan(each * k, each), side);
        point.insert(point.begin(), side);
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
            nodes[k] = between(end, side);
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
