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

}  // namespace cairn::cli
