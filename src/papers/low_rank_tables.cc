#include "papers/low_rank_tables.h"

#include <cmath>

#include <fmt/format.h>

#include "papers/low_rank.h"
#include "papers/product_reads.h"

namespace cairn::papers {

namespace {

// BERT's first linear layer, and the paper's inputs: 30 tokens, batches of 10.
constexpr MatrixShape kBert{3072, 768};
constexpr double kTokens = 30;
constexpr double kBatch = 10;
constexpr double kRatios[] = {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
constexpr const char* kReadings[] = {"R1", "R2", "R3", "R4", "R5"};

}  // namespace

ResultTable table2() {
    // What the paper prints for N = 5, 10, 100, 10,000.
    const struct {
        std::uint64_t n;
        double centralised, federated, reduction;
    } printed[] = {{5, 250, 50, 0.80},
                   {10, 2000, 200, 0.90},
                   {100, 2e6, 2e4, 0.99},
                   {10000, 2e12, 2e8, 0.9999}};
    ResultTable table{"table2", {}, "", {}};
    std::size_t equal = 0;
    for (const auto& row : printed) {
        const ProductReads reads = product_reads(row.n, row.n, row.n);
        const bool same = reads.centralised == row.centralised &&
                          reads.federated == row.federated &&
                          std::fabs(reads.reduction - row.reduction) < 1e-9;
        equal += same;
        table.rows.push_back({{"n", static_cast<std::int64_t>(row.n)},
                              {"centralised", reads.centralised},
                              {"federated", reads.federated},
                              {"reduction", reads.reduction},
                              {"printed_centralised", row.centralised},
                              {"printed_federated", row.federated},
                              {"printed_reduction", row.reduction},
                              {"equal", same}});
    }
    table.found = fmt::format(
        "{} of the 4 printed rows are what 2N^3, 2N^2 and 1 - 1/N give; they compare a machine "
        "without any cache with one that has a perfect one, not one machine with several.",
        equal);
    return table;
}

ResultTable table3(const ReadsRequest& request) {
    const std::uint64_t m = request.m, n = request.n;
    const auto t = static_cast<double>(request.t);
    const double ratio = request.ratio;
    const MatrixShape shape{m, n};
    const double k = std::floor(rank_for_ratio(shape, ratio));
    const LayerReads full = full_reads(shape, t);
    const LayerReads low = low_rank_reads(shape, t, k);
    ResultTable table{"table3", {}, "", {}};
    const auto row = [&table](const char* metric, const char* wx, double full_value,
                              const char* low_rank, double low_value) {
        table.rows.push_back({{"metric", std::string(metric)},
                              {"full_formula", std::string(wx)},
                              {"full", full_value},
                              {"low_rank_formula", std::string(low_rank)},
                              {"low_rank", low_value},
                              {"low_rank_over_full", low_value / full_value}});
    };
    row("weight storage", "mn", full.storage, "(m+n+1)k", low.storage);
    row("reads without hierarchy", "2mnt", full.reads_without, "2(m+n)kt", low.reads_without);
    row("reads with hierarchy", "mn+nt", full.reads_with, "mk+k+nk+nt", low.reads_with);
    table.found = fmt::format(
        "At ratio {:g} the rank is {:.0f} of {}, and above {} nothing is saved; the second row "
        "leaves out the 2kt reads of the "
        "scaling by the singular values ({:.0f} here).",
        ratio, k, std::min(m, n), break_even_rank(shape), 2 * k * t);
    return table;
}

ResultTable figure6() {
    ResultTable table{"fig6", {}, "", {}};
    const LayerReads full = full_reads(kBert, kTokens);
    for (const double ratio : kRatios) {
        const double exact = rank_for_ratio(kBert, ratio);
        for (const bool floored : {false, true}) {
            const double k = floored ? std::floor(exact) : exact;
            const LayerReads low = low_rank_reads(kBert, kTokens, k);
            table.rows.push_back({{"compression_ratio", ratio},
                                  {"floored", floored},
                                  {"rank", k},
                                  {"reads_without", low.reads_without},
                                  {"original_without", full.reads_without},
                                  {"reads_with", low.reads_with},
                                  {"original_with", full.reads_with},
                                  {"bandwidth_reduce_rate", 1 - low.reads_with / full.reads_with}});
        }
    }
    table.found =
        "Reads fall in proportion to the ratio, with the scales of the paper's axes (1e8 without, "
        "1e6 with a hierarchy); rounding the rank down changes less than 1 %.";
    table.pictures = {
        {"Figure 6a: reads without a memory hierarchy (m 3072, n 768, t 30)", "compression_ratio",
         "reads_without", "floored", "compression ratio", "numbers read"},
        {"Figure 6b: reads with a memory hierarchy", "compression_ratio", "reads_with", "floored",
         "compression ratio", "numbers read"}};
    for (Row& row : table.rows)
        row.push_back(
            {"rank_is", std::string(std::get<bool>(row[1].value) ? "rounded down" : "any number")});
    for (Picture& picture : table.pictures) picture.group = "rank_is";
    return table;
}

ResultTable figure7() {
    ResultTable table{"fig7", {}, "", {}};
    for (int reading = 1; reading <= 5; ++reading)
        for (const double ratio : kRatios)
            for (const bool floored : {false, true}) {
                const double used =
                    floored ? compression_ratio(kBert, std::floor(rank_for_ratio(kBert, ratio)))
                            : ratio;
                table.rows.push_back({{"reading", std::string(kReadings[reading - 1])},
                                      {"compression_ratio", ratio},
                                      {"floored", floored},
                                      {"bandwidth_reduce_rate",
                                       bandwidth_reduce_rate(kBert, kTokens, kBatch, used,
                                                             static_cast<BatchReading>(reading))}});
            }
    const auto rate = [](BatchReading reading) {
        return 100 * bandwidth_reduce_rate(kBert, kTokens, kBatch, 0.7, reading);
    };
    table.found = fmt::format(
        "\"60 % less at ratio 0.7\" follows from none of five readings: R1, Equations 16 and 17 as "
        "they stand, gives {:.1f} %, R2 {:.1f} % and R5 {:.1f} %, as no more can be saved than the "
        "30 % that are taken from the weights where reads are counted alike before and after; R3 "
        "and R4, which count them worse before, give {:.1f} and {:.1f} %. 60 % needs a ratio of "
        "{:.3f} (R1) or {:.3f} (R2).",
        rate(BatchReading::kWeightsOnce), rate(BatchReading::kEachAlone),
        rate(BatchReading::kNoHierarchy), rate(BatchReading::kWeightsEachBefore),
        rate(BatchReading::kNoHierarchyBefore),
        ratio_for_rate(kBert, kTokens, kBatch, 0.6, BatchReading::kWeightsOnce),
        ratio_for_rate(kBert, kTokens, kBatch, 0.6, BatchReading::kEachAlone));
    table.pictures = {{"Figure 7: bandwidth saved, by how the batch of 10 is read",
                       "compression_ratio", "bandwidth_reduce_rate", "reading", "compression ratio",
                       "bandwidth reduce rate"}};
    return table;
}

ResultTable total_energy_table(const std::vector<std::vector<double>>& energies) {
    const double total = total_energy(energies);
    ResultTable table{"ptotal", {}, "", {}};
    table.rows.push_back({{"layers", static_cast<std::int64_t>(energies.size())},
                          {"heads", static_cast<std::int64_t>(energies[0].size())},
                          {"p_total", total}});
    table.found = fmt::format(
        "Equation 13 gives {:.4f}. It multiplies energies as if they were accuracies: 12 layers "
        "that keep the paper's 91.32 % each make {:.3f}, which says nothing of the loss.",
        total, std::pow(0.9132, 12));
    return table;
}

Result<ResultTable> counted_reads(const ReadsRequest& request) {
    const MatrixShape shape{request.m, request.n};
    const double columns = static_cast<double>(request.t * request.batch);
    const auto k =
        static_cast<std::uint64_t>(std::max(1.0, std::floor(rank_for_ratio(shape, request.ratio))));
    if (static_cast<double>(request.m) * static_cast<double>(request.n) * columns > 4e9)
        return invalid("m n t batch is above 4e9: counting would take minutes");
    ResultTable table{"memory", {}, "", {}};
    const LayerReads full = full_reads(shape, columns);
    const LayerReads low = low_rank_reads(shape, columns, static_cast<double>(k));
    const auto t = request.t * request.batch;
    const auto row = [&](const char* product, const LayerReads& formula, bool is_low,
                         bool blocked) {
        const CountedReads counted = is_low ? count_low_rank(request.m, request.n, k, t, blocked)
                                            : count_product(request.m, request.n, t, blocked);
        const double here = blocked ? formula.reads_with : formula.reads_without;
        // Equations 16 and 17: reads and the outputs that are written.
        const double outputs = static_cast<double>(request.m) * columns;
        const double original = (blocked ? full.reads_with : full.reads_without) + outputs;
        table.rows.push_back({{"product", std::string(product)},
                              {"hierarchy", blocked},
                              {"rank", static_cast<std::int64_t>(is_low ? k : 0)},
                              {"storage", formula.storage},
                              {"reads_without", formula.reads_without},
                              {"reads_with", formula.reads_with},
                              {"counted", static_cast<std::int64_t>(counted.reads)},
                              {"counted_over_formula", static_cast<double>(counted.reads) / here},
                              {"reduce_rate", 1 - (here + outputs) / original}});
    };
    row("naive", full, false, false);
    row("blocked", full, false, true);
    row("low-rank", low, true, false);
    row("low-rank blocked", low, true, true);
    table.found = fmt::format(
        "Counted while {} x {} times {} x {} runs; at ratio {:g} (rank {}) a hierarchy saves "
        "{:.2f} % of all reads, low rank {:.2f} % of those that are left.",
        request.m, request.n, request.n, t, request.ratio, k,
        100 * (1 - full.reads_with / full.reads_without),
        100 * (1 - low.reads_with / full.reads_with));
    return table;
}

}  // namespace cairn::papers
