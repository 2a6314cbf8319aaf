// Proves that shares follow speeds, that newcomers take the layers that are weakest and no more
// than they can hold, that a server moves only where much is won and nobody is left without a
// layer, and that servers that come and go by these rules end near the best division there is.
#include "serve/placement.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"

namespace cairn::serve {
namespace {

crypto::PublicKey key_of(std::uint64_t value) {
    crypto::PublicKey key;
    for (std::size_t i = 0; i < 8; ++i)
        key.bytes[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    return key;
}

using Range = model::LayerRange;

TEST(Placement, SharesFollowSpeeds) {
    using Shares = std::vector<std::uint32_t>;
    EXPECT_EQ(divide_layers(std::vector<double>{3, 1}, 8), (Shares{6, 2}));
    EXPECT_EQ(divide_layers(std::vector<double>{1, 1, 1}, 9), (Shares{3, 3, 3}));
    EXPECT_EQ(divide_layers(std::vector<double>{100, 1}, 8), (Shares{8, 0}));
    EXPECT_EQ(divide_layers(std::vector<double>{3, 1}, 8, Shares{4, 8}), (Shares{4, 4}));
    EXPECT_EQ(divide_layers(std::vector<double>{3, 0}, 8, Shares{4, 8}), (Shares{4, 0}))
        << "what fits nowhere stays";
    EXPECT_EQ(divide_layers(std::vector<double>{}, 8), Shares{});
}

// Against every other division of up to 12 layers among three.
TEST(Placement, NoDivisionHasAFasterSlowestStretch) {
    SeededRandom random(3);
    const auto slowest = [](const std::vector<double>& speeds,
                            const std::vector<std::uint32_t>& shares) {
        double worst = 0;
        for (std::size_t i = 0; i < speeds.size(); ++i)
            worst = std::max(worst, shares[i] / speeds[i]);
        return worst;
    };
    for (int trial = 0; trial < 200; ++trial) {
        std::vector<double> speeds(3);
        for (double& speed : speeds) speed = 1 + static_cast<double>(random.below(1000));
        const auto layers = static_cast<std::uint32_t>(1 + random.below(12));
        const auto ours = divide_layers(speeds, layers);
        ASSERT_EQ(std::accumulate(ours.begin(), ours.end(), 0U), layers);
        for (std::uint32_t a = 0; a <= layers; ++a)
            for (std::uint32_t b = 0; a + b <= layers; ++b)
                EXPECT_LE(slowest(speeds, ours), slowest(speeds, {a, b, layers - a - b}) + 1e-12);
    }
}

// The example, by nothing but choices of their own.
TEST(Placement, NewcomersTakeWhatIsWeakest) {
    EXPECT_EQ(choose_layers({}, 8, 300, 100), (Range{0, 8})) << "all that it can hold";
    const Range first = choose_layers({}, 8, 300, 6);
    EXPECT_EQ(first, (Range{0, 6}));
    const std::vector<Placed> one = {{key_of(1), first, 300}};
    EXPECT_EQ(choose_layers(one, 8, 100, 8), (Range{6, 8})) << "speeds 3:1 give 6 and 2";
    const std::vector<Placed> two = {one[0], {key_of(2), {6, 8}, 100}};
    EXPECT_EQ(choose_layers(two, 8, 400, 8), (Range{0, 8})) << "all are equally weak";
    EXPECT_EQ(choose_layers(two, 8, 400, 2).size(), 2U);
    const std::vector<Placed> weak_end = {one[0], {key_of(2), {6, 8}, 10}};
    EXPECT_EQ(choose_layers(weak_end, 8, 100, 8), (Range{6, 8})) << "held, but weakly";
}

TEST(Placement, AMoveMustBeWorthIt) {
    // Three on the first half, one on the second: the second has a third of the throughput.
    std::vector<Placed> servers = {{key_of(1), {0, 4}, 100},
                                   {key_of(2), {0, 4}, 100},
                                   {key_of(3), {0, 4}, 100},
                                   {key_of(4), {4, 8}, 100}};
    const MoveAdvice moves = advise_move(servers, 8, key_of(2), 4);
    EXPECT_TRUE(moves.move) << moves.why;
    EXPECT_EQ(moves.to, (Range{4, 8}));
    EXPECT_DOUBLE_EQ(moves.now, 25);
    EXPECT_DOUBLE_EQ(moves.then, 50);
    servers[1].layers = {4, 8};
    EXPECT_FALSE(advise_move(servers, 8, key_of(1), 4).move) << "balanced";
    EXPECT_FALSE(advise_move(servers, 8, key_of(4), 4).move);
    // 4 of 5 tokens a second: nothing to move for.
    const std::vector<Placed> nearly = {
        {key_of(1), {0, 4}, 100}, {key_of(2), {0, 4}, 60}, {key_of(3), {4, 8}, 130}};
    EXPECT_FALSE(advise_move(nearly, 8, key_of(2), 4).move);
    // Its layers would have nobody.
    const std::vector<Placed> alone = {{key_of(1), {0, 4}, 100}, {key_of(2), {4, 8}, 1}};
    const MoveAdvice stays = advise_move(alone, 8, key_of(1), 8);
    EXPECT_FALSE(stays.move);
    EXPECT_EQ(stays.why, "some of its layers have no other server");
}

TEST(Placement, WhoIsTooSlowIsRefusedWithHisFigures) {
    EXPECT_TRUE(admit(100, 20, 5).ok());
    const Status refused = admit(99, 20, 5);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kRefused);
    EXPECT_EQ(refused.error().message,
              "this machine carries 99 layer-rows a second, so 4.95 tokens a second through 20 "
              "layers, and at least 5 are wanted: serve 19 layers at most, or use more threads");
}

TEST(Placement, AnnouncementsOfOtherModelsDoNotCountAndSilenceIsSlow) {
    std::vector<Announce> offers(4);
    for (std::size_t i = 0; i < 4; ++i) {
        offers[i].key = key_of(i);
        offers[i].layers = {0, 2};
    }
    offers[1].rows_per_s = 70;
    offers[2].rows_per_s = 30;
    offers[3].model.bytes[0] = 1;
    const auto placed = placed_of(offers, Hash256{}, 7);
    ASSERT_EQ(placed.size(), 3U);
    EXPECT_EQ(placed[0].rows_per_s, 30) << "as the slowest that says it";
    offers[1].rows_per_s = offers[2].rows_per_s = 0;
    EXPECT_EQ(placed_of(offers, Hash256{}, 7)[0].rows_per_s, 7);
}

/// Servers of one model that come, go and follow the advice, one after another.
struct Town {
    SeededRandom random;
    std::uint32_t layers;
    std::vector<Placed> servers{};
    std::map<crypto::PublicKey, std::uint32_t> most{};
    std::uint64_t next_key = 1;
    std::size_t moves = 0;

