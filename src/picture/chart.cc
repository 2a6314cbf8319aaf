#include "picture/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace cairn::picture {

namespace {

constexpr double kWidth = 760, kHeight = 420;
constexpr double kLeft = 62, kRight = 46, kTop = 44, kBottom = 52;
constexpr double kLegendRow = 19, kGlyph = 7.0;  // a letter's width, about
constexpr double kBeside = 3;  // that lines are drawn beside the plot: a dot at its edge is whole
// Colours that colour-blind people can tell apart, too (Okabe and Ito 2008, but for the yellow,
// which is pale on white). Where there are more lines the colours begin again, broken in another
// way.
constexpr std::array kPalette = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                 "#e69f00", "#56b4e9", "#000000"};
constexpr std::array kDashes = {"", " stroke-dasharray=\"7 3\"", " stroke-dasharray=\"2 3\""};

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else if (static_cast<unsigned char>(c) >= ' ')
            out += c;
    }
    return out;
}

bool finite(const ChartPoint& p) { return std::isfinite(p.x) && std::isfinite(p.y); }

/// Where values lie in the picture.
struct Frame {
    double x0 = 0, x1 = 1, y0 = 0, y1 = 1;

    double x(double value) const {
        return kLeft + (value - x0) / (x1 - x0) * (kWidth - kLeft - kRight);
    }
    double y(double value) const {
        return kTop + (y1 - value) / (y1 - y0) * (kHeight - kTop - kBottom);
    }
};

Frame frame_of(const Chart& chart) {
    double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
    for (const ChartSeries& series : chart.series)
        for (const ChartPoint& point : series.points) {
            if (!finite(point)) continue;
            x0 = std::min(x0, point.x);
            x1 = std::max(x1, point.x);
            y0 = std::min(y0, point.y);
            y1 = std::max(y1, point.y);
        }
    if (x0 > x1) x0 = y0 = 0, x1 = y1 = 1;
    for (const ChartMark& mark : chart.marks) y0 = std::min(y0, mark.y);
    if (x1 <= x0) x1 = x0 + 1;
    const double top = chart.top.value_or(y1);
    const double room = std::max((top - y0) * 0.05, 1e-6);
    Frame frame{x0, x1, chart.bottom.value_or(y0 - room), chart.top.value_or(top + room)};
    if (frame.y1 <= frame.y0) frame.y1 = frame.y0 + 1;
    return frame;
}

std::string tick_text(double value) {
    if (std::fabs(value) >= 1e6) return fmt::format("{:g}M", value / 1e6);
    if (std::fabs(value) >= 1e4) return fmt::format("{:g}k", value / 1e3);
    return fmt::format("{:g}", std::fabs(value) < 1e-12 ? 0.0 : value);
}

std::string draw_axes(const Chart& chart, const Frame& frame) {
    std::string out;
    const double bottom = kHeight - kBottom, right = kWidth - kRight;
    for (const double tick : round_ticks(frame.y0, frame.y1, 7))
        out += fmt::format(
            "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#e4e4e4\"/>"
            "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
            kLeft, right, frame.y(tick), frame.y(tick), kLeft - 8, frame.y(tick) + 4,
            tick_text(tick));
    for (const double tick : round_ticks(frame.x0, frame.x1, 8))
        out += fmt::format(
            "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" stroke=\"#888\"/>"
            "<text x=\"{0:.1f}\" y=\"{3:.1f}\" text-anchor=\"middle\">{4}</text>\n",
            frame.x(tick), bottom, bottom + 5, bottom + 20, tick_text(tick));
    out += fmt::format(
        "<path d=\"M{0:.1f} {1:.1f}V{2:.1f}H{3:.1f}\" fill=\"none\" stroke=\"#888\"/>\n", kLeft,
        kTop, bottom, right);
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                       (kLeft + right) / 2, kHeight - 12, escaped(chart.x_label));
    out += fmt::format(
        "<text x=\"16\" y=\"{0:.1f}\" text-anchor=\"middle\" "
        "transform=\"rotate(-90 16 {0:.1f})\">{1}</text>\n",
        (kTop + bottom) / 2, escaped(chart.y_label));
    out += fmt::format("<text x=\"{:.1f}\" y=\"24\" font-size=\"15\" fill=\"#111\">{}</text>\n",
                       kLeft, escaped(chart.title));
    return out;
}

const char* colour_of(const ChartSeries& series) {
    return kPalette[series.colour % kPalette.size()];
}

/// How its line is drawn, as attributes.
std::string stroke_of(const ChartSeries& series) {
    return fmt::format("stroke=\"{}\" stroke-width=\"{}\" stroke-opacity=\"{}\"{}",
                       colour_of(series), series.faint ? "1.2" : "2", series.faint ? "0.55" : "1",
                       kDashes[series.colour / kPalette.size() % kDashes.size()]);
}

std::string draw_series(const ChartSeries& series, const Frame& frame) {
    std::string path, dots;
    for (const ChartPoint& point : series.points) {
        if (!finite(point)) continue;
        path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", frame.x(point.x),
                            frame.y(point.y));
        if (series.dots)
            dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\"/>", frame.x(point.x),
                                frame.y(point.y));
    }
    if (path.empty()) return {};
    return fmt::format(
        "<path d=\"{}\" fill=\"none\" {} stroke-linejoin=\"round\"/>\n"
        "<g fill=\"{}\">{}</g>\n",
        path, stroke_of(series), colour_of(series), dots);
}

