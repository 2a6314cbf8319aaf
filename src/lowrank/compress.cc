#include "lowrank/compress.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include <fmt/core.h>

#include "papers/low_rank.h"
#include "tensor/matmul.h"

namespace cairn::lowrank {

namespace {

using model::Projection;
using tensor::Compute;
using tensor::ConstMatrix;
using tensor::Matrix;

using Values = std::shared_ptr<std::vector<float>>;

constexpr std::size_t kRow = 4096;  // of numbers, to tell a type's bytes by

// New factors, and the model that the other tensors belong to.
struct Storage {
    std::shared_ptr<const void> source;
    std::vector<std::shared_ptr<const void>> factors;
};

std::vector<float> widened(const tensor::Weight& weight) {
    std::vector<float> values(weight.rows * weight.cols);
    for (std::size_t row = 0; row < weight.rows; ++row)
        tensor::weight_row(weight, row, values.data() + row * weight.cols);
    return values;
}

// One matrix while it is worked on.
struct Work {
    std::uint32_t layer = 0;
    Projection projection{};
    model::FactorBlocks blocks;
    std::size_t m = 0, n = 0;
    std::vector<Svd> parts;  // of W L where there are moments
    std::size_t rank = 0;

    std::size_t count() const { return std::size_t{blocks.left} * blocks.right; }
    std::size_t part_m() const { return m / blocks.left; }
    std::size_t part_n() const { return n / blocks.right; }
    std::size_t most() const { return most_useful_rank(part_m(), part_n()); }
    ConstMatrix part(ConstMatrix w, std::size_t i) const {
        return w.row_range(blocks.left > 1 ? i * part_m() : 0, part_m())
            .column_range(blocks.right > 1 ? i * part_n() : 0, part_n());
    }
    std::size_t first_input(std::size_t i) const { return blocks.right > 1 ? i * part_n() : 0; }
    std::size_t numbers() const {
        return rank == 0 ? m * n : count() * rank * (part_m() + part_n());
    }
};

class Compressor {
  public:
    Compressor(const Compute& compute, const model::Model& model, const CompressOptions& options)
        : compute_(compute), model_(model), options_(options) {
        config_ = model.config;
        config_.per_head = options.per_head;
    }
    Result<Compressed> run();

  private:
    static std::string name_of(const Work& work);
    void list();
    std::vector<float> whole(const Work& work) const;
    std::optional<Whitening> whitening(const Work& work, std::size_t part) const;
    void decompose(Work& work);
    static std::size_t rank_of_heads(const Work& work, double energy);
    static double bytes_of_number(tensor::WeightType type);
    double bytes_of(model::TensorKind kind, std::uint32_t layer) const;
    Status share();
    void finish(Work& work);
    void make_factors(const Work& work, MatrixReport& report);
    double kept_of(ConstMatrix w, ConstMatrix u, ConstMatrix v) const;
    Result<Compressed> assemble();
    Status put(const model::ParameterLayout& layout, model::TensorKind kind, std::uint32_t layer,
               Values& values);

