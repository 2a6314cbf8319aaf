#include "papers/divided_table.h"

#include <fmt/format.h>

#include "papers/divided_layer.h"

namespace cairn::papers {

namespace {

constexpr double kGigabit = 1e9 / 8;

}  // namespace

ResultTable divided_table(const DividedRequest& request) {
    ResultTable table{"divided", {}, "", {}};
    const LayerWidths widths{request.dim, request.queries, request.keys, request.columns};
    const auto cost_of = [&](std::uint64_t count, double gigabits, Division division) {
        return divided_layer(widths,
                             {count, request.memory_gb * 1e9 * 8 / request.weight_bits,
                              gigabits * kGigabit, request.trip_ms / 1e3},
                             division);
    };
    for (const double gigabits : request.gigabits)
        for (const std::uint64_t count : request.machines)
            for (const Division division : {Division::kHeadsAndColumns, Division::kRowsToo}) {
                const DividedCost cost = cost_of(count, gigabits, division);
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

}  // namespace cairn::papers
