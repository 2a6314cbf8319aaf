#include "cli/papers/lab_result.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "papers/result_files.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;
using papers::Field;
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

/// For one row, a line for each field; otherwise columns.
void print(std::span<const papers::Row> rows, std::ostream& out) {
    if (rows.size() == 1) {
        std::size_t widest = 0;
        for (const Field& field : rows[0]) widest = std::max(widest, field.name.size());
        for (const Field& field : rows[0])
            out << fmt::format("{:<{}}  {}\n", field.name, widest, papers::text_of(field.value));
        return;
    }
    std::vector<std::size_t> widths;
    for (const Field& field : rows[0]) widths.push_back(field.name.size());
    for (const papers::Row& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], papers::text_of(row[i].value).size());
    for (std::size_t i = 0; i < widths.size(); ++i)
        out << fmt::format("{}{:>{}}", i ? "  " : "", rows[0][i].name, widths[i]);
    out << '\n';
    for (const papers::Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            out << fmt::format("{}{:>{}}", i ? "  " : "", papers::text_of(row[i].value), widths[i]);
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

Status show(const ResultTable& table, const LabOutput& output, std::ostream& out) {
    if (output.json)
        out << console::json_line(to_json(table));
    else
        print(table, out);
    if (output.folder.empty()) return ok_status();
    return papers::write_files(table, output.folder, output.json ? nullptr : &out);
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

papers::TableProgress progress_bar(const std::string& what) {
    struct Bar {
        SystemClock clock;
        std::optional<Progress> progress;
    };
    return [what, bar = std::make_shared<Bar>()](std::uint64_t done, std::uint64_t total) {
        if (!bar->progress) bar->progress.emplace(bar->clock, what, total);
        bar->progress->update(done);
    };
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
