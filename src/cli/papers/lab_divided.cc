#include "cli/papers/lab_divided.h"

#include <memory>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "papers/divided_table.h"

namespace cairn::cli {

void add_lab_divided(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto request = std::make_shared<papers::DividedRequest>();
    const Command command = add_result_command(
        group, invocation, "divided",
        "Paper B's section 4.3: what a layer costs that several machines compute together",
        "cairn lab divided --gbit 2.5 --trip 0.5",
        [request] { return papers::divided_table(*request); });
    const auto width = range(1.0, 1e6);
    const auto option = [&](const char* name, double& value, const char* what) {
        command.add_option(name, value, what).check(width).capture_default_str();
    };
    option("--dim", request->dim, "Width of the residual stream");
    option("--queries", request->queries, "Width of a position's queries");
    option("--keys", request->keys, "Width of its keys");
    option("--columns", request->columns, "Columns of the feed-forward, which has a gate");
    command.add_option("--weight-bits", request->weight_bits, "Bits of a weight")
        .check(range(1.0, 64.0))
        .capture_default_str();
    command.add_option("--memory", request->memory_gb, "GB/s at which a machine reads weights")
        .check(range(0.01, 1e5))
        .capture_default_str();
    command.add_option("--trip", request->trip_ms, "Milliseconds there and back")
        .check(range(0.0, 1e4))
        .capture_default_str();
    command.add_option("--gbit", request->gigabits, "Gbit/s of the lead's line; several may follow")
        .check(range(1e-6, 1e5));
    pages.push_back({'B', "Section 4.3: a layer over several machines",
                     [] { return papers::divided_table({}); }});
}

}  // namespace cairn::cli
