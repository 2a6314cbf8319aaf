#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "base/text.h"

namespace cairn::net {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035: of a name, and of each part between its dots
constexpr std::size_t kMaxLabel = 63;
constexpr std::string_view kExpected = "write HOST:PORT, for example 127.0.0.1:7070 or [::1]:7070";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

// inet_pton() reads up to a NUL, and a peer may send one: what stands behind it would be ignored,
// so that one host had any number of names.
bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

std::optional<in_addr> parse_v4(const std::string& text) {
    in_addr address{};
    if (has_nul(text)) return std::nullopt;
    if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
    return address;
}

std::optional<in6_addr> parse_v6(const std::string& text) {
    in6_addr address{};
    if (has_nul(text)) return std::nullopt;
    if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
    return address;
}

// Some resolvers read "127.1" and "0x7f.1" as IPv4 addresses. Such a host is no name here, so only
// four decimal numbers are an address.
bool ends_in_number(std::string_view name) {
    const std::string_view last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
    if (std::ranges::all_of(last, is_digit)) return true;
    return last.starts_with("0x") || last.starts_with("0X");
}

bool is_name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > kMaxName || ends_in_number(text)) return false;
    for (;;) {
        const std::string_view label = text.substr(0, text.find('.'));
        if (label.empty() || label.size() > kMaxLabel) return false;
        if (!std::ranges::all_of(label, is_name_character)) return false;
        if (label.size() == text.size()) return true;
        text.remove_prefix(label.size() + 1);
    }
}

Error not_an_address(std::string_view text, std::string_view why) {
    std::string shown = printable_line(text.substr(0, kMaxAddressBytes));
    if (text.size() > kMaxAddressBytes) shown += "...";
    return invalid("'" + shown + "' is no address: " + std::string(why) + "; " +
                   std::string(kExpected));
}

/// "host" or "[v6]", without its brackets.
std::optional<std::string> parse_host(std::string_view text) {
    if (text.starts_with('[')) {
        if (!text.ends_with(']')) return std::nullopt;
        std::string inside(text.substr(1, text.size() - 2));
        if (!parse_v6(inside)) return std::nullopt;
        return inside;
    }
    std::string host(text);
    if (!is_name(text) && !parse_v4(host)) return std::nullopt;
    return host;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, port);
    if (failure != std::errc() || stop != end || std::to_string(port) != text) return std::nullopt;
    return port;
}

/// Where ":port" begins, behind the brackets of an IPv6 address; npos if there is none.
std::size_t port_colon(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    const std::size_t bracket = text.rfind(']');
    if (colon != std::string_view::npos && bracket != std::string_view::npos && colon < bracket)
        return std::string_view::npos;
    return colon;
}

}  // namespace

Result<Address> parse_address(const std::string& text) {
    if (text.empty()) return not_an_address(text, "it is empty");
    if (text.size() > kMaxAddressBytes) return not_an_address(text, "it is too long");
    const std::size_t colon = port_colon(text);
    if (colon == std::string::npos) return not_an_address(text, "it has no port");
    Address address;
    const auto host = parse_host(std::string_view(text).substr(0, colon));
    if (!host && parse_v6(text))
        return not_an_address(text, "an IPv6 address wants brackets and a port behind them");
    if (!host) return not_an_address(text, "its host is neither a name nor a number");
    address.host = *host;
    const auto port = parse_port(std::string_view(text).substr(colon + 1));
    if (!port) return not_an_address(text, "its port is not a number from 0 to 65535");
    address.port = *port;
    return address;
}

Result<Address> parse_peer_address(const std::string& text) {
    ASSIGN_OR_RETURN(Address address, parse_address(text));
    if (address.port == 0) return not_an_address(text, "nobody can be reached at port 0");
    return address;
}

Result<std::string> parse_host_field(std::string_view text) {
    if (text.size() > kMaxAddressBytes) return not_an_address(text, "it is too long");
    const std::size_t colon = port_colon(text);
    const auto host = parse_host(text.substr(0, colon));
    if (!host) return not_an_address(text, "its host is neither a name nor a number");
    if (colon != std::string_view::npos && !parse_port(text.substr(colon + 1)))
        return not_an_address(text, "its port is not a number from 0 to 65535");
    return *host;
}

std::string to_string(const Address& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback(const std::string& host) {
    if (const auto v4 = parse_v4(host)) return ntohl(v4->s_addr) >> 24 == 127;
    if (const auto v6 = parse_v6(host)) {
        if (IN6_IS_ADDR_V4MAPPED(&*v6)) return v6->s6_addr[12] == 127;
        return IN6_IS_ADDR_LOOPBACK(&*v6);
    }
    std::string name = host;
    if (name.ends_with('.')) name.pop_back();
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return name == "localhost";
}

bool is_public(const std::string& host) {
    struct Range {
        std::uint32_t first;
        int bits;
    };
    // The registry of IPv4 addresses for special use: RFC 6890 and those after it.
    constexpr std::array<Range, 14> kKept{{{0x00000000, 8},
                                           {0x0A000000, 8},
                                           {0x64400000, 10},
                                           {0x7F000000, 8},
                                           {0xA9FE0000, 16},
                                           {0xAC100000, 12},
                                           {0xC0000000, 24},
                                           {0xC0000200, 24},
                                           {0xC0586300, 24},
                                           {0xC0A80000, 16},
                                           {0xC6120000, 15},
                                           {0xC6336400, 24},
                                           {0xCB007100, 24},
                                           {0xE0000000, 3}}};
    const auto v6 = parse_v6(host);
    auto v4 = parse_v4(host);
    if (v6 && IN6_IS_ADDR_V4MAPPED(&*v6)) {
        v4.emplace();
        std::copy_n(v6->s6_addr + 12, 4, reinterpret_cast<std::uint8_t*>(&v4->s_addr));
    } else if (v6) {
        const std::uint8_t* const bytes = v6->s6_addr;
        const bool documentation =
            bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0D && bytes[3] == 0xB8;
        return bytes[0] >> 5 == 1 && !documentation;  // 2000::/3
    }
    if (!v4) return false;
    const std::uint32_t number = ntohl(v4->s_addr);
    return std::ranges::none_of(kKept, [number](const Range& range) {
        return number >> (32 - range.bits) == range.first >> (32 - range.bits);
    });
}

std::string netgroup(const std::string& host) {
    if (const auto v4 = parse_v4(host)) {
        const std::uint32_t number = ntohl(v4->s_addr);
        return std::to_string(number >> 24) + "." + std::to_string(number >> 16 & 255);
    }
    if (const auto v6 = parse_v6(host)) {
        const std::uint8_t* const bytes = v6->s6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&*v6))
            return std::to_string(bytes[12]) + "." + std::to_string(bytes[13]);
        return "v6 " + to_hex(ByteView(bytes, 4));
    }
    return "names";
}

}  // namespace cairn::net
