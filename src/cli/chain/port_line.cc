#include "cli/chain/port_line.h"

#include <ostream>

#include <nlohmann/json.hpp>

#include "console/json_line.h"

namespace cairn::cli {

void tell_port(const net::PortReport& report, bool json, std::ostream& out) {
    if (!json) {
        out << "  " << report.sentence << std::endl;
        return;
    }
    nlohmann::json outside;
    if (report.mapping) outside = to_string(report.mapping->outside);
    out << console::json_line(nlohmann::json{
               {"outside", outside}, {"reachable", report.reachable}, {"message", report.sentence}})
        << std::flush;
}

std::string relay_line(const net::RelayedAddress& address, bool passes_on) {
    if (passes_on) return "who cannot dial it uses: --server " + to_string(address);
    return address.relay + " passes no links on now: its owner can start it with --relay 8";
}

void tell_relay(const net::RelayedAddress& address, bool passes_on, bool json, std::ostream& out) {
    if (!json) {
        out << relay_line(address, passes_on) << std::endl;
        return;
    }
    out << console::json_line(nlohmann::json{{"through", address.relay},
                                             {"passes_on", passes_on},
                                             {"address", to_string(address)}})
        << std::flush;
}

}  // namespace cairn::cli
