// What `cairn node` shows while it runs: on a terminal one block of lines, drawn again in its place
// (the log's lines pass above it); elsewhere a few lines at the start and then one now and then;
// with --json one object once the node runs.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "base/clock.h"
#include "base/loop.h"
#include "cli/chain/node_screen.h"
#include "console/live_block.h"
#include "net/port_mapper.h"
#include "net/relay_messages.h"

namespace cairn::cli {

class NodeDisplay {
  public:
    enum class Kind { kLive, kLines, kJson };
    /// kLive where standard output is a terminal that can move its cursor.
    static Kind kind(bool json, bool on_terminal);

    /// `out` must outlive it, and so must the node and the loop, once begin() was called.
    NodeDisplay(Kind kind, std::ostream& out) : kind_(kind), out_(out) {}
    ~NodeDisplay();
    NodeDisplay(const NodeDisplay&) = delete;
    NodeDisplay& operator=(const NodeDisplay&) = delete;

    /// The node answers, at `api` if that is not empty. On the loop.
    void begin(node::NodeApi& node, Loop& loop, const std::string& api);
    /// Its chain is restored. On the loop.
    void on_running();
    /// What came of asking the router for a port. On the loop.
    void tell_port(const net::PortReport& report);
    /// Whether a relay passes links on to the layers that are served here.
    void tell_relay(const net::RelayedAddress& address, bool passes_on);
    /// Another model is served from now on. On the loop.
    void tell_serving(const node::ServingView& view);
    /// The last look, and the log goes where it went before. On the loop.
    void end();
    /// After the node has stopped without an error: the one sentence about it.
    void say_goodbye();

  private:
    void watch();
    void draw(const std::vector<std::string>& above = {});
    void say_line();
    NodeScreen look();

    Kind kind_;
    std::ostream& out_;
    SystemClock clock_;
    node::NodeApi* node_ = nullptr;
    Loop* loop_ = nullptr;
    std::string api_;
    std::uint64_t began_us_ = 0;
    std::uint64_t said_us_ = 0;  // the latest line; 0: none yet
    std::uint64_t said_height_ = 0;
    NodeScreen last_;
    SyncPace pace_;
    console::LiveBlock block_;
    bool running_ = false;
    Alive alive_;
};

}  // namespace cairn::cli
