// Proves that routes cover every layer once with as few hops as possible, and that an impossible
// one names the layers that are missing.
#include "serve/route.h"

#include <gtest/gtest.h>

namespace cairn::serve {
namespace {

Announce offer(std::uint8_t id, std::uint32_t begin, std::uint32_t end, std::uint32_t load = 0) {
    Announce result;
    result.key.bytes[0] = id;
    result.address = "server-" + std::to_string(id) + ":1";
    result.model.bytes[0] = 9;
    result.layers = {begin, end};
    result.load = load;
    result.capacity = 4;
    return result;
}

const Hash256 kModel = offer(0, 0, 1).model;

TEST(Route, PrefersFewerHops) {
    const std::vector<Announce> offers = {offer(1, 0, 1), offer(2, 1, 2), offer(3, 2, 5),
                                          offer(4, 0, 3), offer(5, 2, 4)};
    const auto route = choose_route(offers, kModel, {0, 5});
    ASSERT_TRUE(route.ok());
    ASSERT_EQ(route->size(), 2U);
    EXPECT_EQ((*route)[0].layers, (model::LayerRange{0, 3}));
    // The second holds 2-5 but computes only what is left.
    EXPECT_EQ((*route)[1].layers, (model::LayerRange{3, 5}));
    EXPECT_EQ(describe(*route), "layers 0-3 at server-4:1, layers 3-5 at server-3:1");
}

TEST(Route, OneServerWithEverythingIsOneHop) {
    const std::vector<Announce> offers = {offer(1, 0, 3), offer(2, 3, 5), offer(3, 0, 5)};
    EXPECT_EQ(choose_route(offers, kModel, {0, 5})->size(), 1U);
}

TEST(Route, PrefersTheLessLoadedAndAsksTheFullLast) {
    const std::vector<Announce> offers = {offer(1, 0, 2, 3), offer(2, 0, 2, 1), offer(3, 0, 2, 4)};
    EXPECT_EQ((*choose_route(offers, kModel, {0, 2}))[0].key, offers[1].key);
    const std::vector<Announce> far = {offer(1, 0, 2, 4), offer(2, 0, 1, 3), offer(3, 1, 2, 3)};
    EXPECT_EQ(choose_route(far, kModel, {0, 2})->size(), 2U) << "rather two hops than a full one";
    // A full one may have a place for us: who holds it may have to yield.
    const std::vector<Announce> full = {offer(3, 0, 2, 4)};
    EXPECT_EQ(choose_route(full, kModel, {0, 2})->size(), 1U);
}

TEST(Route, NamesTheUncoveredLayers) {
    const std::vector<Announce> offers = {offer(1, 0, 2), offer(2, 4, 6)};
    const auto gap = choose_route(offers, kModel, {0, 6});
    ASSERT_FALSE(gap.ok());
    EXPECT_EQ(gap.error().code, ErrorCode::kNotFound);
    EXPECT_NE(gap.error().message.find("layers 2-4"), std::string::npos) << gap.error().message;
    const std::vector<Announce> short_of_one = {offer(1, 0, 5)};
    EXPECT_NE(choose_route(short_of_one, kModel, {0, 6}).error().message.find("layer 5 "),
              std::string::npos);
}

TEST(Route, OtherModelsAndVersionsDoNotCount) {
    std::vector<Announce> offers = {offer(1, 0, 2)};
    Hash256 other;
    other.bytes[0] = 8;
    EXPECT_NE(choose_route(offers, other, {0, 2}).error().message.find("other models"),
              std::string::npos);
    offers[0].numerics = kNumericsVersion + 1;
    EXPECT_FALSE(choose_route(offers, kModel, {0, 2}).ok());
    EXPECT_FALSE(choose_route({}, kModel, {0, 2}).ok());
}

}  // namespace
}  // namespace cairn::serve
