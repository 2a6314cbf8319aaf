#include "papers/result_files.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>

#include <fmt/format.h>

#include "base/files.h"
#include "picture/chart.h"
#include "picture/png_picture.h"

namespace cairn::papers {

namespace {

std::string text_of_real(double value) {
    if (value == std::floor(value) && std::fabs(value) < 1e15) return fmt::format("{:.0f}", value);
    return std::fabs(value) >= 1e5 ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
}

struct AsText {
    std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
    std::string operator()(double value) const { return text_of_real(value); }
    std::string operator()(bool value) const { return value ? "yes" : "no"; }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(const std::vector<double>& values) const {
        constexpr std::size_t kShown = 6;
        std::string out;
        for (std::size_t i = 0; i < std::min(values.size(), kShown); ++i)
            out += (i ? " " : "") + text_of_real(values[i]);
        return values.size() > kShown ? out + " ..." : out;
    }
    std::string operator()(const std::vector<std::vector<double>>& rows) const {
        std::string out;
        for (std::size_t i = 0; i < rows.size(); ++i) out += (i ? "; " : "") + (*this)(rows[i]);
        return out;
    }
};

std::string numbered(const std::string& path, std::size_t i) {
    return i == 0 ? path : fmt::format("{}-{}", path, i + 1);
}

/// The columns' names and values, comma-separated.
std::string to_csv(std::span<const Row> rows) {
    const auto quoted = [](const std::string& text) {
        if (text.find_first_of(",\"\n") == std::string::npos) return text;
        std::string out = "\"";
        for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
        return out + '"';
    };
    std::string csv;
    for (std::size_t i = 0; i < rows[0].size(); ++i)
        csv += (i ? "," : "") + quoted(rows[0][i].name);
    csv += '\n';
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const auto* real = std::get_if<double>(&row[i].value);
            csv += (i ? "," : "") + (real != nullptr ? fmt::format("{}", *real)
                                                     : quoted(std::visit(AsText{}, row[i].value)));
        }
        csv += '\n';
    }
    return csv;
}

std::string to_markdown(std::span<const Row> rows) {
    std::string page;
    for (const Field& field : rows[0]) page += "| " + field.name + ' ';
    page += "|\n";
    for (std::size_t i = 0; i < rows[0].size(); ++i) page += "|---";
    page += "|\n";
    for (const Row& row : rows) {
        for (const Field& field : row) page += "| " + std::visit(AsText{}, field.value) + ' ';
        page += "|\n";
    }
    return page + '\n';
}

const Value* find(const Row& row, const std::string& name) {
    for (const Field& field : row)
        if (field.name == name) return &field.value;
    return nullptr;
}

double number(const Value* value) {
    if (value == nullptr) return NAN;
    if (const auto* real = std::get_if<double>(value)) return *real;
    if (const auto* whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
    return NAN;
}

picture::Chart to_chart(const ResultTable& table, const Picture& wanted) {
    picture::Chart chart;
    chart.title = wanted.title;
    chart.x_label = wanted.x_label;
    chart.y_label = wanted.y_label;
    for (const PictureMark& mark : wanted.marks) chart.marks.push_back({mark.y, mark.label});
    if (wanted.is_share) {
        chart.bottom = 0;
        chart.top = 1.05;
    }
    std::map<std::string, std::size_t> lines;
    const auto add = [&](const Row& row, const std::string& name, const std::string& y) {
        const Value* const over = find(row, wanted.x);
        const Value* const value = find(row, y);
        if (over == nullptr || value == nullptr) return;
        const auto [at, is_new] = lines.emplace(name, chart.series.size());
        if (is_new) chart.series.push_back({name, {}, chart.series.size(), false, true});
        chart.series[at->second].points.push_back({number(over), number(value)});
    };
    for (const Row& row : table.rows) {
        if (!wanted.beside.empty()) {
            add(row, wanted.y, wanted.y);
            add(row, wanted.beside, wanted.beside);
            continue;
        }
        const Value* group = find(row, wanted.group);
        std::string name = group == nullptr ? "" : std::visit(AsText{}, *group);
        if (!std::isnan(number(group))) name = wanted.group + ' ' + name;
        add(row, name, wanted.y);
    }
    return chart;
}

}  // namespace

std::string text_of(const Value& value) { return std::visit(AsText{}, value); }

Status write_files(const ResultTable& table, const std::string& folder, std::ostream* said) {
    const std::string path = folder + "/" + table.name;
    const auto blocks = blocks_of(table);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::string name = numbered(path, i) + ".csv";
        RETURN_IF_ERROR(write_file(name, as_bytes(to_csv(blocks[i]))));
        if (said != nullptr) *said << (i == 0 ? "wrote " : ", ") << name;
    }
    for (std::size_t i = 0; i < table.pictures.size(); ++i) {
        const std::string name = numbered(path, i);
        RETURN_IF_ERROR(write_file(
            name + ".svg", as_bytes(picture::draw_svg(to_chart(table, table.pictures[i])))));
        const Status drawn = picture::write_png(name + ".svg", name + ".png");
        if (said == nullptr) continue;
        *said << ", " << name << ".svg";
        if (drawn.ok())
            *said << " and .png";
        else
            *said << " (no .png: " << drawn.error().message << ")";
    }
    if (said != nullptr) *said << '\n';
    return ok_status();
}

std::string to_markdown(const ResultTable& table, const std::string& title,
                        const std::string& arguments) {
    std::string page = fmt::format("## {}\n\n`cairn lab {}{}{}`: {}\n\n", title, table.name,
                                   arguments.empty() ? "" : " ", arguments, table.found);
    for (const auto& block : blocks_of(table)) page += to_markdown(block);
    for (std::size_t i = 0; i < table.pictures.size(); ++i)
        page += fmt::format("![{}]({}.svg)\n\n", table.pictures[i].title, numbered(table.name, i));
    return page;
}

}  // namespace cairn::papers
