#include "cli/text_lines.h"

#include <iostream>
#include <sstream>

#include "base/files.h"
#include "cli/local_model.h"

namespace cairn::cli {

Result<std::vector<TextLine>> read_lines(const std::string& path, std::size_t most) {
    std::istringstream file;
    if (path != "-") {
        ASSIGN_OR_RETURN(std::string text, read_text_file(path));
        file.str(std::move(text));
    }
    std::istream& in = path == "-" ? std::cin : file;
    const std::string name = path == "-" ? "standard input" : path;
    std::vector<TextLine> lines;
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.ends_with('\r')) line.pop_back();
        if (line.empty()) continue;
        if (lines.size() == most)
            return invalid(name + " has more than " + std::to_string(most) + " lines of text");
        lines.push_back({number, std::move(line)});
    }
    if (lines.empty()) return invalid(name + " has no text: it wants one line for each");
    return lines;
}

}  // namespace cairn::cli
