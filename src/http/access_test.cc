// Proves that only whoever knows the token has it, that names of strangers are no loopback names,
// and that a page of another site is told from the server's own.
#include "http/access.h"

#include <gtest/gtest.h>

namespace cairn::http {
namespace {

TEST(Access, OnlyTheTokenIsTheToken) {
    Request request;
    EXPECT_FALSE(has_token(request, "secret"));
    for (const char* wrong : {"Bearer", "Bearer ", "Bearer secre", "Bearer secret2", "secret",
                              "Basic secret", "Bearer Secret"}) {
        request.authorization = wrong;
        EXPECT_FALSE(has_token(request, "secret")) << wrong;
    }
    request.authorization = "Bearer secret";
    EXPECT_TRUE(has_token(request, "secret"));
}

TEST(Access, ANameThatResolvesHereIsNoLoopbackName) {
    Request request;
    for (const char* strange : {"", "attacker.example", "127.attacker.example", "192.0.2.1"}) {
        request.host = strange;
        EXPECT_FALSE(asks_by_loopback_name(request)) << strange;
    }
    for (const char* own : {"127.0.0.1", "localhost", "::1"}) {
        request.host = own;
        EXPECT_TRUE(asks_by_loopback_name(request)) << own;
    }
}

TEST(Access, APageOfAnotherSiteIsKnownByItsOrigin) {
    Request request;
    request.authority = "127.0.0.1:8432";
    EXPECT_FALSE(comes_from_another_site(request));  // no browser
    for (const char* own : {"http://127.0.0.1:8432", "https://127.0.0.1:8432"}) {
        request.origin = own;
        EXPECT_FALSE(comes_from_another_site(request)) << own;
    }
    for (const char* other : {"null", "http://127.0.0.1:8420", "http://127.0.0.1",
                              "https://attacker.example", "http://127.0.0.1:84321"}) {
        request.origin = other;
        EXPECT_TRUE(comes_from_another_site(request)) << other;
    }
}

TEST(Access, APageOfAnotherSiteIsKnownWhereItHasNoOrigin) {
    Request request;
    request.method = "GET";
    request.authority = "127.0.0.1:8432";
    for (const char* own : {"", "none", "same-origin"}) {
        request.fetch_site = own;
        EXPECT_FALSE(comes_from_another_site(request)) << own;
    }
    for (const char* other : {"cross-site", "same-site"}) {
        request.fetch_site = other;
        EXPECT_TRUE(comes_from_another_site(request)) << other;
    }
    EXPECT_FALSE(is_link_to_page(request, true)) << "a picture, or a script";
    request.is_for_a_window = true;
    EXPECT_TRUE(is_link_to_page(request, true));
    EXPECT_FALSE(is_link_to_page(request, false));
    request.method = "POST";
    EXPECT_FALSE(is_link_to_page(request, true)) << "a form";
}

}  // namespace
}  // namespace cairn::http
