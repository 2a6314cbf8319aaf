#include "papers/divided_layer.h"

namespace cairn::papers {

DividedCost divided_layer(const LayerWidths& w, const DividedMachines& machines,
                          Division division) {
    constexpr double kBytes = 4;
    const auto count = static_cast<double>(machines.count);
    const double others = count - 1;
    const bool rows_too = division == Division::kRowsToo;
    const double joined = w.queries + w.columns;
    const double behind = w.dim * joined;                                    // wo and w_down
    const double before = w.dim * (w.queries + 2 * w.keys + 2 * w.columns);  // the other five
    DividedCost cost;
    cost.busiest_share =
        ((rows_too ? behind / count : behind) + before / count) / (before + behind);
    const double multiplied = cost.busiest_share * (before + behind);
    cost.seconds = multiplied / machines.weights_per_s;
    if (machines.count <= 1) return cost;
    cost.exchanges = rows_too ? 4 : 2;
    cost.sent_to_each = kBytes * (2 * w.dim + (rows_too ? joined * others / count : 0));
    cost.from_each = kBytes * (joined + (rows_too ? 2 * w.dim : 0)) / count;
    cost.seconds += cost.exchanges * machines.trip_s +
                    others * (cost.sent_to_each + cost.from_each) / machines.line_bytes_per_s;
    return cost;
}

}  // namespace cairn::papers
