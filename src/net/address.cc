#include "net/address.h"

#include <algorithm>
#include <charconv>

namespace cairn::net {
namespace {

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}
bool is_v6_character(char c) {
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' ||
           c == '.';
}

}  // namespace

Result<Address> parse_address(const std::string& text) {
    const Error error =
        invalid("not an address: expected HOST:PORT, for example 127.0.0.1:7070 or [::1]:7070");
    if (text.size() > kMaxAddressBytes) return error;
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return error;

    Address address;
    address.host = text.substr(0, colon);
    if (address.host.front() == '[') {
        if (address.host.size() < 3 || address.host.back() != ']') return error;
        address.host = address.host.substr(1, address.host.size() - 2);
        if (!std::ranges::all_of(address.host, is_v6_character)) return error;
        if (address.host.find(':') == std::string::npos) return error;
    } else if (!std::ranges::all_of(address.host, is_host_character)) {
        return error;
    }

    const char* const begin = text.data() + colon + 1;
    const char* const end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(begin, end, address.port);
    if (failure != std::errc() || stop != end || to_string(address) != text) return error;
    return address;
}

std::string to_string(const Address& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace cairn::net
