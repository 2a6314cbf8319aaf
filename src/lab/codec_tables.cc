#include "lab/codec_tables.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/random.h"
#include "chain/codec_kinds.h"
#include "codec/codec.h"
#include "codec/codec_tiles.h"
#include "lab/codec_moments.h"
#include "lab/lab_network.h"
#include "node/local_trainer.h"
#include "worth/chain_model.h"

namespace cairn::lab {

namespace {

using chain::CodecKind;
using papers::ResultTable;

struct Size {
    CodecKind kind;
    std::size_t dim, rows;
};
constexpr Size kSizes[] = {{chain::kGaussian, 2, 2},    {CodecKind::kSrht, 4, 2},
                           {chain::kSrht2, 4, 2},       {chain::kAms, 4, 2},
                           {chain::kCountSketch, 4, 4}, {chain::kSparse1, 2, 8},
                           {chain::kSparse2, 2, 8}};

constexpr std::size_t kKept = 512;

/// Values sent as signs with a dither that both ends draw: sign(z + u), u uniform below the largest
/// |z| of the tile, which is the scale. Unbiased by itself; decoded like any payload of 1 bit.
void dither_tile(const Hash256& seed, std::uint64_t number, std::span<const std::int32_t> v,
                 Random& random, std::span<std::int32_t> back) {
    codec::SketchTile tile;
    tile.draw(seed, number, kKept);
    std::vector<std::int64_t> z(kKept);
    tile.sketch(v, z);
    std::int64_t largest = 1;
    for (const std::int64_t value : z) largest = std::max(largest, std::abs(value));
    std::vector<std::int32_t> q(kKept);
    for (std::size_t i = 0; i < kKept; ++i) {
        const auto u =
            static_cast<std::int64_t>(random.below(2 * static_cast<std::uint64_t>(largest) + 1)) -
            largest;
        q[i] = z[i] + u < 0 ? -1 : 1;
    }
    tile.desketch(q, static_cast<std::uint32_t>(largest), back);
}

std::vector<std::int32_t> dithered(const Hash256& seed, std::span<const std::int32_t> v,
                                   Random& random) {
    std::vector<std::int32_t> back(v.size());
    for (std::size_t at = 0; at < v.size(); at += codec::kTile)
        dither_tile(seed, at / codec::kTile, v.subspan(at, codec::kTile), random,
                    std::span(back).subspan(at, codec::kTile));
    return back;
}

/// What one round of local steps changes in the tiny network, as a codec that loses next to nothing
/// brings it.
Result<std::vector<std::int32_t>> trained_delta() {
    constexpr chain::CodecSpec kWhole{CodecKind::kSrht, 0, 16};
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    ASSIGN_OR_RETURN(const LabNetwork network, make_lab_network({.codec = kWhole}, 1, kernels));
    ThreadPool pool(1);
    ASSIGN_OR_RETURN(const auto model, worth::ChainModel::create(network.definition, network.judge,
                                                                 {kernels, &pool}));
    ASSIGN_OR_RETURN(const auto trainer,
                     node::LocalTrainer::create(network.definition, network.trainers[0],
                                                network.judge, 1, kernels, 1));
    node::RoundTask task;
    const auto weights = model->state().weights();
    task.weights = std::make_shared<const std::vector<float>>(weights.begin(), weights.end());
    ASSIGN_OR_RETURN(const node::RoundPayload made, trainer->produce(task));
    return model->decode(made.payload, task.codec_seed);
}

/// The delta of a row of the table: two parameters of 2 to 1, all falling as 1, 1/2, 1/3 ..., all
/// of one size, or a real one.
Result<std::vector<std::int32_t>> delta_of(const std::string& shape, std::uint64_t seed) {
    if (shape == "trained") return trained_delta();
    std::vector<std::int32_t> v(codec::kTile, 0);
    if (shape == "two") {
        v[0] = 200'000;
        v[1] = 100'000;
        return v;
    }
    SeededRandom random(seed);
    for (std::size_t i = 0; i < v.size(); ++i) {
        const double size = shape == "even" ? 1000 : 200'000 / static_cast<double>(i + 1);
        v[i] = static_cast<std::int32_t>(random.below(2) == 0 ? size : -size);
    }
    return v;
}

}  // namespace

ResultTable codec_table() {
    ResultTable table{"codecs", {}, "", {}};
    std::size_t exact = 0;
    for (const Size& size : kSizes) {
        std::vector<double> g, h;
        double inner = 0, g2 = 0, h2 = 0;
        for (std::size_t i = 0; i < size.dim; ++i) {
            g.push_back((i % 2 != 0 ? -1.0 : 1.0) / static_cast<double>(i + 1));
            h.push_back((i % 2 != 0 ? -1.0 : 1.0) / static_cast<double>(size.dim - i));
            inner += g[i] * h[i];
            g2 += g[i] * g[i];
            h2 += h[i] * h[i];
        }
        const CodecMoments found = codec_moments(size.kind, size.rows, g, h);
        exact +=
            std::fabs(found.inner - inner) < 1e-9 &&
            std::fabs(found.norm_ratio - exact_norm_ratio(size.kind, size.dim, size.rows)) < 1e-9;
        table.rows.push_back(
            {{"sketch", std::string(chain::name_of(size.kind))},
             {"dim", static_cast<std::int64_t>(size.dim)},
             {"rows", static_cast<std::int64_t>(size.rows)},
             {"matrices", static_cast<std::int64_t>(found.cases)},
             {"mean_inner", found.inner},
             {"inner", inner},
             {"mean_inner_squared", found.inner_squared},
             {"bound_inner_squared", inner * inner + 2 / static_cast<double>(size.rows) * g2 * h2},
             {"mean_desketch_norm_ratio", found.norm_ratio},
             {"exact_norm_ratio", exact_norm_ratio(size.kind, size.dim, size.rows)}});
    }
    table.found = fmt::format(
        "All matrices that the chain's codecs can draw at these sizes: {} of {} are unbiased and "
        "have the exact norm of Table 1 (gaussian entries are bits set of 32, of kurtosis 47/16 "
        "instead of 3, which gives 1 + (D + 15/16)/s).",
        exact, std::size(kSizes));
    return table;
}

Result<ResultTable> one_bit_table(std::uint64_t seeds) {
    ResultTable table{"one-bit", {}, "", {}};
    for (const std::string shape : {"two", "falling", "even", "trained"}) {
        ASSIGN_OR_RETURN(const std::vector<std::int32_t> v, delta_of(shape, 1));
        double v2 = 0;
        for (const std::int32_t value : v) v2 += double{1.0} * value * value;
        for (const std::string way : {"srht", "srht2", "srht and dither"}) {
            const chain::CodecSpec spec{way == "srht2" ? chain::kSrht2 : CodecKind::kSrht, 3, 1};
            SeededRandom random(7);
            std::vector<double> mean(v.size());
            double norm = 0;
            for (std::uint64_t i = 0; i < seeds; ++i) {
                Hash256 seed;
                random.fill(seed.bytes);
                std::vector<std::int32_t> back;
                if (way == "srht and dither") {
                    back = dithered(seed, v, random);
                } else {
                    ASSIGN_OR_RETURN(
                        back, codec::decode(spec, codec::encode(spec, v, seed), seed, v.size()));
                }
                for (std::size_t j = 0; j < v.size(); ++j) {
                    mean[j] += back[j] / static_cast<double>(seeds);
                    norm += double{1.0} * back[j] * back[j] / static_cast<double>(seeds);
                }
            }
            double bias = 0;
            for (std::size_t j = 0; j < v.size(); ++j) bias += (mean[j] - v[j]) * (mean[j] - v[j]);
            // What is left of the mean's own chance, which is no bias.
            bias = std::max(0.0, bias - (norm - v2) / static_cast<double>(seeds));
            table.rows.push_back({{"delta", shape},
                                  {"codec", way},
                                  {"seeds", static_cast<std::int64_t>(seeds)},
                                  {"first", static_cast<double>(v[0])},
                                  {"mean_first", mean[0]},
                                  {"second", static_cast<double>(v[1])},
                                  {"mean_second", mean[1]},
                                  {"bias", std::sqrt(bias / v2)},
                                  {"norm_ratio", norm / v2}});
        }
    }
    table.found =
        "One rotation sends signs that the largest parameters of a tile decide alone; a second one "
        "mixes them first, at the same size, and with somewhat more noise where a few parameters "
        "are large; a dither is unbiased, too, and noisier the more even a delta is.";
    return table;
}

}  // namespace cairn::lab
