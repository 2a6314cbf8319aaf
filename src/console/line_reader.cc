#include "console/line_reader.h"

#include <unistd.h>

#include <cstdio>
#include <istream>

#include "console/line_editor.h"
#include "console/terminal.h"

namespace cairn::console {

namespace {

Result<std::optional<std::string>> bounded(std::string line) {
    if (line.size() > kMaxLineBytes) return invalid("a line is longer than 1 MiB");
    if (line.ends_with('\r')) line.pop_back();
    return std::optional(std::move(line));
}

}  // namespace

Result<std::optional<std::string>> StreamLineReader::read(const std::string&, Interrupt&) {
    std::string line;
    if (!std::getline(in_, line)) return std::optional<std::string>();
    return bounded(std::move(line));
}

Result<std::optional<std::string>> PipeLineReader::read(const std::string&, Interrupt& interrupt) {
    std::string line;
    for (;;) {
        char byte = 0;
        const InputBytes::Event event = bytes_.next(interrupt, byte);
        if (event == InputBytes::Event::kInterrupted) return std::optional<std::string>();
        if (event == InputBytes::Event::kEnd && line.empty()) return std::optional<std::string>();
        if (event == InputBytes::Event::kEnd || byte == '\n') return bounded(std::move(line));
        if (line.size() <= kMaxLineBytes) line += byte;
    }
}

Result<std::unique_ptr<LineReader>> standard_input(const std::string& history_file,
                                                   bool keep_output) {
    const bool on_output = !keep_output && is_terminal(STDOUT_FILENO);
    if (is_terminal(STDIN_FILENO) && (on_output || is_terminal(STDERR_FILENO)))
        return edited_input(history_file, on_output ? stdout : stderr);
    return std::unique_ptr<LineReader>(std::make_unique<PipeLineReader>(STDIN_FILENO));
}

}  // namespace cairn::console
