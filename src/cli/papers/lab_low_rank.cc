#include "cli/papers/lab_low_rank.h"

#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "papers/low_rank.h"
#include "papers/product_reads.h"

namespace cairn::cli {

namespace {

using papers::MatrixShape;
using papers::ResultTable;

// BERT's first linear layer, and the paper's inputs: 30 tokens, batches of 10.
constexpr MatrixShape kBert{3072, 768};
constexpr double kTokens = 30;
constexpr double kBatch = 10;
constexpr double kRatios[] = {0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};
constexpr const char* kReadings[] = {"R1", "R2", "R3", "R4", "R5"};

Result<ResultTable> table2() {
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
        const papers::ProductReads reads = papers::product_reads(row.n, row.n, row.n);
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

Result<ResultTable> table3(std::uint64_t m, std::uint64_t n, double t, double ratio) {
    const MatrixShape shape{m, n};
    const double k = std::floor(papers::rank_for_ratio(shape, ratio));
    const papers::LayerReads full = papers::full_reads(shape, t);
    const papers::LayerReads low = papers::low_rank_reads(shape, t, k);
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
        ratio, k, std::min(m, n), papers::break_even_rank(shape), 2 * k * t);
    return table;
}

Result<ResultTable> figure6() {
    ResultTable table{"fig6", {}, "", {}};
    const papers::LayerReads full = papers::full_reads(kBert, kTokens);
    for (const double ratio : kRatios) {
        const double exact = papers::rank_for_ratio(kBert, ratio);
        for (const bool floored : {false, true}) {
            const double k = floored ? std::floor(exact) : exact;
            const papers::LayerReads low = papers::low_rank_reads(kBert, kTokens, k);
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
    for (papers::Row& row : table.rows)
        row.push_back(
            {"rank_is", std::string(std::get<bool>(row[1].value) ? "rounded down" : "any number")});
    for (papers::Picture& picture : table.pictures) picture.group = "rank_is";
    return table;
}

Result<ResultTable> figure7() {
    ResultTable table{"fig7", {}, "", {}};
    for (int reading = 1; reading <= 5; ++reading)
        for (const double ratio : kRatios)
            for (const bool floored : {false, true}) {
                const double used =
                    floored ? papers::compression_ratio(
                                  kBert, std::floor(papers::rank_for_ratio(kBert, ratio)))
                            : ratio;
                table.rows.push_back(
                    {{"reading", std::string(kReadings[reading - 1])},
                     {"compression_ratio", ratio},
                     {"floored", floored},
                     {"bandwidth_reduce_rate",
                      papers::bandwidth_reduce_rate(kBert, kTokens, kBatch, used,
                                                    static_cast<papers::BatchReading>(reading))}});
            }
    table.found = fmt::format(
        "\"60 % less at ratio 0.7\" follows from no reading: R1, Equations 16 and 17 as they "
        "stand, "
        "gives {:.1f} %, R2 {:.1f} %, and always less than the 30 % that are taken from the "
        "weights; 60 % needs a ratio of {:.3f} (R1) or {:.3f} (R2).",
        100 * papers::bandwidth_reduce_rate(kBert, kTokens, kBatch, 0.7,
                                            papers::BatchReading::kWeightsOnce),
        100 * papers::bandwidth_reduce_rate(kBert, kTokens, kBatch, 0.7,
                                            papers::BatchReading::kEachAlone),
        papers::ratio_for_rate(kBert, kTokens, kBatch, 0.6, papers::BatchReading::kWeightsOnce),
        papers::ratio_for_rate(kBert, kTokens, kBatch, 0.6, papers::BatchReading::kEachAlone));
    table.pictures = {{"Figure 7: bandwidth saved, by how the batch of 10 is read",
                       "compression_ratio", "bandwidth_reduce_rate", "reading", "compression ratio",
                       "bandwidth reduce rate"}};
    return table;
}

Result<ResultTable> total_energy(const std::string& text) {
    ASSIGN_OR_RETURN(const auto energies, matrix_of("--energies", text));
    for (const auto& layer : energies)
        for (const double energy : layer)
            if (!(energy >= 0) || energy > 1)
                return misused("--energies: energies lie between 0 and 1");
    const double total = papers::total_energy(energies);
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

struct MemoryRequest {
    std::uint64_t m = 3072, n = 768, t = 30, batch = 1;
    double ratio = 0.7;
};

Result<ResultTable> memory(const MemoryRequest& request) {
    const MatrixShape shape{request.m, request.n};
    const double columns = static_cast<double>(request.t * request.batch);
    const auto k = static_cast<std::uint64_t>(
        std::max(1.0, std::floor(papers::rank_for_ratio(shape, request.ratio))));
    if (static_cast<double>(request.m) * static_cast<double>(request.n) * columns > 4e9)
        return misused("m n t batch is above 4e9: counting would take minutes");
    ResultTable table{"memory", {}, "", {}};
    const papers::LayerReads full = papers::full_reads(shape, columns);
    const papers::LayerReads low = papers::low_rank_reads(shape, columns, static_cast<double>(k));
    const auto t = request.t * request.batch;
    const auto row = [&](const char* product, const papers::LayerReads& formula, bool is_low,
                         bool blocked) {
        const papers::CountedReads counted =
            is_low ? papers::count_low_rank(request.m, request.n, k, t, blocked)
                   : papers::count_product(request.m, request.n, t, blocked);
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
        "Counted while the product runs; at ratio {:g} (rank {}) a hierarchy saves {:.2f} % of all "
        "reads, low rank {:.2f} % of those that are left.",
        request.ratio, k, 100 * (1 - full.reads_with / full.reads_without),
        100 * (1 - low.reads_with / full.reads_with));
    return table;
}

}  // namespace

void add_lab_low_rank(const Command& group, Invocation& invocation, LabPages& pages) {
    add_result_command(group, invocation, "table2",
                       "Paper B's Table 2: reads of a product on one machine and on several",
                       "cairn lab table2 --json", table2);
    const auto of_table3 = std::make_shared<MemoryRequest>();
    const Command third = add_result_command(
        group, invocation, "table3", "Paper B's Table 3: storage and reads of low-rank weights",
        "cairn lab table3 --m 768 --n 2304 --cr 0.5332", [of_table3] {
            return table3(of_table3->m, of_table3->n, static_cast<double>(of_table3->t),
                          of_table3->ratio);
        });
    const auto sizes = [](Command command, const std::shared_ptr<MemoryRequest>& request) {
        const auto side = range(std::uint64_t{1}, std::uint64_t{1} << 20);
        command.add_option("--m", request->m, "Rows of the weight")
            .check(side)
            .capture_default_str();
        command.add_option("--n", request->n, "Its columns").check(side).capture_default_str();
        command.add_option("--t", request->t, "Columns of the input")
            .check(side)
            .capture_default_str();
        command.add_option("--cr", request->ratio, "Compression ratio")
            .check(range(1e-6, 1.0))
            .capture_default_str();
    };
    sizes(third, of_table3);
    add_result_command(group, invocation, "fig6", "Paper B's Figure 6: reads by compression ratio",
                       "cairn lab fig6 --out pictures", figure6);
    add_result_command(group, invocation, "fig7",
                       "Paper B's Figure 7: bandwidth saved, in five readings of its text",
                       "cairn lab fig7 --out pictures", figure7);
    const auto energies = std::make_shared<std::string>();
    add_result_command(group, invocation, "ptotal",
                       "Paper B's Equation 13: energies of all heads and layers as one figure",
                       "cairn lab ptotal --energies '[[0.9, 0.95], [0.92, 0.91]]'",
                       [energies] { return total_energy(*energies); })
        .add_option("--energies", *energies, "A list for each layer: the energy of each head")
        .required();
    const auto counted = std::make_shared<MemoryRequest>();
    const Command command = add_result_command(
        group, invocation, "memory", "Reads by paper B's formulas, and counted in running products",
        "cairn lab memory --m 512 --n 512 --t 16 --cr 0.4", [counted] { return memory(*counted); });
    sizes(command, counted);
    command.add_option("--batch", counted->batch, "Inputs of t columns each")
        .check(range(std::uint64_t{1}, std::uint64_t{1} << 16))
        .capture_default_str();
    pages.push_back({'B', "Equation 6 and Table 2: reads of a product", table2});
    pages.push_back({'B', "Table 3: storage and reads of low-rank weights",
                     [] { return table3(kBert.m, kBert.n, kTokens, 0.7); }});
    pages.push_back({'B', "Table 3, counted", [] { return memory({384, 96, 30, 1, 0.7}); }});
    pages.push_back({'B', "Figure 6: reads by compression ratio", figure6});
    pages.push_back({'B', "Figure 7: bandwidth saved", figure7});
}

}  // namespace cairn::cli
