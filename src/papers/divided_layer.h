// What it costs to divide one layer over machines by heads and by columns of the feed-forward
// (papers B: section 4.3, which gives no figures): bytes on lines, and products of the busiest
// machine, for one token. Numbers travel as float32.
#pragma once

#include <cstdint>

namespace cairn::papers {

struct LayerWidths {
    double dim = 0;      ///< of the residual stream
    double queries = 0;  ///< of one position, all heads
    double keys = 0;     ///< and of its values
    double columns = 0;  ///< of the feed-forward, which has a gate
};

/// What is divided besides heads and columns, which are joined in both.
enum class Division {
    kHeadsAndColumns,  ///< wo and w_down are computed where they are joined, by the lead
    kRowsToo,          ///< rows of wo and w_down by all, once they have all that is joined
};

/// Machines and the lines between them.
struct DividedMachines {
    std::uint64_t count = 2;      ///< of which one leads
    double weights_per_s = 0;     ///< that a machine multiplies a token by
    double line_bytes_per_s = 0;  ///< of the lead's line, which all others share
    double trip_s = 0;            ///< there and back
};

struct DividedCost {
    double exchanges = 0;      ///< a layer
    double sent_to_each = 0;   ///< bytes to each other machine
    double from_each = 0;      ///< bytes from it
    double busiest_share = 0;  ///< of the layer's products, on the lead
    double seconds = 0;        ///< a layer: products, trips and what the lead's line carries
};

DividedCost divided_layer(const LayerWidths& widths, const DividedMachines& machines,
                          Division division);

}  // namespace cairn::papers
