// Proves that routes cover every layer once, that no other would be faster (or cheaper), that whom
// audits found wanting is left out, and that an impossible route names the layers that are missing.
#include "serve/route.h"

#include <gtest/gtest.h>

#include "base/random.h"

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

/// Offers that say how fast they are.
std::vector<Announce> fast_and_slow() {
    std::vector<Announce> offers = {offer(1, 0, 4), offer(2, 4, 8), offer(3, 0, 8)};
    offers[0].rows_per_s = 2000;  // 4 layers: 2 ms
    offers[1].rows_per_s = 2000;
    offers[2].rows_per_s = 100;  // 8 layers: 80 ms
    return offers;
}

RouteChoice near_by(std::uint64_t trip_us) {
    RouteChoice choice;
    for (std::uint8_t id = 1; id <= 9; ++id) choice.trip_us[offer(id, 0, 1).key] = trip_us;
    return choice;
}

TEST(Route, TheLeastTimeForATokenDecides) {
    const std::vector<Announce> offers = fast_and_slow();
    const auto two = explain_route(offers, kModel, {0, 8}, near_by(1'000));
    EXPECT_EQ(describe(two->hops), "layers 0-4 at server-1:1, layers 4-8 at server-2:1");
    EXPECT_EQ(two->us_per_token, 2 * (1'000U + 2'000U));
    // Where a trip takes longer than the layers, one hop is better.
    EXPECT_EQ(choose_route(offers, kModel, {0, 8}, near_by(90'000))->size(), 1U);
    // A part may be taken of one, where another is faster for the rest.
    std::vector<Announce> part = {offer(1, 0, 8), offer(2, 2, 8)};
    part[0].rows_per_s = 100;
    part[1].rows_per_s = 10'000;
    EXPECT_EQ(describe(*choose_route(part, kModel, {0, 8}, near_by(1'000))),
              "layers 0-2 at server-1:1, layers 2-8 at server-2:1");
}

TEST(Route, AloneWhoSaysNothingIsAsSlowAsTheSlowest) {
    std::vector<Announce> offers = {offer(1, 0, 8), offer(2, 0, 8), offer(3, 0, 8)};
    offers[1].rows_per_s = 500;
    offers[2].rows_per_s = 400;
    EXPECT_EQ((*choose_route(offers, kModel, {0, 8}))[0].key, offers[1].key);
    offers[1].load = 3;  // three quarters taken: 1.75 times as long
    EXPECT_EQ((*choose_route(offers, kModel, {0, 8}))[0].key, offers[0].key)
        << "as fast as the third, and of equals the lower key";
}

TEST(Route, TheCheapestMayBePreferredAndTheDearLeftOut) {
    std::vector<Announce> offers = fast_and_slow();
    offers[0].price = offers[1].price = 10;
    offers[2].price = 9;
    RouteChoice choice = near_by(1'000);
    EXPECT_EQ(choose_route(offers, kModel, {0, 8}, choice)->size(), 2U);
    choice.prefer = Prefer::kCheapest;
    const auto cheap = explain_route(offers, kModel, {0, 8}, choice);
    EXPECT_EQ(cheap->hops.size(), 1U);
    EXPECT_EQ(cheap->price, 72U) << "for 1000 tokens";
    choice.prefer = Prefer::kFastest;
    choice.most_price = 9;
    const auto bounded = explain_route(offers, kModel, {0, 8}, choice);
    EXPECT_EQ(bounded->hops.size(), 1U);
    ASSERT_EQ(bounded->left_out.size(), 2U);
    EXPECT_NE(
        bounded->left_out[0].find(
            "it asks for 0.0000001 coins for 1000 tokens through a layer, and 0.00000009 are the"),
        std::string::npos)
        << bounded->left_out[0];
    // Of equally fast ones the cheaper.
    std::vector<Announce> equal = {offer(1, 0, 8), offer(2, 0, 8)};
    equal[0].price = 2;
    EXPECT_EQ((*choose_route(equal, kModel, {0, 8}))[0].key, equal[1].key);
}

TEST(Route, WhoIsDeactivatedIsNeverTakenAndProbationComesLast) {
    const std::vector<Announce> offers = {offer(1, 0, 4), offer(2, 4, 8), offer(3, 0, 8),
                                          offer(4, 0, 8)};
    std::map<crypto::PublicKey, trust::Standing> book;
    const auto stands = [&](std::size_t at, trust::ServerStatus status, const char* why) {
        book[offers[at].key] = {.status = status, .why = why};
    };
    stands(0, trust::ServerStatus::kActive, "20.0 audits, all but 0.0 right");
    stands(1, trust::ServerStatus::kActive, "");
    stands(2, trust::ServerStatus::kDeactivated, "did not answer 9.0 of 20.0 audits");
    RouteChoice choice;
    choice.standing = [&](const crypto::PublicKey& key) -> std::optional<trust::Standing> {
        const auto found = book.find(key);
        if (found == book.end()) return std::nullopt;
        return found->second;
    };
    const auto route = explain_route(offers, kModel, {0, 8}, choice);
    ASSERT_TRUE(route.ok());
    EXPECT_EQ(route->hops.size(), 2U) << "rather two that are trusted than one never audited";
    ASSERT_EQ(route->left_out.size(), 1U);
    EXPECT_NE(
        route->left_out[0].find("is left out: deactivated: did not answer 9.0 of 20.0 audits"),
        std::string::npos)
        << route->left_out[0];
    EXPECT_NE(route->why[0].find("active: 20.0 audits"), std::string::npos) << route->why[0];
    // Only what is needed of one on probation.
    stands(1, trust::ServerStatus::kConvicted, "signed for a wrong row");
    EXPECT_EQ(describe(*choose_route(offers, kModel, {0, 8}, choice)),
              "layers 0-4 at server-1:1, layers 4-8 at server-4:1");
    // Nobody else: the error says who was left out, and why.
    const auto none = choose_route(std::span(offers).first(3), kModel, {0, 8}, choice);
    ASSERT_FALSE(none.ok());
    EXPECT_NE(none.error().message.find("layers 4-8"), std::string::npos) << none.error().message;
    EXPECT_NE(none.error().message.find("convicted: signed for a wrong row"), std::string::npos)
        << none.error().message;
}

// Against every route there is, for small models.
TEST(Route, NoOtherRouteIsBetter) {
    SeededRandom random(5);
    const RouteChoice choice = near_by(3'000);
    for (int trial = 0; trial < 300; ++trial) {
        std::vector<Announce> offers;
        for (std::uint8_t id = 1; id <= 5; ++id) {
            const auto begin = static_cast<std::uint32_t>(random.below(6));
            const auto end = static_cast<std::uint32_t>(begin + 1 + random.below(6 - begin));
            offers.push_back(offer(id, begin, end, static_cast<std::uint32_t>(random.below(4))));
            offers.back().rows_per_s = static_cast<std::uint32_t>(50 + random.below(1000));
        }
        std::uint64_t best = UINT64_MAX;
        const std::function<void(std::uint32_t, std::uint64_t)> walk = [&](std::uint32_t at,
                                                                           std::uint64_t us) {
            if (at == 6) best = std::min(best, us);
            for (const Announce& each : offers)
                for (std::uint32_t end = at + 1; each.layers.contains(at) && end <= each.layers.end;
                     ++end) {
                    const std::uint64_t layers = (end - at) * 1'000'000 / each.rows_per_s;
                    walk(end, us + 3'000 + layers + layers * each.load / each.capacity);
                }
        };
        walk(0, 0);
        const auto route = explain_route(offers, kModel, {0, 6}, choice);
        ASSERT_EQ(route.ok(), best != UINT64_MAX);
        // Whole microseconds are lost where a stretch is cut.
        if (!route.ok()) continue;
        EXPECT_NEAR(static_cast<double>(route->us_per_token), static_cast<double>(best), 12);
    }
}

TEST(Route, OfManyTheBestAreWorthAsking) {
    std::vector<Announce> offers = fast_and_slow();
    for (std::uint8_t id = 4; id <= 9; ++id) {
        offers.push_back(offer(id, 0, 8));
        offers.back().rows_per_s = 10;
    }
    Announce other = offer(99, 0, 8);
    other.model.bytes[0] = 1;
    offers.push_back(other);
    const auto asked = worth_asking(offers, kModel, {0, 8}, near_by(1'000), 3);
    EXPECT_EQ(asked, (std::vector<std::string>{"server-1:1", "server-2:1", "server-3:1"}));
    EXPECT_EQ(worth_asking(offers, kModel, {0, 8}, near_by(1'000), 100).size(), 9U);
}

}  // namespace
}  // namespace cairn::serve
