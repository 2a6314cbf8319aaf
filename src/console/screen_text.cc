#include "console/screen_text.h"

#include <algorithm>
#include <utility>

#include <utf8proc.h>

#include "base/text.h"

namespace cairn::console {

namespace {

constexpr std::string_view kEllipsis = "…";

struct Character {
    std::size_t bytes = 1;
    std::size_t columns = 1;
};

/// The one that `text`, not empty and cleaned by printable_line(), begins with.
Character first_of(std::string_view text) {
    utf8proc_int32_t code = 0;
    const utf8proc_ssize_t bytes =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                         static_cast<utf8proc_ssize_t>(text.size()), &code);
    if (bytes <= 0) return {};
    return {static_cast<std::size_t>(bytes),
            static_cast<std::size_t>(std::max(0, utf8proc_charwidth(code)))};
}

/// How many bytes of `text` fit into `columns`.
std::size_t bytes_within(std::string_view text, std::size_t columns) {
    std::size_t bytes = 0, used = 0;
    while (bytes < text.size()) {
        const Character next = first_of(text.substr(bytes));
        if (used + next.columns > columns) break;
        used += next.columns;
        bytes += next.bytes;
    }
    return bytes;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Character next = first_of(text.substr(at));
        columns += next.columns;
        at += next.bytes;
    }
    return columns;
}

std::string cut_to(std::string_view text, std::size_t columns) {
    const std::string clean = printable_line(text);
    if (columns_of(clean) <= columns) return clean;
    if (columns == 0) return {};
    return clean.substr(0, bytes_within(clean, columns - 1)) + std::string(kEllipsis);
}

std::string fill_to(std::string_view text, std::size_t columns) {
    std::string cut = cut_to(text, columns);
    cut.append(columns - columns_of(cut), ' ');
    return cut;
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns, std::size_t indent) {
    const std::string clean = printable_line(text);
    std::string_view rest = clean;
    std::vector<std::string> lines;
    while (!rest.empty() || lines.empty()) {
        const std::size_t margin = lines.empty() ? 0 : indent;
        const std::size_t room = std::max<std::size_t>(columns, margin + 8) - margin;
        std::size_t take = bytes_within(rest, room);
        if (take < rest.size()) {
            const std::size_t blank = rest.rfind(' ', take);
            // Not at a blank of the indentation that the text itself begins with.
            if (blank != std::string_view::npos && blank > rest.find_first_not_of(' '))
                take = blank;
        }
        lines.push_back(std::string(margin, ' ') + std::string(rest.substr(0, take)));
        rest.remove_prefix(take);
        while (rest.starts_with(' ')) rest.remove_prefix(1);
    }
    return lines;
}

namespace {

/// Where the line's next word ends, with what belongs to it.
std::size_t word_end(std::string_view line, std::size_t begin) {
    constexpr std::string_view kProgram = "cairn ";
    if (line.substr(begin).starts_with(kProgram)) return line.size();
    bool quoted = false;
    std::size_t at = begin;
    for (; at < line.size() && (quoted || line[at] != ' '); ++at) quoted ^= line[at] == '`';
    return at;
}

}  // namespace

std::vector<std::string> wrap_for_people(std::string_view line, std::size_t columns) {
    const std::size_t first = line.find_first_not_of(' ');
    if (columns_of(line) <= columns || first == std::string_view::npos) return {std::string(line)};
    std::vector<std::string> lines;
    std::string now(line.substr(0, first));
    bool is_empty = true;  // but for blanks
    for (std::size_t at = first; at < line.size();) {
        const std::size_t end = word_end(line, at);
        const std::string_view word = line.substr(at, end - at);
        if (!is_empty && columns_of(now) + columns_of(word) > columns) {
            now.erase(now.find_last_not_of(' ') + 1);
            lines.push_back(std::exchange(now, std::string(first, ' ')));
        }
        now += word;
        is_empty = false;
        at = std::min(line.find_first_not_of(' ', end), line.size());
        now.append(at - end, ' ');
    }
    lines.push_back(now);
    return lines;
}

std::string in_80_columns(std::string_view text) {
    std::string all;
    for (const std::string& line : wrap(text, 80, 4)) all += line + "\n";
    return all;
}

}  // namespace cairn::console
