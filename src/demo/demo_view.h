// What the demo knows of its nodes, and how it looks on a terminal and in a log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "console/live_block.h"
#include "node/node_api.h"

namespace cairn::demo {

struct DemoNodeView {
    std::string books;
    bool answering = false;
    node::NodeStatus status;   ///< while it answers
    std::uint64_t earned = 0;  ///< smallest units
};

struct DemoView {
    std::string network, dashboard;
    std::uint64_t elapsed_s = 0;
    std::uint32_t wanted = 0;
    std::vector<DemoNodeView> nodes;
    std::vector<store::MergeRecord> merges;
    std::string sample;
};

/// "12.34" of an amount whose unit is 10^-8.
std::string coins_text(std::uint64_t amount);
/// One character per value, high to low: ▇▆▅▄▃▂▁.
std::string sparkline(const std::vector<double>& values, std::size_t width);
/// The live screen: lines that fit into `size`, the latest merge blocks as room allows.
std::vector<std::string> render_demo(const DemoView& view, console::ScreenSize size);
/// The log's heading for merge blocks, and its line for one of them.
std::string merge_heading();
std::string render_merge(const store::MergeRecord& merge, std::size_t number,
                         std::uint64_t elapsed_s);

}  // namespace cairn::demo
