#include "cli/papers/lab_codec_convergence.h"

#include <memory>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "lab/codec_convergence_table.h"

namespace cairn::cli {

void add_lab_codec_convergence(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto request = std::make_shared<lab::CodecConvergenceRequest>();
    const Command command = add_result_command(
        group, invocation, "codec-convergence",
        "Theorem 15 with payloads of the chain's codecs: all users, and one winner a round",
        "cairn lab codec-convergence --rounds 400 --seeds 5",
        [request] { return lab::codec_convergence_table(*request); });
    command.add_option("--rounds", request->rounds, "Rounds of each run")
        .check(range(1, 100'000))
        .capture_default_str();
    command.add_option("--seeds", request->seeds, "Runs of each row")
        .check(range(2, 1000))
        .capture_default_str();
    pages.push_back({'A', "Theorem 15: convergence with the chain's codecs",
                     [] { return lab::codec_convergence_table({}); }});
}

}  // namespace cairn::cli
