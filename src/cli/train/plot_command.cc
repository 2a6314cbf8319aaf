#include "cli/train/plot_command.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/outputs.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "formats/source.h"
#include "picture/chart.h"
#include "train/train_log.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;
using picture::Chart;
using picture::ChartPoint;
using picture::ChartSeries;

constexpr std::size_t kStretches = 240;  // of a run's steps, each one averaged
constexpr std::size_t kMaxDemoBytes = std::size_t{1} << 26;

double position(const train::LogRow& row, PlotAxis axis) {
    switch (axis) {
        case PlotAxis::kTokens:
            return static_cast<double>(row.tokens);
        case PlotAxis::kMinutes:
            return row.elapsed / 60;
        case PlotAxis::kSteps:
            break;
    }
    return static_cast<double>(row.step);
}

const char* axis_label(PlotAxis axis) {
    if (axis == PlotAxis::kTokens) return "tokens";
    return axis == PlotAxis::kMinutes ? "minutes" : "step";
}

/// Means over stretches of equal numbers of steps.
std::vector<ChartPoint> averaged(const std::vector<ChartPoint>& points) {
    const std::size_t each = points.size() / kStretches + 1;
    std::vector<ChartPoint> means;
    for (std::size_t at = 0; at < points.size(); at += each) {
        const std::size_t n = std::min(each, points.size() - at);
        ChartPoint mean;
        for (std::size_t i = at; i < at + n; ++i) {
            mean.x += points[i].x / static_cast<double>(n);
            mean.y += points[i].y / static_cast<double>(n);
        }
        means.push_back(mean);
    }
    return means;
}

/// One run's lines; its first hundredth does not decide how high the picture reaches.
Json add_run(const std::vector<train::LogRow>& rows, const std::string& name, std::size_t colour,
             const PlotRequest& request, Chart& chart, double& highest) {
    std::vector<ChartPoint> learnt, held_out;
    Json summary = {{"name", name}, {"steps", rows.empty() ? 0 : rows.back().step}};
    double best = 0;
    for (const train::LogRow& row : rows) {
        const double x = position(row, request.axis);
        if (row.loss) learnt.push_back({x, *row.loss});
        if (!row.valid_loss) continue;
        if (held_out.empty() || *row.valid_loss < best) best = *row.valid_loss;
        held_out.push_back({x, *row.valid_loss});
    }
    if (!learnt.empty()) summary["last_loss"] = learnt.back().y;
    if (!held_out.empty()) {
        summary["best_valid_loss"] = best;
        summary["last_valid_loss"] = held_out.back().y;
    }
    const std::vector<ChartPoint> means = averaged(learnt);
    for (std::size_t i = means.size() / 100 + 1; i < means.size(); ++i)
        highest = std::max(highest, means[i].y);
    chart.series.push_back({name + ": training", means, colour, true, false});
    if (!held_out.empty())
        chart.series.push_back({name + ": held-out", std::move(held_out), colour, false, true});
    return summary;
}

/// What `cairn demo --json` prints: its last line has the merge blocks with both losses.
bool add_demo(const std::string& path, Chart& chart, double& highest) {
    const auto bytes = read_file(path, kMaxDemoBytes);
    if (!bytes.ok()) return false;
    std::string_view text = as_text(*bytes);
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    const std::size_t line = text.rfind('\n');
    if (line != std::string_view::npos) text.remove_prefix(line + 1);
    const Json demo = Json::parse(text, nullptr, false);
    if (!demo.is_object() || !demo.contains("blocks") || !demo["blocks"].is_array()) return false;
    const std::map<std::string, std::string> curves = {
        {"report_loss", "report text: no rule reads it, no node holds it"},
        {"judge_loss", "judge text: read by the rules"}};
    for (const auto& [key, name] : curves) {
        ChartSeries series{name, {}, chart.series.size(), false, false};
        double block = 0;
        for (const Json& entry : demo["blocks"]) {
            block += 1;
            if (!entry.is_object() || !entry.contains(key) || !entry[key].is_number()) continue;
            series.points.push_back({block, entry[key].get<double>()});
            highest = std::max(highest, series.points.back().y);
        }
        chart.series.push_back(std::move(series));
    }
    chart.x_label = "merge block";
    return true;
}

