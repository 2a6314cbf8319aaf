#include "http/message.h"

#include "base/bytes.h"

namespace cairn::http {

namespace {

Result<std::string> unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain.push_back(text[i]);
            continue;
        }
        if (text.size() - i < 3) return invalid("an unfinished %-escape in the address");
        ASSIGN_OR_RETURN(const Bytes byte, from_hex(text.substr(i + 1, 2)));
        plain.push_back(static_cast<char>(byte[0]));
        i += 2;
    }
    return plain;
}

}  // namespace

Status parse_target(std::string_view target, Request& request) {
    const std::size_t mark = target.find('?');
    ASSIGN_OR_RETURN(request.path, unescape(target.substr(0, mark)));
    std::string_view rest = mark == std::string_view::npos ? "" : target.substr(mark + 1);
    while (!rest.empty()) {
        const std::string_view field = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), field.size() + 1));
        const std::size_t equals = field.find('=');
        ASSIGN_OR_RETURN(std::string name, unescape(field.substr(0, equals)));
        ASSIGN_OR_RETURN(
            std::string value,
            unescape(equals == std::string_view::npos ? "" : field.substr(equals + 1)));
        if (!request.query.emplace(name, std::move(value)).second)
            return invalid("the address gives " + name + " twice");
    }
    return ok_status();
}

}  // namespace cairn::http
