// The ends of circuits against a relay that breaks the rules: what it sends, says to be taken and
// opens is bounded, and breaks the one circuit only.
#include "net/circuits.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "net/asio_loop.h"

namespace cairn::net {
namespace {

class CircuitsTest : public testing::Test {
  protected:
    static constexpr PeerId kRelay = 7, kOther = 8;

    ~CircuitsTest() override {
        for (const int socket : sockets) ::close(socket);
    }
    /// A circuit that the relay brings, under its number `number`.
    void bring(std::uint32_t number) { circuits.on_incoming(kRelay, {number, {}}, true); }
    void data(PeerId from, std::uint32_t number, std::size_t size) {
        circuits.on_data(from, {{false, number}, Bytes(size, 7)});
    }
    void run_for(std::uint64_t ms) {
        loop.call_after(ms, [this] { loop.stop(); });
        loop.run();
    }

    AsioLoop loop;
    std::vector<int> sockets;
    std::vector<std::string> failed;
    std::multiset<RelayKind> said;
    std::size_t sent_bytes = 0;
    Circuits circuits{
        loop.context(),
        loop,
        {.send =
             [this](PeerId, RelayKind kind, ByteView body) {
                 said.insert(kind);
                 if (kind == RelayKind::kData)
                     sent_bytes += decode_circuit_data(body)->bytes.size();
                 return true;
             },
         .opened = [this](const std::string&, int socket) { sockets.push_back(socket); },
         .failed = [this](const std::string&,
                          const std::string& reason) { failed.push_back(reason); },
         .incoming = [this](PeerId, int socket) { sockets.push_back(socket); }}};
};

// The link at the socket reads nothing here, so what comes waits.
TEST_F(CircuitsTest, WhatWaitsForALinkIsBounded) {
    bring(1);
    bring(2);
    for (std::size_t sent = 0; sent < kCircuitWindow; sent += kMaxCircuitPiece)
        data(kRelay, 1, kMaxCircuitPiece);
    EXPECT_EQ(said.count(RelayKind::kClosed), 0u) << "a whole window";
    data(kRelay, 1, 1);
    EXPECT_EQ(said.count(RelayKind::kClosed), 1u);
    data(kOther, 2, 1);
    data(kRelay, 2, 1);
    run_for(20);
    EXPECT_EQ(said.count(RelayKind::kTaken), 1u) << "the other circuit goes on";
}

TEST_F(CircuitsTest, NobodyTakesMoreThanWasSent) {
    bring(1);
    ASSERT_EQ(::send(sockets[0], "abc", 3, 0), 3);
    run_for(20);
    ASSERT_EQ(said.count(RelayKind::kData), 1u);
    circuits.on_taken(kOther, {{false, 1}, 100});
    circuits.on_taken(kRelay, {{false, 1}, 2});
    EXPECT_EQ(said.count(RelayKind::kClosed), 0u);
    circuits.on_taken(kRelay, {{false, 1}, 2});
    EXPECT_EQ(said.count(RelayKind::kClosed), 1u);
}

TEST_F(CircuitsTest, NoMoreIsSentThanMayBeUnderWay) {
    bring(1);
    ASSERT_EQ(::fcntl(sockets[0], F_SETFL, O_NONBLOCK), 0);
    const Bytes piece(kMaxCircuitPiece, 1);
    for (int i = 0; i < 60; ++i) {
        while (::send(sockets[0], piece.data(), piece.size(), 0) > 0) continue;
        run_for(2);
    }
    EXPECT_LE(sent_bytes, kCircuitWindow);
    EXPECT_GT(sent_bytes, kCircuitWindow - kMaxCircuitPiece);
}

TEST_F(CircuitsTest, AFloodOfCircuitsTakesNoMorePlacesThanThereAre) {
    for (std::uint32_t i = 0; i < 1'000; ++i) bring(i);
    EXPECT_EQ(sockets.size(), kMaxBroughtByRelay);
    EXPECT_EQ(said.count(RelayKind::kAccepted), kMaxBroughtByRelay);
    // It keeps out neither another relay nor what we open.
    circuits.on_incoming(kOther, {1, {}}, true);
    EXPECT_EQ(sockets.size(), kMaxBroughtByRelay + 1);
    for (std::size_t i = kMaxBroughtByRelay + 1; i < kMaxCircuitEnds; ++i)
        circuits.open(kOther, {});
    EXPECT_TRUE(failed.empty());
    circuits.open(kOther, {});
    ASSERT_EQ(failed.size(), 1u);
    EXPECT_NE(failed[0].find("too many"), std::string::npos);
    circuits.on_peer_down(kRelay);
    bring(2'000);
    EXPECT_EQ(sockets.size(), kMaxBroughtByRelay + 2);
}

// Orders that make no sense: of circuits that are not there, not accepted, or over.
TEST_F(CircuitsTest, OrdersOutOfPlaceDoNothingElse) {
    circuits.on_accepted(kRelay, {false, 1});
    circuits.on_closed(kRelay, {{false, 1}, "?"});
    data(kRelay, 1, 5);
    circuits.open(kRelay, {{}, "127.0.0.1:1"});
    circuits.on_data(kRelay, {{true, 1}, Bytes(5, 1)});
    ASSERT_EQ(failed.size(), 1u) << "bytes before it is accepted end it";
    circuits.on_accepted(kRelay, {true, 1});
    circuits.open(kRelay, {{}, "127.0.0.1:1"});
    circuits.on_accepted(kRelay, {true, 2});
    circuits.on_accepted(kRelay, {true, 2});
    ASSERT_EQ(sockets.size(), 1u);
    bring(1);
    const std::size_t before = said.count(RelayKind::kClosed);
    circuits.on_closed(kRelay, {{false, 1}, "over"});
    circuits.on_closed(kRelay, {{false, 1}, "over"});
    EXPECT_EQ(said.count(RelayKind::kClosed), before) << "nobody answers Closed";
    data(kRelay, 1, 5);
    circuits.on_taken(kRelay, {{false, 1}, 5});
    bring(1);
    EXPECT_EQ(sockets.size(), 3u) << "its number is free again";
    run_for(20);
}

}  // namespace
}  // namespace cairn::net
