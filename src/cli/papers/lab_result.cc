#include "cli/papers/lab_result.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/outputs.h"
#include "cli/options.h"
#include "cli/papers/png_picture.h"
#include "cli/train/chart.h"
#include "console/json_line.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;
using papers::Field;
using papers::Picture;
using papers::ResultTable;

constexpr std::size_t kMostNumbers = 1 << 16;  // of one option

Json to_json(const ResultTable& table) {
    Json rows = Json::array();
    for (const papers::Row& row : table.rows) {
        Json line = Json::object();
        for (const Field& field : row)
            std::visit([&](const auto& value) { line[field.name] = value; }, field.value);
        rows.push_back(std::move(line));
    }
    return Json{{"name", table.name}, {"rows", std::move(rows)}, {"found", table.found}};
}

std::string text_of(double value) {
    if (value == std::floor(value) && std::fabs(value) < 1e15) return fmt::format("{:.0f}", value);
    return std::fabs(value) >= 1e5 ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
}

struct AsText {
    std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
    std::string operator()(double value) const { return text_of(value); }
    std::string operator()(bool value) const { return value ? "yes" : "no"; }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(const std::vector<double>& values) const {
        constexpr std::size_t kShown = 6;
        std::string out;
        for (std::size_t i = 0; i < std::min(values.size(), kShown); ++i)
            out += (i ? " " : "") + text_of(values[i]);
        return values.size() > kShown ? out + " ..." : out;
    }
    std::string operator()(const std::vector<std::vector<double>>& rows) const {
        std::string out;
        for (std::size_t i = 0; i < rows.size(); ++i) out += (i ? "; " : "") + (*this)(rows[i]);
        return out;
    }
};

/// For one row, a line for each field; otherwise columns.
void print(std::span<const papers::Row> rows, std::ostream& out) {
    if (rows.size() == 1) {
        std::size_t widest = 0;
        for (const Field& field : rows[0]) widest = std::max(widest, field.name.size());
        for (const Field& field : rows[0])
            out << fmt::format("{:<{}}  {}\n", field.name, widest,
                               std::visit(AsText{}, field.value));
        return;
    }
    std::vector<std::size_t> widths;
    for (const Field& field : rows[0]) widths.push_back(field.name.size());
    for (const papers::Row& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], std::visit(AsText{}, row[i].value).size());
    for (std::size_t i = 0; i < widths.size(); ++i)
        out << fmt::format("{}{:>{}}", i ? "  " : "", rows[0][i].name, widths[i]);
    out << '\n';
    for (const papers::Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            out << fmt::format("{}{:>{}}", i ? "  " : "", std::visit(AsText{}, row[i].value),
                               widths[i]);
        out << '\n';
    }
}

void print(const ResultTable& table, std::ostream& out) {
    for (const auto& block : papers::blocks_of(table)) {
        print(block, out);
        out << '\n';
    }
    out << table.found << '\n';
}

std::string numbered(const std::string& path, std::size_t i) {
    return i == 0 ? path : fmt::format("{}-{}", path, i + 1);
}

/// The columns' names and values, comma-separated.
std::string to_csv(std::span<const papers::Row> rows) {
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
    for (const papers::Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const auto* real = std::get_if<double>(&row[i].value);
            csv += (i ? "," : "") + (real != nullptr ? fmt::format("{}", *real)
                                                     : quoted(std::visit(AsText{}, row[i].value)));
        }
        csv += '\n';
    }
    return csv;
}

std::string to_markdown(std::span<const papers::Row> rows) {
    std::string page;
    for (const Field& field : rows[0]) page += "| " + field.name + ' ';
    page += "|\n";
    for (std::size_t i = 0; i < rows[0].size(); ++i) page += "|---";
    page += "|\n";
    for (const papers::Row& row : rows) {
        for (const Field& field : row) page += "| " + std::visit(AsText{}, field.value) + ' ';
        page += "|\n";
    }
    return page + '\n';
}

const papers::Value* find(const papers::Row& row, const std::string& name) {
    for (const Field& field : row)
        if (field.name == name) return &field.value;
    return nullptr;
}

double number(const papers::Value* value) {
    if (value == nullptr) return NAN;
    if (const auto* real = std::get_if<double>(value)) return *real;
    if (const auto* whole = std::get_if<std::int64_t>(value)) return static_cast<double>(*whole);
    return NAN;
}

