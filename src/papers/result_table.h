// What a laboratory found, as plain values: named fields in rows, a sentence, and which columns
// make a picture. The command line prints it, writes it as JSON and CSV, and draws it.
#pragma once

#include <cstdint>
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

/// A line for each value of `group` (one line if it is empty): field `y` over field `x`.
struct Picture {
    std::string title;
    std::string x;
    std::string y;
    std::string group;
    std::string x_label;
    std::string y_label;
};

struct ResultTable {
    std::string name;       ///< "fig6"
    std::vector<Row> rows;  ///< all with the same fields, in the same order
    std::string found;      ///< one sentence
    std::vector<Picture> pictures;
};

}  // namespace cairn::papers
