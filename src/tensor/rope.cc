// CONSENSUS: changing a result here splits the network.
#include "tensor/rope.h"

#include "tensor/elementary.h"
#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {

void turn_rows(const Compute& compute, const RopeTable& table, RopePairing pairing, RopeRows rows,
               float sign, Matrix x) {
    CHECK(table.pairs > 0 && x.cols % (2 * table.pairs) == 0);
    CHECK(rows.tokens > 0 && rows.first + rows.tokens <= table.positions);
    const RopeRotation rotation{
        table.cos.data(), table.sin.data(), table.pairs, pairing, rows, sign};
    split(compute, x.rows, grain_for(4 * x.cols), [&](std::size_t begin, std::size_t end) {
        compute.kernels->rope(rotation, x, begin, end);
    });
}

}  // namespace

std::vector<double> rope_frequencies(std::size_t head_dim, double theta) {
    CHECK(head_dim > 0 && head_dim % 2 == 0);
    std::vector<double> frequencies(head_dim / 2);
    for (std::size_t i = 0; i < frequencies.size(); ++i)
        frequencies[i] =
            pow_f64(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    return frequencies;
}

RopeTable make_rope_table(const std::vector<double>& frequencies, std::size_t positions,
                          double attention_factor) {
    RopeTable table{positions, frequencies.size(), {}, {}};
    table.cos.reserve(positions * table.pairs);
    table.sin.reserve(positions * table.pairs);
    for (std::size_t position = 0; position < positions; ++position) {
        for (const double frequency : frequencies) {
            const double angle = static_cast<double>(position) * frequency;
            table.cos.push_back(static_cast<float>(attention_factor * cos_f64(angle)));
            table.sin.push_back(static_cast<float>(attention_factor * sin_f64(angle)));
        }
    }
    return table;
}

RopeTable make_rope_table(std::size_t head_dim, double theta, std::size_t positions) {
    return make_rope_table(rope_frequencies(head_dim, theta), positions);
}

void rope_forward(const Compute& compute, const RopeTable& table, RopePairing pairing,
                  RopeRows rows, Matrix x) {
    turn_rows(compute, table, pairing, rows, 1.0F, x);
}

void rope_backward(const Compute& compute, const RopeTable& table, RopePairing pairing,
                   RopeRows rows, Matrix dx) {
    turn_rows(compute, table, pairing, rows, -1.0F, dx);
}

}  // namespace cairn::tensor
