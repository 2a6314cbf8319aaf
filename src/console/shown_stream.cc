#include "console/shown_stream.h"

namespace cairn::console {

bool ShownStream::finish() {
    buffer_.target << buffer_.clean.rest();
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
        target << clean.next(std::string_view(text, static_cast<std::size_t>(size)));
    return target.good() ? size : 0;
}

int ShownStream::Buffer::sync() {
    target.flush();
    return target.good() ? 0 : -1;
}

}  // namespace cairn::console
