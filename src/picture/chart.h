// A line chart as an SVG picture that needs nothing else to be shown: axes with round numbers, a
// legend, lines, dots, and horizontal marks for goals.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace cairn::picture {

struct ChartPoint {
    double x = 0;
    double y = 0;
};

struct ChartSeries {
    std::string name;  ///< in the legend; empty: not there
    std::vector<ChartPoint> points;
    std::size_t colour = 0;  ///< which one; lines of different ones (up to 21) look different
    bool faint = false;      ///< thin and pale, behind the others
    bool dots = false;       ///< a dot at each point
};

struct ChartMark {
    double y = 0;
    std::string label;
};

struct Chart {
    std::string title;
    std::string x_label;
    std::string y_label;
    std::vector<ChartSeries> series;
    std::vector<ChartMark> marks;
    std::optional<double> top;     ///< highest y shown; what is above is cut off
    std::optional<double> bottom;  ///< lowest y shown
};

/// The document. Points that are not finite are left out.
std::string draw_svg(const Chart& chart);

/// Round numbers (1, 2 or 5 times a power of ten apart) within [low, high], about `wanted` of them.
std::vector<double> round_ticks(double low, double high, int wanted);

}  // namespace cairn::picture
