// Proves that charts have round ticks, draw what they are given in the right place, tell many lines
// apart and hide none behind their legend, and that no text can break the document.
#include "picture/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace cairn::picture {
namespace {

TEST(RoundTicks, AreRoundAndInside) {
    EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
    const std::vector<double> ticks = round_ticks(1.43, 2.61, 6);
    ASSERT_EQ(ticks.size(), 6U);
    EXPECT_NEAR(ticks.front(), 1.6, 1e-12);
    EXPECT_NEAR(ticks.back(), 2.6, 1e-12);
    EXPECT_TRUE(round_ticks(1, 1, 5).empty());
    EXPECT_TRUE(round_ticks(NAN, 1, 5).empty());
}

TEST(Chart, PlacesPointsAndEscapesText) {
    Chart chart;
    chart.title = "a < b & \"c\"";
    chart.series = {{"one<script>", {{0, 1}, {5, NAN}, {10, 2}}, 0, false, true}};
    chart.marks = {{1.5, "goal"}};
    const std::string svg = draw_svg(chart);
    EXPECT_NE(svg.find("a &lt; b &amp; &quot;c&quot;"), std::string::npos);
    EXPECT_EQ(svg.find("<script"), std::string::npos);
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_NE(svg.find("goal"), std::string::npos);
    // The first point at the left edge, the last at the right, the higher value higher up.
    const std::size_t at = svg.find("d=\"M62.0 ", svg.find("clip-path"));
    ASSERT_NE(at, std::string::npos);
    double low = 0, right = 0, high = 0;
    ASSERT_EQ(std::sscanf(svg.c_str() + at, "d=\"M62.0 %lfL%lf %lf", &low, &right, &high), 3);
    EXPECT_DOUBLE_EQ(right, 714.0);
    EXPECT_LT(high, low);
    EXPECT_EQ(draw_svg(chart), svg);
    EXPECT_NE(draw_svg(Chart()).find("</svg>"), std::string::npos);
}

TEST(Chart, TheLegendStandsWhereItHidesLeast) {
    const auto left_of_legend = [](const std::vector<ChartPoint>& points,
                                   const std::vector<ChartPoint>& more = {}) {
        Chart chart;
        chart.series = {{"a line with a long name", points, 0, false, false},
                        {"", more, 1, false, true}};
        const std::string svg = draw_svg(chart);
        double x = 0, y = 0;
        const std::size_t at = svg.rfind("<rect x=");
        EXPECT_EQ(std::sscanf(svg.c_str() + at, "<rect x=\"%lf\" y=\"%lf", &x, &y), 2);
        return std::pair{x, y};
    };
    const auto falling = left_of_legend({{0, 10}, {10, 0}});
    const auto rising = left_of_legend({{0, 0}, {10, 10}});
    EXPECT_GT(falling.first, 400) << "top right is free";
    EXPECT_LT(rising.first, 100) << "top left is free";
    EXPECT_EQ(falling.second, rising.second);
    const auto flat = left_of_legend({{0, 0}, {1, 10}, {10, 10}});
    EXPECT_GT(flat.second, 200) << "only the bottom is free";
    const auto valley = left_of_legend({{0, 10}, {1, 0}, {9, 0}, {10, 10}});
    EXPECT_GT(valley.first, 130) << "no corner is free, but the middle is";
    EXPECT_LT(valley.first, 495);
    EXPECT_LT(valley.second, 200);
    const auto dot = left_of_legend({{0, 10}, {10, 0}}, {{9, 9.5}});
    EXPECT_NE(dot, falling) << "a single point is not hidden, either";
}

TEST(Chart, ManyLinesLookDifferent) {
    Chart chart;
    for (std::size_t i = 0; i < 21; ++i) chart.series.push_back({"line", {{0, 0}, {1, 1}}, i});
    const std::string svg = draw_svg(chart);
    std::set<std::string> drawn, told;
    for (std::size_t at = svg.find("<g clip-path"); (at = svg.find("<path ", at)) < svg.size();
         ++at) {
        const std::size_t from = svg.find("stroke=", at);
        drawn.insert(svg.substr(from, svg.find(" stroke-linejoin", from) - from));
    }
    for (std::size_t at = svg.find("fill-opacity"); (at = svg.find("<line ", at)) < svg.size();
         ++at) {
        const std::size_t from = svg.find("stroke=", at);
        told.insert(svg.substr(from, svg.find("/>", from) - from));
    }
    EXPECT_EQ(drawn.size(), 21U);
    EXPECT_EQ(told, drawn) << "the legend says which is which";
}

}  // namespace
}  // namespace cairn::picture