Status check(const PlotRequest& request) {
    std::vector<NamedPath> inputs;
    for (const std::string& log : request.logs) inputs.push_back({"the log", log});
    for (const auto& [option, value] :
         {std::pair{"--top", request.top}, std::pair{"--bottom", request.bottom}})
        if (value && !std::isfinite(*value))
            return misused(fmt::format("{} must be a number, not {}", option, *value));
    if (request.top && request.bottom && *request.top <= *request.bottom)
        return misused(
            fmt::format("--top {} must be above --bottom {}", *request.top, *request.bottom));
    if (request.names.size() > request.logs.size())
        return misused(
            fmt::format("{} times --name for {} logs", request.names.size(), request.logs.size()));
    return check_outputs({{"--out", request.out}}, inputs);
}

}  // namespace

Status run_plot(const PlotRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(check(request));
    Chart chart;
    chart.title = request.title;
    chart.x_label = axis_label(request.axis);
    chart.y_label = "nats per token";
    double highest = 0;
    std::vector<std::string> cut_logs;
    Json runs = Json::array();
    for (std::size_t i = 0; i < request.logs.size(); ++i) {
        const std::string& path = request.logs[i];
        if (add_demo(path, chart, highest)) continue;
        bool cut_off = false;
        ASSIGN_OR_RETURN(const std::vector<train::LogRow> rows,
                         train::read_train_log(path, &cut_off));
        if (cut_off) cut_logs.push_back(path);
        if (rows.empty()) return invalid(path + " has no steps: is it a training log?");
        const std::string name = i < request.names.size()
                                     ? request.names[i]
                                     : std::filesystem::path(path).stem().string();
        runs.push_back(add_run(rows, name, i, request, chart, highest));
    }
    for (const double mark : request.marks)
        chart.marks.push_back({mark, fmt::format("{:g}", mark)});
    chart.top = request.top;
    if (!chart.top && highest > 0) chart.top = highest * 1.02;
    chart.bottom = request.bottom;
    RETURN_IF_ERROR(write_file(request.out, as_bytes(picture::draw_svg(chart))));
    Json report = {{"out", request.out}, {"runs", runs}};
    if (!cut_logs.empty()) report["cut_off"] = cut_logs;
    if (request.json) {
        out << console::json_line(report);
        return ok_status();
    }
    for (const std::string& path : cut_logs)
        out << path << " ends in the middle of a line, which is left out\n";
    out << "wrote " << request.out << '\n';
    return ok_status();
}

void add_plot(const Command& app, Invocation& invocation) {
    const Command command =
        add_command(app, invocation, "plot", "Draw training logs as an SVG picture",
                    "cairn plot run.jsonl other.jsonl --out loss.svg");
    auto request = std::make_shared<PlotRequest>();
    command.add_option("logs", request->logs, "Training logs, or the output of cairn demo --json")
        .required();
    command.add_option("--out", request->out, "SVG file to write").required();
    command.add_option("--name", request->names, "Names of the runs, in order");
    command.add_option("--title", request->title, "Above the picture").capture_default_str();
    command.add_option("--mark", request->marks, "Horizontal lines, such as a goal");
    command.add_option("--top", request->top, "Highest loss shown");
    command.add_option("--bottom", request->bottom, "Lowest loss shown");
    command
        .add_option_function(
            "--by",
            [request](const std::string& name) {
                request->axis = name == "tokens"    ? PlotAxis::kTokens
                                : name == "minutes" ? PlotAxis::kMinutes
                                                    : PlotAxis::kSteps;
            },
            "What runs to the right: steps, tokens or minutes")
        .check(one_of({"steps", "tokens", "minutes"}).unshown());
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_plot(*request, out); };
    });
}

}  // namespace cairn::cli
