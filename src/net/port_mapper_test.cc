// The port of a home router: asked for, renewed before its lease ends, given back; and what is said
// of it. The protocols themselves meet a real router in tools/check-namespaces.
#include "net/port_mapper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "net/asio_loop.h"

namespace cairn::net {
namespace {

struct FakeRouter final : RouterProtocol {
    std::string name() const override { return "fake"; }
    Result<PortMapping> map(std::uint16_t port, std::uint32_t) override {
        const int now = ++asked;
        if (now <= silent_first || now > silent_after) return not_found("no answer");
        return PortMapping{{"11.3.0.1", static_cast<std::uint16_t>(port + 1)}, lease_s};
    }
    void unmap(std::uint16_t, const PortMapping& mapping) override {
        given_back = mapping.outside.port;
    }

    std::atomic<int> asked = 0;
    int silent_first = 0;
    int silent_after = 1'000'000;
    std::uint32_t lease_s = 1200;
    std::atomic<int> given_back = 0;
};

class PortMapperTest : public testing::Test {
  protected:
    /// Starts asking, and runs the loop until `enough` reports came or `asked` questions were put.
    void run(std::size_t enough, int asked) {
        PortMapperOptions options;
        options.port = 8333;
        options.protocols = {silent, router};
        options.retry_ms = 1;
        options.second_ms = 1;  // a lease of 4 s is renewed after 2 ms
        mapper = std::make_unique<PortMapper>(
            loop, options, [this](const PortReport& report) { reports.push_back(report); });
        look(enough, asked);
        loop.run();
    }
    void look(std::size_t enough, int asked) {
        if (reports.size() >= enough && router->asked >= asked) return loop.stop();
        loop.call_after(1, [this, enough, asked] { look(enough, asked); });
    }

    AsioLoop loop;
    std::shared_ptr<FakeRouter> silent = std::make_shared<FakeRouter>();
    std::shared_ptr<FakeRouter> router = std::make_shared<FakeRouter>();
    std::vector<PortReport> reports;
    std::unique_ptr<PortMapper> mapper;
};

TEST_F(PortMapperTest, IsAskedForAgainBeforeTheLeaseEndsSaidOnceAndGivenBack) {
    silent->silent_first = 1'000'000;
    router->lease_s = 1;  // no router makes us ask more often than every two seconds
    run(1, 20);
    mapper.reset();
    ASSERT_EQ(reports.size(), 1u) << "nothing changed, so nothing is to be said";
    EXPECT_TRUE(reports[0].reachable);
    EXPECT_EQ(reports[0].sentence,
              "peers can reach this node at 11.3.0.1:8334 through your router (fake)");
    EXPECT_EQ(reports[0].mapping->lease_s, 4u);
    EXPECT_EQ(router->given_back, 8334);
    EXPECT_EQ(silent->asked, 1) << "the protocol that worked is asked first from then on";
}

TEST_F(PortMapperTest, IsTriedAgainUntilARouterAnswers) {
    silent->silent_first = 1'000'000;
    router->silent_first = 3;
    run(2, 1);
    mapper.reset();
    EXPECT_FALSE(reports[0].mapping);
    EXPECT_NE(reports[0].sentence.find("fake: no answer; fake: no answer"), std::string::npos);
    EXPECT_TRUE(reports[1].mapping);
}

TEST_F(PortMapperTest, IsLostOnlyWhenTheRouterStaysSilent) {
    silent->silent_first = 1'000'000;
    router->lease_s = 8;
    router->silent_after = 1;
    run(2, 5);
    EXPECT_TRUE(reports[0].mapping);
    EXPECT_FALSE(reports[1].mapping);
    EXPECT_GE(router->asked, 5) << "three silences are forgiven, the lease goes on meanwhile";
    mapper.reset();
    EXPECT_EQ(router->given_back, 0) << "there was none to give back";
}

// What a mapper that has ended had posted is not told to an owner that is gone.
TEST_F(PortMapperTest, SaysNothingAfterItsEnd) {
    PortMapperOptions options;
    options.port = 8333;
    options.protocols = {router};
    mapper = std::make_unique<PortMapper>(
        loop, options, [this](const PortReport& report) { reports.push_back(report); });
    while (router->asked == 0) std::this_thread::yield();
    mapper.reset();
    loop.call_after(1, [this] { loop.stop(); });
    loop.run();
    EXPECT_TRUE(reports.empty());
}

TEST(PortReport, SaysThatAnAddressBehindAnotherRouterIsNone) {
    for (const char* host : {"10.0.0.7", "100.64.3.4", "192.168.1.1"}) {
        const PortReport report = report_of(8333, PortMapping{{host, 8333}, 60}, "UPnP", "");
        EXPECT_FALSE(report.reachable);
        EXPECT_NE(report.sentence.find("another router stands before it"), std::string::npos);
    }
}

// No router is asked for a node that only this machine can dial, or that is not to.
TEST(MapPort, AsksNobodyForANodeThatListensToItselfAlone) {
    AsioLoop loop;
    const auto never = [](const PortReport&) { FAIL(); };
    EXPECT_EQ(map_port(loop, PortAsking::kAny, "127.0.0.1:8333", never), nullptr);
    EXPECT_EQ(map_port(loop, PortAsking::kAny, "[::1]:8333", never), nullptr);
    EXPECT_EQ(map_port(loop, PortAsking::kAny, "", never), nullptr);
    EXPECT_EQ(map_port(loop, PortAsking::kNot, "0.0.0.0:8333", never), nullptr);
}

}  // namespace
}  // namespace cairn::net
