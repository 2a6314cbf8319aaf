#include "cli/papers/lab_divided.h"

#include <memory>

#include <fmt/format.h>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "papers/divided_layer.h"

namespace cairn::cli {

namespace {

using papers::Division;
using papers::ResultTable;

constexpr double kGigabit = 1e9 / 8;

/// A layer of Llama 2's 7B with 4-bit weights (4.5 bits each), on machines that read 20 GB/s.
struct DividedRequest {
    double dim = 4096, queries = 4096, keys = 4096, columns = 11008;
    double weight_bits = 4.5;
    double memory_gb = 20;
    double trip_ms = 0.2;
    std::vector<double> gigabits = {1, 10};
    std::vector<std::uint64_t> machines = {1, 2, 4, 8};
};

Result<ResultTable> divided(const DividedRequest& request) {
    ResultTable table{"divided", {}, "", {}};
    const papers::LayerWidths widths{request.dim, request.queries, request.keys, request.columns};
    const auto cost_of = [&](std::uint64_t count, double gigabits, Division division) {
        return papers::divided_layer(widths,
                                     {count, request.memory_gb * 1e9 * 8 / request.weight_bits,
                                      gigabits * kGigabit, request.trip_ms / 1e3},
                                     division);
    };
    for (const double gigabits : request.gigabits)
        for (const std::uint64_t count : request.machines)
            for (const Division division : {Division::kHeadsAndColumns, Division::kRowsToo}) {
                const papers::DividedCost cost = cost_of(count, gigabits, division);
                table.rows.push_back(
                    {{"gigabits", gigabits},
                     {"machines", static_cast<std::int64_t>(count)},
                     {"rows_too", division == Division::kRowsToo},
                     {"exchanges", static_cast<std::int64_t>(cost.exchanges)},
                     {"bytes_to_each", static_cast<std::int64_t>(cost.sent_to_each)},
                     {"bytes_from_each", static_cast<std::int64_t>(cost.from_each)},
                     {"busiest_share", cost.busiest_share},
                     {"ms", cost.seconds * 1e3}});
            }
    const double line = request.gigabits.front();
    const auto ms = [&](std::uint64_t count, Division division) {
        return cost_of(count, line, division).seconds * 1e3;
    };
    table.found = fmt::format(
        "A layer that takes one machine {:.1f} ms a token takes two {:.1f} and four {:.1f} ms over "
        "a line of {:g} Gbit/s, if heads and columns are divided and joined before wo and w_down, "
        "which is what is built; with the rows of those divided, too, {:.1f} and {:.1f} ms.",
        ms(1, Division::kHeadsAndColumns), ms(2, Division::kHeadsAndColumns),
        ms(4, Division::kHeadsAndColumns), line, ms(2, Division::kRowsToo),
        ms(4, Division::kRowsToo));
    return table;
}

}  // namespace

void add_lab_divided(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto request = std::make_shared<DividedRequest>();
    const Command command = add_result_command(
        group, invocation, "divided",
        "Paper B's section 4.3: what a layer costs that several machines compute together",
        "cairn lab divided --gbit 2.5 --trip 0.5", [request] { return divided(*request); });
    const auto width = range(1.0, 1e6);
    const auto option = [&](const char* name, double& value, const char* what) {
        command.add_option(name, value, what).check(width).capture_default_str();
    };
    option("--dim", request->dim, "Width of the residual stream");
    option("--queries", request->queries, "Width of a position's queries");
    option("--keys", request->keys, "Width of its keys");
    option("--columns", request->columns, "Columns of the feed-forward, which has a gate");
    command.add_option("--weight-bits", request->weight_bits, "Bits of a weight")
        .check(range(1.0, 64.0))
        .capture_default_str();
    command.add_option("--memory", request->memory_gb, "GB/s at which a machine reads weights")
        .check(range(0.01, 1e5))
        .capture_default_str();
    command.add_option("--trip", request->trip_ms, "Milliseconds there and back")
        .check(range(0.0, 1e4))
        .capture_default_str();
    command.add_option("--gbit", request->gigabits, "Gbit/s of the lead's line; several may follow")
        .check(range(1e-6, 1e5));
    pages.push_back(
        {'B', "Section 4.3: a layer over several machines", [] { return divided({}); }});
}

}  // namespace cairn::cli
