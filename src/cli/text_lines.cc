#include "cli/text_lines.h"

#include <array>
#include <iostream>
#include <sstream>

#include "base/files.h"
#include "base/foreign_file.h"

namespace cairn::cli {

Result<std::string> read_all(std::istream& in, const std::string& name, std::size_t most) {
    std::string text;
    std::array<char, 64 * 1024> piece;
    while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > most)
            return Error{ErrorCode::kFull, name + " goes on after " + std::to_string(most) +
                                               " bytes, and no more is taken: is it endless?"};
    }
    return text;
}

Result<std::string> read_standard_input() {
    ASSIGN_OR_RETURN(std::string text, read_all(std::cin, "standard input", kMaxTextBytes));
    RETURN_IF_ERROR(check_encoding("standard input", text));
    return text;
}

Result<std::vector<TextLine>> read_lines(const std::string& path, std::size_t most) {
    const bool piped = path == "-";
    const std::string name = piped ? "standard input" : path;
    auto text = piped ? read_standard_input() : read_text_file(path);
    if (!text.ok()) return text.error();
    std::istringstream in(*std::move(text));
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
    if (lines.empty()) return invalid(name + " has nothing but empty lines");
    return lines;
}

}  // namespace cairn::cli
