// Who may ask at all: what every API of this program checks before it looks at a request's path.
// A browser runs pages of strangers, and such a page may reach a server on the same machine; these
// checks keep it out.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace cairn::http {

/// Compares in a time that does not depend on where the two differ.
bool same_secret(std::string_view a, std::string_view b);
/// Whether the request carries "Authorization: Bearer TOKEN" with this token.
bool has_token(const Request& request, const std::string& token);
/// A page's own name that resolves to this machine (DNS rebinding) is no name of ours: a server on
/// loopback is asked as 127.0.0.1, [::1] or localhost.
bool asks_by_loopback_name(const Request& request);
/// Whether a browser sends it for a page of another site than this server's own, be it by a script,
/// a form, a picture or a link.
bool comes_from_another_site(const Request& request);
/// Whether it only leads a person from such a page to what `is_page` says is a page of ours.
bool is_link_to_page(const Request& request, bool is_page);

}  // namespace cairn::http
