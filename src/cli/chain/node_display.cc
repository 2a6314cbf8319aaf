#include "cli/chain/node_display.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/log_writer.h"
#include "base/time_text.h"
#include "cli/chain/port_line.h"
#include "console/json_line.h"
#include "console/terminal.h"

namespace cairn::cli {

namespace {

constexpr std::uint64_t kDrawMs = 500;
constexpr std::uint64_t kUs = 1'000;
/// A log gets a line so often at most while the chain grows, and so often while it does not.
constexpr std::uint64_t kLineUs = 60'000 * kUs;
constexpr std::uint64_t kQuietLineUs = 600'000 * kUs;

}  // namespace

NodeDisplay::Kind NodeDisplay::kind(bool json, bool on_terminal) {
    if (json) return Kind::kJson;
    const char* const name = std::getenv("TERM");
    const bool moves = name != nullptr && *name != '\0' && std::string_view(name) != "dumb";
    return on_terminal && moves ? Kind::kLive : Kind::kLines;
}

NodeDisplay::~NodeDisplay() { end(); }

void NodeDisplay::begin(node::NodeApi& node, Loop& loop, const std::string& api) {
    node_ = &node;
    loop_ = &loop;
    api_ = api;
    began_us_ = clock_.monotonic_us();
    if (kind_ == Kind::kLines) {
        const node::NodeStatus status = node.status();
        out_ << fmt::format("Network {} ({})\n", status.network_name, short_hex(status.genesis_id));
        if (!status.listen_address.empty())
            out_ << fmt::format("  other nodes connect to  {}\n", status.listen_address);
        if (!api.empty()) out_ << fmt::format("  look at it here         http://{}/\n", api);
        out_ << "  Ctrl-C stops it; nothing is lost." << std::endl;
    }
    if (kind_ == Kind::kLive && console::is_terminal(STDERR_FILENO)) {
        // Lines come from any thread. Whatever is logged after end() goes to standard error.
        set_log_writer([&loop, show = alive_.guard([this](const std::string& line) {
            draw({line});
        })](std::string line) mutable {
            loop.post([show, line = std::move(line)]() mutable { show(line); });
        });
    }
    watch();
}

void NodeDisplay::on_running() {
    running_ = true;
    if (node_ == nullptr) return;  // it is about to stop: its API did not start
    if (kind_ == Kind::kLines) return say_line();
    if (kind_ == Kind::kLive) return draw();
    const node::NodeStatus status = node_->status();
    out_ << console::json_line(nlohmann::json{{"network", status.network_name},
                                              {"genesis_id", to_hex(status.genesis_id)},
                                              {"listen", status.listen_address},
                                              {"api", api_},
                                              {"key", to_hex(status.miner_key)},
                                              {"height", status.height},
                                              {"tip_time_ms", status.tip_time_ms}})
         << std::flush;
}

NodeScreen NodeDisplay::look() {
    NodeScreen screen;
    screen.status = node_->status();
    screen.api = api_;
    screen.now_ms = clock_.wall_ms();
    const std::uint64_t now_us = clock_.monotonic_us();
    screen.up_ms = (now_us - began_us_) / kUs;
    if (running_) {
        pace_.see(screen.status.height, now_us / kUs);
        screen.left_ms = pace_.left_ms(screen.status.headers_height);
    }
    last_ = screen;
    return screen;
}

void NodeDisplay::watch() {
    if (kind_ == Kind::kLive) {
        draw();
    } else {
        (void)look();
        const std::uint64_t since_us = clock_.monotonic_us() - said_us_;
        const bool grew = last_.status.height != said_height_;
        if (kind_ == Kind::kLines && said_us_ != 0 &&
            (since_us >= kQuietLineUs || (grew && since_us >= kLineUs)))
            say_line();
    }
    loop_->call_after(kDrawMs, alive_.guard([this] { watch(); }));
}

// Straight to the terminal, which must get the block's escapes; every text in it is cleaned.
void NodeDisplay::draw(const std::vector<std::string>& above) {
    if (node_ == nullptr) return;
    const console::ScreenSize size = console::screen_size();
    std::vector<std::string> lines = render_node(look(), size.columns);
    lines.emplace_back("  Ctrl-C stops it; nothing is lost.");
    const std::string bytes = block_.redraw(lines, size, above);
    (void)std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    std::fflush(stdout);
}

void NodeDisplay::say_line() {
    const NodeScreen screen = look();
    said_us_ = clock_.monotonic_us();
    said_height_ = screen.status.height;
    out_ << time_text(screen.now_ms) << "  " << node_line(screen.status) << std::endl;
}

void NodeDisplay::tell_port(const net::PortReport& report) {
    if (kind_ == Kind::kLive && node_ != nullptr) return draw({"  " + report.sentence});
    cli::tell_port(report, kind_ == Kind::kJson, out_);
}

void NodeDisplay::tell_relay(const net::RelayedAddress& address, bool passes_on) {
    if (kind_ == Kind::kLive && node_ != nullptr)
        return draw({"  " + relay_line(address, passes_on)});
    cli::tell_relay(address, passes_on, kind_ == Kind::kJson, out_);
}

void NodeDisplay::tell_serving(const node::ServingView& view) {
    if (kind_ == Kind::kJson) {
        const nlohmann::json serving{{"address", view.address},
                                     {"model", to_hex(view.model)},
                                     {"layers", {view.first_layer, view.end_layer}},
                                     {"price", view.price}};
        out_ << console::json_line(nlohmann::json{{"serving", serving}}) << std::flush;
    } else if (kind_ == Kind::kLines) {
        out_ << fmt::format("serving layers {}-{} of model {} at {}", view.first_layer,
                            view.end_layer, short_hex(view.model), view.address)
             << std::endl;
    }
}

void NodeDisplay::end() {
    if (node_ == nullptr) return;
    if (kind_ == Kind::kLive) {
        draw();
        set_log_writer({});
    } else {
        (void)look();
    }
    node_ = nullptr;
}

void NodeDisplay::say_goodbye() {
    if (kind_ == Kind::kJson) return;
    out_ << (running_ ? fmt::format("Stopped at height {}; the next "
                                    "start goes on from there.",
                                    last_.status.height)
                      : std::string("Stopped before its chain was read; nothing is lost."))
         << std::endl;
}

}  // namespace cairn::cli
