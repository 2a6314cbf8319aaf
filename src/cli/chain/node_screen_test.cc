// Proves that what a node shows fits the terminal at every width, names what is wrong before all
// else, tells progress while it catches up, and never shows a chain that is not read yet as empty.
#include "cli/chain/node_screen.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "console/screen_text.h"

namespace cairn::cli {
namespace {

constexpr std::uint64_t kNow = 1'790'000'000'000;

NodeScreen running() {
    NodeScreen screen;
    screen.now_ms = kNow;
    screen.api = "127.0.0.1:8420";
    node::NodeStatus& status = screen.status;
    status.network_name = "guild";
    status.listen_address = "127.0.0.1:8333";
    status.height = status.headers_height = 1'200;
    status.tip_time_ms = kNow - 3'000;
    status.round = {149, 8, 8};
    status.loss = {1'192, 3.25, 3.5, {}};
    status.earned = 1'234'500'000;
    status.peers.resize(3);
    status.peers[1].outbound = true;
    status.mining = {true, true, 1'201, 9'000, 48'000, 7};
    status.training = {true, "training", 149, 3, 8, 3.125, 17};
    return screen;
}

std::string text_of(const NodeScreen& screen, std::size_t columns = 100) {
    std::string text;
    for (const std::string& line : render_node(screen, columns)) text += line + "\n";
    return text;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(NodeScreen, TellsWhatARunningNodeDoes) {
    const std::string text = text_of(running());
    for (const char* part :
         {"height   1200, in step; last block 3 s ago", "round    149, block 8 of 8",
          "peers    3: 1 that we called, 2 that called us",
          "loss     3.250 on the report text (-0.250) at block 1192",
          "earned   12.345 coins; 17 contributions merged",
          "trainer  training, step 3 of 8, own loss 3.125",
          "miner    tries block 1201, 48 thousand hashes a second; 7 found since the start",
          "http://127.0.0.1:8420/"})
        EXPECT_TRUE(has(text, part)) << part << " is not in\n" << text;
    EXPECT_TRUE(has(node_line(running().status), "height 1200, round 149 block 8/8, 3 peers"))
        << node_line(running().status);
}

TEST(NodeScreen, NamesTheLossOnEachSource) {
    NodeScreen screen = running();
    screen.status.loss.sources = {{"books", 3.0}, {"git-log", 3.5}};
    EXPECT_TRUE(has(text_of(screen),
                    "3.250 on the report text (-0.250) at block 1192, books 3.000, git-log 3.500"))
        << text_of(screen);
}

TEST(NodeScreen, FitsEveryWidth) {
    NodeScreen screen = running();
    screen.status.conditions = {
        {"no_peers", true, kNow - 60'000, std::string(300, 'x'), "wait"},
        {"clock", true, kNow - 60'000, "this machine's clock is 3 h behind the chain's last block",
         "set it, it is the clock of this machine that is wrong"}};
    for (const std::size_t columns : {20u, 40u, 80u, 100u, 200u})
        for (const std::string& line : render_node(screen, columns))
            EXPECT_LE(console::columns_of(line), columns) << line;
}

TEST(NodeScreen, WhatIsWrongComesFirstAndWhole) {
    NodeScreen screen = running();
    screen.status.conditions = {{"storage", true, kNow - 120'000,
                                 "this node cannot store blocks: the disk is full", "make room"},
                                {"no_peers", false, kNow, "no other node is linked", ""}};
    const std::vector<std::string> lines = render_node(screen, 100);
    EXPECT_EQ(lines[1],
              "  ! this node cannot store blocks: the disk is full; make room (for 2 min)");
    EXPECT_TRUE(lines[2].starts_with("  - no other node is linked")) << lines[2];
    std::string narrow;
    for (const std::string& line : render_node(screen, 40)) narrow += line;
    EXPECT_TRUE(has(narrow, "make room")) << "wrapped, not cut";
    EXPECT_TRUE(has(node_line(screen.status), "In trouble: this node cannot store blocks"));
    EXPECT_FALSE(has(node_line(screen.status), "no other node is linked")) << "that is none";
}

TEST(NodeScreen, TellsHowFarItHasCaughtUp) {
    NodeScreen screen = running();
    screen.status.height = 300;
    screen.left_ms = 120'000;
    EXPECT_TRUE(has(text_of(screen), "300 of 1200  [#####---------------] 25 %, about 2 min left"))
        << text_of(screen);
    EXPECT_TRUE(has(node_line(screen.status), "height 300 of 1200"));
}

TEST(NodeScreen, AChainThatIsNotReadYetIsNotShownAsEmpty) {
    NodeScreen screen;
    screen.status.network_name = "guild";
    screen.status.state = node::state::kLoading;
    EXPECT_TRUE(has(text_of(screen), "reading the model and the chain on this disk"));
    EXPECT_FALSE(has(text_of(screen), "height"));
    EXPECT_FALSE(has(text_of(screen), "earned"));
    EXPECT_FALSE(has(node_line(screen.status), "height"));
    screen.status.state = node::state::kFetching;
    screen.status.missing_assets = {"a", "b"};
    EXPECT_TRUE(has(text_of(screen), "fetching 2 of the network's files"));
}

TEST(SyncPace, TellsTheTimeLeftByTheLastHalfMinute) {
    SyncPace pace;
    EXPECT_FALSE(pace.left_ms(100));
    pace.see(0, 0);
    EXPECT_FALSE(pace.left_ms(100));
    for (std::uint64_t s = 1; s <= 100; ++s) pace.see(s, s * 1'000);  // slow at first
    for (std::uint64_t s = 101; s <= 140; ++s) pace.see(100 + (s - 100) * 10, s * 1'000);
    EXPECT_EQ(pace.left_ms(1'500), 100'000u);
    pace.see(40, 141'000);  // another branch
    EXPECT_FALSE(pace.left_ms(1'500));
}

}  // namespace
}  // namespace cairn::cli
