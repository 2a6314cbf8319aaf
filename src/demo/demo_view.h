// What the demo knows of its nodes, and how it looks on a terminal and in a log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "console/live_block.h"

namespace cairn::demo {

/// One merge block, as a node's API tells it.
struct DemoMerge {
    std::uint64_t height = 0;
    std::string block;
    std::string state_root;
    std::optional<double> report_loss, judge_loss;  ///< nats per token
    std::uint32_t contributions = 0;
    std::uint64_t reward = 0;
};

struct DemoNodeView {
    std::string books;
    bool answering = false;
    std::uint64_t height = 0;
    std::string state_root;
    std::size_t peers = 0;
    std::string stage;  ///< of training
    std::uint32_t step = 0, steps = 0;
    double local_loss = 0;
    std::uint64_t merged = 0, mined = 0;
    std::uint64_t earned = 0;  ///< smallest units
};

struct DemoView {
    std::string network, dashboard;
    std::uint64_t elapsed_s = 0;
    std::uint32_t wanted = 0;
    std::vector<DemoNodeView> nodes;
    std::vector<DemoMerge> merges;
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
std::string render_merge(const DemoMerge& merge, std::size_t number, std::uint64_t elapsed_s);

}  // namespace cairn::demo