    const Compute& compute_;
    const model::Model& model_;
    const CompressOptions& options_;
    model::ModelConfig config_;
    std::vector<Work> work_;
    std::vector<std::pair<Values, Values>> factors_;  // left, right; null where whole
    std::shared_ptr<Storage> storage_;
    Compressed made_;
};

Result<Compressed> Compressor::run() {
    list();
    const bool shared = std::holds_alternative<ByBytes>(options_.rule);
    for (std::size_t i = 0; i < work_.size(); ++i) {
        if (options_.progress) options_.progress(i, work_.size(), name_of(work_[i]));
        decompose(work_[i]);
        if (!shared) finish(work_[i]);
    }
    if (options_.progress) options_.progress(work_.size(), work_.size(), "");
    if (shared) {
        RETURN_IF_ERROR(share());
        for (Work& work : work_) finish(work);
    }
    return assemble();
}

std::string Compressor::name_of(const Work& work) {
    constexpr const char* kNames[] = {"wq", "wk", "wv", "wo", "w_gate", "w_up", "w_down"};
    return fmt::format("layers.{}.{}", work.layer,
                       kNames[static_cast<std::size_t>(work.projection)]);
}

void Compressor::list() {
    for (std::uint32_t layer = 0; layer < config_.layers; ++layer)
        for (std::size_t i = 0; i < model::kProjections; ++i) {
            const auto projection = static_cast<Projection>(i);
            if (projection == Projection::kGate && !config_.is_gated()) continue;
            Work work;
            work.layer = layer;
            work.projection = projection;
            work.blocks = config_.blocks(projection);
            work.m = config_.outputs(projection);
            work.n = config_.inputs(projection);
            work_.push_back(std::move(work));
        }
}

std::vector<float> Compressor::whole(const Work& work) const {
    return widened(tensor_at(model_.weights, model::matrix_of(work.projection), work.layer));
}

std::optional<Whitening> Compressor::whitening(const Work& work, std::size_t part) const {
    if (options_.moments == nullptr) return std::nullopt;
    return Whitening(options_.moments->at(work.layer, work.projection), work.first_input(part),
                     work.part_n());
}

// Fills `parts` as far as the rule needs, and `rank` where the matrix alone decides it.
void Compressor::decompose(Work& work) {
    const std::size_t most = work.most();
    if (most == 0) return;
    SvdOptions svd{.rank = most, .power_steps = options_.power_steps, .seed = options_.seed};
    std::size_t wanted = 0;
    if (const auto* rule = std::get_if<ByRank>(&options_.rule)) wanted = rule->rank;
    if (const auto* rule = std::get_if<ByRatio>(&options_.rule))
        wanted = rank_of_ratio(work.part_m(), work.part_n(), rule->ratio);
    if (wanted > most) return;  // not worth it
    const auto* by_energy = std::get_if<ByEnergy>(&options_.rule);
    const std::vector<float> w = whole(work);
    // Heads share a rank, so all of each is found first; heads are small.
    const bool by_itself = by_energy != nullptr && work.count() == 1;
    if (wanted > 0) svd.rank = wanted;
    for (std::size_t i = 0; i < work.count(); ++i) {
        ConstMatrix part = work.part(ConstMatrix(w.data(), work.m, work.n), i);
        std::vector<float> seen;
        if (const auto white = whitening(work, i)) {
            seen = white->apply(compute_, part);
            part = ConstMatrix(seen.data(), part.rows, part.cols);
        }
        work.parts.push_back(by_itself ? svd_of_energy(compute_, part, by_energy->energy, most, svd)
                                       : low_rank_svd(compute_, part, svd));
    }
    work.rank = svd.rank;
    if (by_itself) work.rank = work.parts[0].rank;
    if (by_energy != nullptr && !by_itself) work.rank = rank_of_heads(work, by_energy->energy);
}

std::size_t Compressor::rank_of_heads(const Work& work, double energy) {
    std::size_t rank = 1;
    for (const Svd& part : work.parts) {
        while (rank < part.rank && part.kept(rank) < energy) ++rank;
        if (part.kept(rank) < energy) return 0;
    }
    return rank;
}

double Compressor::bytes_of_number(tensor::WeightType type) {
    return static_cast<double>(tensor::weight_row_bytes(type, kRow)) / kRow;
}

double Compressor::bytes_of(model::TensorKind kind, std::uint32_t layer) const {
    const tensor::Weight& weight = tensor_at(model_.weights, kind, layer);
    if (!options_.everything || weight.rows == 1)
        return static_cast<double>(weight.canonical_bytes());
    return static_cast<double>(weight.rows * weight.cols) * bytes_of_number(options_.factor_type);
}

Status Compressor::share() {
    const auto& rule = std::get<ByBytes>(options_.rule);
    std::vector<Candidate> candidates;
    std::vector<std::size_t> which;
    double fixed = 0;
    const model::ParameterLayout layout = model_.layout();
    for (const model::TensorInfo& info : layout.tensors())
        if (!model::projection_of(info.kind)) fixed += bytes_of(info.kind, info.layer);
    for (std::size_t i = 0; i < work_.size(); ++i) {
        const Work& work = work_[i];
        const double whole_bytes = bytes_of(model::matrix_of(work.projection), work.layer);
        const double rank_bytes =
            static_cast<double>(work.count() * (work.part_m() + work.part_n())) *
            bytes_of_number(options_.factor_type);
        if (work.most() == 0 || rank_bytes >= whole_bytes) {
            fixed += whole_bytes;
            continue;
        }
        Candidate c{{0.0},
                    static_cast<std::uint64_t>(std::ceil(rank_bytes)),
                    static_cast<std::uint64_t>(std::ceil(whole_bytes))};
        for (std::size_t k = 1; k <= work.most(); ++k) {
            double sum = 0;
            for (const Svd& part : work.parts) sum += part.kept(k);
            c.kept.push_back(sum / static_cast<double>(work.count()));
        }
        which.push_back(i);
        candidates.push_back(std::move(c));
    }
    const auto rest = static_cast<std::uint64_t>(std::ceil(fixed));
    const std::vector<std::size_t> ranks = rule.bytes > rest
                                               ? share_budget(candidates, rule.bytes - rest)
                                               : std::vector<std::size_t>();
    if (ranks.empty()) {
        std::uint64_t least = rest;
        for (const Candidate& c : candidates) least += c.rank_bytes;
        return invalid(fmt::format(
            "{} bytes are too few: what is not compressed takes {}, with rank 1 everywhere "
            "the model takes {}",
            rule.bytes, rest, least));
    }
    for (std::size_t i = 0; i < ranks.size(); ++i) work_[which[i]].rank = ranks[i];
    return ok_status();
}

// The factors, U sqrt(s) and sqrt(s) V, and the report.
void Compressor::finish(Work& work) {
    MatrixReport report{name_of(work),
                        work.layer,
                        work.projection,
                        work.m,
                        work.n,
                        work.count(),
                        work.rank,
                        1.0,
                        {},
                        1.0};
    made_.numbers_before += work.m * work.n;
    made_.numbers_after += work.numbers();
    report.ratio = static_cast<double>(work.numbers()) / static_cast<double>(work.m * work.n);
    if (work.rank == 0) {
        report.energies.assign(work.count(), 1.0);
        factors_.push_back({nullptr, nullptr});
    } else {
        make_factors(work, report);
    }
    work.parts.clear();
    work.parts.shrink_to_fit();
    made_.matrices.push_back(std::move(report));
}

void Compressor::make_factors(const Work& work, MatrixReport& report) {
    const std::size_t k = work.rank, m = work.part_m(), n = work.part_n();
    const std::size_t inner = k * work.count();
    // Left: heads below each other, or (wo) side by side; right: heads below each other.
    const std::size_t left_cols = work.blocks.right > 1 ? inner : k;
    auto left = std::make_shared<std::vector<float>>(work.m * left_cols);
    auto right = std::make_shared<std::vector<float>>(inner * n);
    const std::vector<float> w = whole(work);
    double seen = 0, all = 0;
    for (std::size_t i = 0; i < work.count(); ++i) {
        const Svd& svd = work.parts[i];
        const Matrix v(right->data() + i * k * n, k, n);
        const Matrix u = Matrix(left->data(), work.m, left_cols)
                             .row_range(work.blocks.left > 1 ? i * m : 0, m)
                             .column_range(work.blocks.right > 1 ? i * k : 0, k);
        for (std::size_t r = 0; r < k; ++r) {
            const double root = std::sqrt(svd.s[r]);
            for (std::size_t j = 0; j < n; ++j)
                v.row(r)[j] = static_cast<float>(double{svd.v[r * n + j]} * root);
            for (std::size_t j = 0; j < m; ++j)
                u.row(j)[r] = static_cast<float>(double{svd.u[r * m + j]} * root);
        }
        seen += svd.kept(k) * svd.energy;
        all += svd.energy;
        if (const auto white = whitening(work, i)) white->undo(compute_, v);
        report.energies.push_back(
            kept_of(work.part(ConstMatrix(w.data(), work.m, work.n), i), u, v));
    }
    report.seen_energy = all > 0 ? seen / all : 1.0;
    factors_.push_back({std::move(left), std::move(right)});
}

// 1 - |W - U V|^2 / |W|^2; below 0 for factors that fit only what the text shows.
double Compressor::kept_of(ConstMatrix w, ConstMatrix u, ConstMatrix v) const {
    std::vector<float> product(w.rows * w.cols);
    tensor::matmul_nn(compute_, u, v, Matrix(product.data(), w.rows, w.cols));
    double error = 0, energy = 0;
    for (std::size_t i = 0; i < w.rows; ++i)
        for (std::size_t j = 0; j < w.cols; ++j) {
            const double value = double{w.row(i)[j]};
            const double difference = value - double{product[i * w.cols + j]};
            error += difference * difference;
            energy += value * value;
        }
    return energy > 0 ? 1 - error / energy : 1.0;
}

Result<Compressed> Compressor::assemble() {
    config_.ranks.assign(config_.layers, {});
    bool heads = false;
    for (const Work& work : work_) {
        config_.ranks[work.layer][static_cast<std::size_t>(work.projection)] =
            static_cast<std::uint16_t>(work.rank);
        heads = heads || (work.rank > 0 && work.count() > 1);
    }
    config_.per_head = heads;
    if (std::all_of(work_.begin(), work_.end(), [](const Work& work) { return work.rank == 0; }))
        return invalid(
            "nothing would be smaller: at this setting every matrix's rank is at or above "
            "m n / (m + n), where its two factors have as many numbers as itself");
    storage_ = std::make_shared<Storage>();
    storage_->source = model_.storage;
    made_.model = model_;
    made_.model.config = config_;
    const model::ParameterLayout layout(config_);
    for (std::size_t i = 0; i < work_.size(); ++i) {
        if (work_[i].rank == 0) continue;
        auto& [left, right] = factors_[i];
        RETURN_IF_ERROR(put(layout, model::matrix_of(work_[i].projection), work_[i].layer, left));
        RETURN_IF_ERROR(
            put(layout, model::right_factor_of(work_[i].projection), work_[i].layer, right));
    }
    made_.model.storage = storage_;
    std::vector<std::vector<double>> energies(config_.layers);
    for (const MatrixReport& report : made_.matrices)
        for (const double energy : report.energies)
            energies[report.layer].push_back(std::max(0.0, energy));
    made_.total_energy = papers::total_energy(energies);
    return std::move(made_);
}

// Narrowed to its type; `values` is let go of where it is not needed.
Status Compressor::put(const model::ParameterLayout& layout, model::TensorKind kind,
                       std::uint32_t layer, Values& values) {
    const model::TensorInfo& info = layout.at(kind, layer);
    CHECK(values->size() == info.size());
    const auto rows = static_cast<std::size_t>(info.rows);
    const auto cols = static_cast<std::size_t>(info.cols);
    tensor::WeightType type = options_.factor_type;
    if (cols % tensor::weight_group(type) != 0) type = tensor::WeightType::kF16;
    auto bytes = std::make_shared<Bytes>(rows * tensor::weight_row_bytes(type, cols));
    const Status narrowed =
        tensor::quantise_weight(ConstMatrix(values->data(), rows, cols), type, bytes->data());
    if (!narrowed.ok()) return narrowed.error().with_prefix(info.name);
    tensor_at(made_.model.weights, kind, layer) = tensor::Weight(type, rows, cols, bytes->data());
    storage_->factors.push_back(std::move(bytes));
    values.reset();
    return ok_status();
}

}  // namespace

double mean_energy(const MatrixReport& report) {
    double sum = 0;
    for (const double energy : report.energies) sum += energy;
    return sum / static_cast<double>(report.energies.size());
}

Result<Compressed> compress(const Compute& compute, const model::Model& model,
                            const CompressOptions& options) {
    if (!model.config.ranks.empty())
        return Error{ErrorCode::kUnsupported,
                     "the model's matrices are factors already; multiply them out first (cairn "
                     "model convert --multiply-out), or compress the model that it was made from"};
    return Compressor(compute, model, options).run();
}

model::Model multiply_out(const Compute& compute, const model::Model& model) {
    model::Model result = model;
    result.config.ranks.clear();
    result.config.per_head = false;
    auto storage = std::make_shared<Storage>();
    storage->source = model.storage;
    for (std::uint32_t layer = 0; layer < model.config.layers; ++layer)
        for (std::size_t i = 0; i < model::kProjections; ++i) {
            const auto projection = static_cast<Projection>(i);
            if (model.config.rank(projection, layer) == 0) continue;
            const model::FactorBlocks blocks = model.config.blocks(projection);
            const std::size_t m = model.config.outputs(projection),
                              n = model.config.inputs(projection);
            tensor::Weight& left = tensor_at(result.weights, model::matrix_of(projection), layer);
            tensor::Weight& right =
                tensor_at(result.weights, model::right_factor_of(projection), layer);
            const std::vector<float> u = widened(left), v = widened(right);
            auto product = std::make_shared<std::vector<float>>(m * n);
            const std::size_t count = std::size_t{blocks.left} * blocks.right;
            const std::size_t rank = right.rows / count;
            for (std::size_t part = 0; part < count; ++part) {
                const bool rows = blocks.left > 1, cols = blocks.right > 1;
                const ConstMatrix from =
                    ConstMatrix(u.data(), left.rows, left.cols)
                        .row_range(rows ? part * m / count : 0, rows ? m / count : m)
                        .column_range(cols ? part * rank : 0, rank);
                const Matrix to = Matrix(product->data(), m, n)
                                      .row_range(rows ? part * m / count : 0, from.rows)
                                      .column_range(cols ? part * n / count : 0, right.cols);
                tensor::matmul_nn(
                    compute, from,
                    ConstMatrix(v.data(), right.rows, right.cols).row_range(part * rank, rank), to);
            }
            left = tensor::Weight(tensor::WeightType::kF32, m, n, product->data());
            right = {};
            storage->factors.push_back(std::move(product));
        }
    result.storage = std::move(storage);
    return result;
}

}  // namespace cairn::lowrank
