// Proves that sessions and searches share one view of the links: whoever is told that a link is
// lost and looks for servers at once dials anew instead of asking over the lost link.
#include "serve/client.h"

#include <gtest/gtest.h>

#include "serve/test_world.h"

namespace cairn::serve {
namespace {

/// FakeNetwork counts links from 1.
constexpr net::PeerId kFirstLink = 1;

TEST(Client, ASearchFromWithinALossDoesNotUseTheLostLink) {
    TestWorld world(small_model());
    FakeServer& server = world.add_server("a", {0, 5});
    const auto opened = world.open({{{0, 5}, crypto::public_key(server.secret), "a"}}, 64);
    std::optional<Discovery> found;
    world.loop.hold_work(true);  // the push stays under way
    world.push(std::get<Hash256>(opened), world.some_states(1, 1), [&](const auto& answer) {
        ASSERT_TRUE(std::holds_alternative<Failure>(answer));
        world.client->search().discover({"a"}, [&](Discovery d) { found = std::move(d); });
    });
    world.loop.run_for(10);
    ASSERT_FALSE(found);
    world.client_network.disconnect(kFirstLink);
    world.loop.run_for(10);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->offers.size(), 1U) << found->silent.at(0);
}

}  // namespace
}  // namespace cairn::serve