    void join() {
        const double speed = 50 * static_cast<double>(1 + random.below(8));
        const auto memory = static_cast<std::uint32_t>(1 + random.below(layers / 2));
        const crypto::PublicKey key = key_of(next_key++);
        most[key] = memory;
        servers.push_back({key, choose_layers(servers, layers, speed, memory), speed});
    }
    void leave() {
        servers.erase(servers.begin() + static_cast<std::ptrdiff_t>(random.below(servers.size())));
    }
    /// Everyone asks once; false if nobody moved.
    bool settle_once() {
        bool moved = false;
        for (Placed& server : servers) {
            const MoveAdvice advice = advise_move(servers, layers, server.key, most[server.key]);
            if (!advice.move) continue;
            server.layers = advice.to;
            moved = true;
            ++moves;
        }
        return moved;
    }
    double balance() const { return weakest(servers, layers) / best_possible(servers, layers); }
};

TEST(Placement, ManyWhoComeAndGoEndNearTheBest) {
    double sum = 0, least = 1;
    int rounds_most = 0, towns = 0;
    std::size_t moves = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Town town{SeededRandom(seed), 24};
        for (int i = 0; i < 20; ++i) town.join();
        for (int event = 0; event < 20; ++event) {
            if (town.random.below(2) == 0 && town.servers.size() > 12)
                town.leave();
            else
                town.join();
            int rounds = 0;
            while (town.settle_once()) ASSERT_LT(++rounds, 20) << "it does not come to rest";
            rounds_most = std::max(rounds_most, rounds);
        }
        EXPECT_GT(weakest(town.servers, town.layers), 0) << "a layer without a server";
        sum += town.balance();
        least = std::min(least, town.balance());
        moves += town.moves;
        ++towns;
    }
    std::printf(
        "%d towns: weakest layer %.2f of the best possible on average, %.2f at least; %zu "
        "moves in %d events, %d rounds at most\n",
        towns, sum / towns, least, moves, towns * 20, rounds_most);
    EXPECT_GE(sum / towns, 0.7);
    EXPECT_GE(least, 0.5);
}

}  // namespace
}  // namespace cairn::serve