Chart to_chart(const ResultTable& table, const Picture& picture) {
    Chart chart;
    chart.title = picture.title;
    chart.x_label = picture.x_label;
    chart.y_label = picture.y_label;
    for (const papers::PictureMark& mark : picture.marks)
        chart.marks.push_back({mark.y, mark.label});
    if (picture.is_share) {
        chart.bottom = 0;
        chart.top = 1.05;
    }
    std::map<std::string, std::size_t> lines;
    const auto add = [&](const papers::Row& row, const std::string& name, const std::string& y) {
        const papers::Value* const over = find(row, picture.x);
        const papers::Value* const value = find(row, y);
        if (over == nullptr || value == nullptr) return;
        const auto [at, is_new] = lines.emplace(name, chart.series.size());
        if (is_new) chart.series.push_back({name, {}, chart.series.size(), false, true});
        chart.series[at->second].points.push_back({number(over), number(value)});
    };
    for (const papers::Row& row : table.rows) {
        if (!picture.beside.empty()) {
            add(row, picture.y, picture.y);
            add(row, picture.beside, picture.beside);
            continue;
        }
        const papers::Value* group = find(row, picture.group);
        std::string name = group == nullptr ? "" : std::visit(AsText{}, *group);
        if (!std::isnan(number(group))) name = picture.group + ' ' + name;
        add(row, name, picture.y);
    }
    return chart;
}

template <typename T>
Result<T> parsed(const std::string& option, const std::string& text, const char* what) {
    const Json json = Json::parse(text, nullptr, false);
    const Error wrong = misused(fmt::format(
        "{}: {} is wanted, as in {}", option, what,
        std::string_view(what).find("lists") != std::string_view::npos ? "[[1, 2], [3, 4]]"
                                                                       : "[1, 2, 3]"));
    const auto is_number = [](const Json& value) {
        using Element = typename T::value_type;
        return std::is_same_v<Element, std::int64_t> ? value.is_number_integer()
                                                     : value.is_number();
    };
    if (!json.is_array() || json.empty() || json.size() > kMostNumbers) return wrong;
    if constexpr (std::is_same_v<T, std::vector<std::vector<double>>>) {
        for (const Json& row : json)
            if (!row.is_array() || row.empty() || row.size() != json[0].size() ||
                row.size() > kMostNumbers / json.size() ||
                !std::all_of(row.begin(), row.end(),
                             [](const Json& value) { return value.is_number(); }))
                return wrong;
    } else {
        if (!std::all_of(json.begin(), json.end(), is_number)) return wrong;
    }
    return json.get<T>();
}

}  // namespace

Status write_files(const ResultTable& table, const std::string& folder, std::ostream* said) {
    const std::string path = folder + "/" + table.name;
    const auto blocks = papers::blocks_of(table);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::string name = numbered(path, i) + ".csv";
        RETURN_IF_ERROR(write_file(name, as_bytes(to_csv(blocks[i]))));
        if (said != nullptr) *said << (i == 0 ? "wrote " : ", ") << name;
    }
    for (std::size_t i = 0; i < table.pictures.size(); ++i) {
        const std::string name = numbered(path, i);
        RETURN_IF_ERROR(
            write_file(name + ".svg", as_bytes(draw_svg(to_chart(table, table.pictures[i])))));
        const Status drawn = write_png(name + ".svg", name + ".png");
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

std::string to_markdown(const ResultTable& table, const std::string& title) {
    std::string page =
        fmt::format("## {}\n\n`cairn lab {}`: {}\n\n", title, table.name, table.found);
    for (const auto& block : papers::blocks_of(table)) page += to_markdown(block);
    for (std::size_t i = 0; i < table.pictures.size(); ++i)
        page += fmt::format("![{}]({}.svg)\n\n", table.pictures[i].title, numbered(table.name, i));
    return page;
}

Status show(const ResultTable& table, const LabOutput& output, std::ostream& out) {
    if (output.json)
        out << console::json_line(to_json(table));
    else
        print(table, out);
    if (output.folder.empty()) return ok_status();
    return write_files(table, output.folder, output.json ? nullptr : &out);
}

Command add_result_command(const Command& group, Invocation& invocation, const std::string& name,
                           const std::string& what, const std::string& example,
                           std::function<Result<ResultTable>()> make) {
    const Command command = add_command(group, invocation, name, what, example);
    auto folder = std::make_shared<std::string>();
    command.add_option("--out", *folder, "Folder for tables and pictures: CSV, SVG, PNG");
    command.callback([folder, name, make = std::move(make), &invocation] {
        const bool json = invocation.json;
        invocation.run = [folder, name, make, json](std::ostream& out) -> Status {
            if (!folder->empty())
                RETURN_IF_ERROR(check_outputs({{"--out", *folder + "/" + name + ".csv"}}, {}));
            ASSIGN_OR_RETURN(const ResultTable table, make());
            return show(table, {json, *folder}, out);
        };
    });
    return command;
}

Result<std::vector<double>> numbers_of(const std::string& option, const std::string& text) {
    return parsed<std::vector<double>>(option, text, "a list of numbers");
}

Result<std::vector<std::vector<double>>> matrix_of(const std::string& option,
                                                   const std::string& text) {
    return parsed<std::vector<std::vector<double>>>(option, text,
                                                    "a list of equally long lists of numbers");
}

Result<std::vector<std::int64_t>> integers_of(const std::string& option, const std::string& text) {
    return parsed<std::vector<std::int64_t>>(option, text, "a list of whole numbers");
}

}  // namespace cairn::cli
