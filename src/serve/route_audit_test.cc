// Proves, over real TLS on loopback, that an audit of a whole route convicts the hop that lies and
// nobody else, that the server which is meant is on that route, and that its rows are those which
// came out of the hop before: servers that work together see a client.
#include "serve/route_audit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "audit/replay.h"
#include "serve/test_watched_server.h"

namespace cairn::serve {
namespace {

struct RouteAuditTest : AuditorTest {
    Announce offer(const WatchedServer& server, model::LayerRange layers) const {
        Announce made = server.offer(snapshot);
        made.layers = layers;
        return made;
    }
    Result<std::vector<AuditReport>> audit(const Announce& target,
                                           const std::vector<Announce>& all) {
        RouteAuditOptions options;
        options.bounds = TextBounds{3, true, 4};
        return audit_route(snapshot, compute, random, clock, options,
                           route_through(target, all, snapshot.config), {});
    }
};

TEST_F(RouteAuditTest, TheHopThatLiesIsConvictedAndSeesAClient) {
    LayerServerOptions lies;
    lies.lies = true;
    WatchedServer first(snapshot, model::LayerRange{0, 2});
    WatchedServer honest(snapshot, model::LayerRange{2, 5});
    WatchedServer liar(snapshot, model::LayerRange{2, 5}, lies);
    const std::vector<Announce> all = {offer(first, {0, 2}), offer(honest, {2, 5}),
                                       offer(liar, {2, 5})};
    const auto reports = audit(all[2], all);
    ASSERT_TRUE(reports.ok()) << reports.error().message;
    ASSERT_EQ(reports->size(), 2U);
    for (const AuditReport& report : *reports) {
        EXPECT_EQ(report.examined.finding,
                  report.server == all[2].key ? trust::Finding::kConvicted : trust::Finding::kRight)
            << report.examined.sentence;
        EXPECT_EQ(report.examined.exhibit.has_value(), report.server == all[2].key);
    }
    EXPECT_TRUE(honest.end().empty());
    const auto rows_of = [](const std::vector<Push>& pushes) {
        std::vector<float> rows;
        for (const Push& push : pushes)
            rows.insert(rows.end(), push.states.begin(), push.states.end());
        return rows;
    };
    const std::vector<float> given = rows_of(first.end()), came = rows_of(liar.end());
    const SessionTerms& terms = first.opened().at(0).terms;
    const auto gave = audit::recompute(snapshot.config, snapshot.weights, {0, 2}, given, terms.kv,
                                       compute, terms.wire);
    ASSERT_TRUE(gave.ok()) << gave.error().message;
    EXPECT_EQ(came, *gave) << "rows that no server before gave";
    EXPECT_GE(came.size(), 2 * snapshot.config.dim);
}

TEST_F(RouteAuditTest, WhoIsMeantIsOnTheRoute) {
    Announce target, same, before, across;
    const auto make = [&](Announce& offer, const char* address, model::LayerRange layers) {
        offer.key = crypto::public_key(crypto::SecretKey::generate(random));
        offer.address = address;
        offer.model = snapshot.hash;
        offer.layers = layers;
    };
    make(target, "target", {2, 5});
    make(same, "same", {2, 5});
    make(before, "before", {0, 2});
    make(across, "across", {0, 3});
    using Addresses = std::set<std::string>;
    const auto through = [&](const std::vector<Announce>& all) {
        const auto found = route_through(target, all, snapshot.config);
        return Addresses(found.begin(), found.end());
    };
    EXPECT_EQ(through({target, same, before, across}), (Addresses{"target", "before"}));
    // Where nobody else has just the others, those are asked that have them.
    EXPECT_EQ(through({target, same, across}), (Addresses{"target", "same", "across"}));
}

TEST_F(RouteAuditTest, ATextThatNobodySawIsNotLost) {
    WatchedServer half(snapshot, model::LayerRange{2, 5});
    const std::vector<Announce> all = {offer(half, {2, 5})};
    AuditText spare;
    RouteAuditOptions options;
    options.spare = &spare;
    const auto none = audit_route(snapshot, compute, random, clock, options,
                                  route_through(all[0], all, snapshot.config), {});
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
    EXPECT_FALSE(spare.tokens.empty());
    EXPECT_TRUE(half.end().empty());
}

}  // namespace
}  // namespace cairn::serve
