#include "console/shown_stream.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "console/screen_text.h"
#include "console/terminal.h"

namespace cairn::console {

namespace {

constexpr std::size_t kLongestLine = 64 * 1024;  // that is kept until it ends

}  // namespace

bool ShownStream::finish() {
    buffer_.put(buffer_.clean.rest());
    buffer_.put_beginning();
    buffer_.target.flush();
    return good() && buffer_.target.good();
}

ShownStream::Buffer::int_type ShownStream::Buffer::overflow(int_type c) {
    if (c == traits_type::eof()) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return xsputn(&one, 1) == 1 ? c : traits_type::eof();
}

std::streamsize ShownStream::Buffer::xsputn(const char* text, std::streamsize size) {
    if (exact)
        target.write(text, size);
    else
        put(clean.next(std::string_view(text, static_cast<std::size_t>(size))));
    return target.good() ? size : 0;
}

void ShownStream::Buffer::put(std::string_view text) {
    if (columns == 0) {
        target << text;
        return;
    }
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        line += text.substr(0, end);
        if (is_begun || line.size() > kLongestLine) put_beginning();
        if (end == text.size()) return;
        if (!is_begun)
            for (const std::string& each : wrap_for_people(line, columns)) target << each << '\n';
        else
            target << '\n';
        line.clear();
        is_begun = false;
        text.remove_prefix(end + 1);
    }
}

void ShownStream::Buffer::put_beginning() {
    is_begun |= !line.empty();
    target << std::exchange(line, {});
}

int ShownStream::Buffer::sync() {
    put_beginning();
    target.flush();
    return target.good() ? 0 : -1;
}

void say(std::string_view sentence) {
    ShownStream errors(std::cerr);
    errors.set_columns(terminal_columns(STDERR_FILENO));
    errors << "cairn: " << printable_line(sentence) << '\n';
    (void)errors.finish();
}

}  // namespace cairn::console
