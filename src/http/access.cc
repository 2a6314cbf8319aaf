#include "http/access.h"

#include "net/address.h"

namespace cairn::http {

bool same_secret(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned>(a[i]) ^ static_cast<unsigned>(b[i]);
    return difference == 0;
}

bool has_token(const Request& request, const std::string& token) {
    return same_secret(request.authorization, "Bearer " + token);
}

bool asks_by_loopback_name(const Request& request) { return net::is_loopback(request.host); }

bool comes_from_another_site(const Request& request) {
    // A picture or a script that a page names comes without an origin, and still makes us work.
    // "same-site" is another port of this machine: another program.
    if (request.fetch_site == "cross-site" || request.fetch_site == "same-site") return true;
    if (request.origin.empty()) return false;
    // https: behind a proxy that ends TLS and passes the Host field on.
    return request.origin != "http://" + request.authority &&
           request.origin != "https://" + request.authority;
}

bool is_link_to_page(const Request& request, bool is_page) {
    return is_page && request.method == "GET" && request.origin.empty() && request.is_for_a_window;
}

}  // namespace cairn::http
