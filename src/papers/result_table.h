// What a laboratory found, as plain values: named fields in rows, a sentence, and which columns
// make a picture. The command line prints it, writes it as JSON and CSV, and draws it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace cairn::papers {

using Value = std::variant<std::int64_t, double, bool, std::string, std::vector<double>,
                           std::vector<std::vector<double>>>;

struct Field {
    std::string name;
    Value value;
};
using Row = std::vector<Field>;

/// A horizontal line in a picture.
struct PictureMark {
    double y = 0;
    std::string label;
};

/// A line for each value of `group` (one line if it is empty): field `y` over field `x`. Rows that
/// lack one of them are left out.
struct Picture {
    std::string title;
    std::string x;
    std::string y;
    std::string group;
    std::string x_label;
    std::string y_label;
    std::vector<PictureMark> marks{};
    std::string beside{};   ///< another field over x, as a line of its own; then `group` is empty
    bool is_share = false;  ///< y goes from 0 to 1, and all of that is shown
};

/// Rows with the same fields, in the same order, follow each other: each such block is a table of
/// its own where people read it.
struct ResultTable {
    std::string name;  ///< "fig6"
    std::vector<Row> rows;
    std::string found;  ///< one sentence
    std::vector<Picture> pictures;
};

/// Hears how far the making of a table is: so many of so many parts. May be empty.
using TableProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// The blocks of `table`, which outlives them.
std::vector<std::span<const Row>> blocks_of(const ResultTable& table);

}  // namespace cairn::papers