/// Points of the picture along all lines, not more than a few pixels apart.
std::vector<ChartPoint> points_along_lines(const Chart& chart, const Frame& frame) {
    constexpr double kApart = 2;
    std::vector<ChartPoint> all;
    for (const ChartSeries& series : chart.series) {
        std::optional<ChartPoint> before;
        for (const ChartPoint& point : series.points) {
            if (!finite(point)) continue;
            const ChartPoint to{frame.x(point.x), frame.y(point.y)};
            const ChartPoint from = before.value_or(to);
            const double steps =
                std::clamp(std::ceil(std::hypot(to.x - from.x, to.y - from.y) / kApart), 1.0, 1e3);
            for (double i = 1; i <= steps; ++i)
                all.push_back(
                    {from.x + i / steps * (to.x - from.x), from.y + i / steps * (to.y - from.y)});
            before = to;
        }
    }
    return all;
}

/// The upper left corner of a legend of that size: in a corner of the plot if it hides nothing
/// there, else wherever it hides least.
ChartPoint legend_place(const Chart& chart, const Frame& frame, double width, double height) {
    constexpr double kClear = 4;  // of lines, on all sides
    constexpr int kPlaces = 24;   // tried in a row and in a column
    const double left = kLeft + 8, right = kWidth - kRight - width - 6;
    const double top = kTop + 4, low = kHeight - kBottom - height - 6;
    std::vector<ChartPoint> places = {{right, top}, {left, top}, {right, low}, {left, low}};
    for (int row = 0; row <= kPlaces; ++row)
        for (int column = 0; column <= kPlaces; ++column)
            places.push_back(
                {right + (left - right) * column / kPlaces, top + (low - top) * row / kPlaces});
    const std::vector<ChartPoint> lines = points_along_lines(chart, frame);
    const auto hidden = [&](const ChartPoint& place) {
        return std::ranges::count_if(lines, [&](const ChartPoint& point) {
            const double x = point.x - place.x, y = point.y - place.y;
            return x >= -kClear && x <= width + kClear && y >= -kClear && y <= height + kClear;
        });
    };
    return *std::ranges::min_element(places, {}, hidden);
}

std::string draw_legend(const Chart& chart, const Frame& frame) {
    std::size_t longest = 0, rows = 0;
    for (const ChartSeries& series : chart.series)
        if (!series.name.empty()) longest = std::max(longest, series.name.size()), ++rows;
    if (rows == 0) return {};
    const double width = 46 + kGlyph * static_cast<double>(longest);
    const double height = kLegendRow * static_cast<double>(rows) + 10;
    const auto [left, top] = legend_place(chart, frame, width, height);
    std::string out = fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"4\" "
        "fill=\"#fff\" fill-opacity=\"0.9\" stroke=\"#ddd\"/>\n",
        left, top, width, height);
    double y = top + kLegendRow * 0.5 + 5;
    for (const ChartSeries& series : chart.series) {
        if (series.name.empty()) continue;
        out += fmt::format("<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" {}/>",
                           left + 8, left + 30, y, y, stroke_of(series));
        if (series.dots)
            out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\" fill=\"{}\"/>",
                               left + 19, y, colour_of(series));
        out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"#222\">{}</text>\n", left + 38,
                           y + 4, escaped(series.name));
        y += kLegendRow;
    }
    return out;
}

std::string draw_marks(const Chart& chart, const Frame& frame) {
    std::string out;
    for (const ChartMark& mark : chart.marks) {
        if (mark.y < frame.y0 || mark.y > frame.y1) continue;
        out += fmt::format(
            "<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" "
            "stroke=\"#999\" stroke-dasharray=\"5 4\"/>"
            "<text x=\"{3:.1f}\" y=\"{4:.1f}\">{5}</text>\n",
            kLeft, kWidth - kRight, frame.y(mark.y), kWidth - kRight + 6, frame.y(mark.y) + 4,
            escaped(mark.label));
    }
    return out;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int wanted) {
    std::vector<double> ticks;
    if (!(high > low) || wanted < 1) return ticks;
    const double rough = (high - low) / wanted;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {5.0, 2.0, 1.0})
        if (factor * power >= rough * 0.999) step = factor * power;
    constexpr int kMostTicks = 100;
    const double first = std::ceil(low / step - 1e-9);
    for (int i = 0; i < kMostTicks && (first + i) * step <= high + 1e-9 * step; ++i)
        ticks.push_back((first + i) * step);
    return ticks;
}

std::string draw_svg(const Chart& chart) {
    const Frame frame = frame_of(chart);
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" "
        "fill=\"#555\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n"
        "<clipPath id=\"plot\"><rect x=\"{2}\" y=\"{3}\" width=\"{4}\" height=\"{5}\"/>"
        "</clipPath>\n",
        kWidth, kHeight, kLeft - kBeside, kTop, kWidth - kLeft - kRight + 2 * kBeside,
        kHeight - kTop - kBottom);
    out += draw_axes(chart, frame) + draw_marks(chart, frame) + "<g clip-path=\"url(#plot)\">\n";
    for (const bool faint : {true, false})
        for (const ChartSeries& series : chart.series)
            if (series.faint == faint) out += draw_series(series, frame);
    return out + "</g>\n" + draw_legend(chart, frame) + "</svg>\n";
}

}  // namespace cairn::picture
