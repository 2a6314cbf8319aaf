#include "http/client_name.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "net/address.h"

namespace cairn::http {

std::string client_name(const std::string& address) {
    namespace ip = boost::asio::ip;
    boost::system::error_code failure;
    const ip::address parsed = ip::make_address(address, failure);
    if (failure || net::is_loopback(address)) return {};
    if (!parsed.is_v6()) return address;
    ip::address_v6::bytes_type bytes = parsed.to_v6().to_bytes();
    if (parsed.to_v6().is_v4_mapped())
        return ip::make_address_v4(ip::v4_mapped, parsed.to_v6()).to_string();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace cairn::http
