// `cairn demo` on the command line.
#include <unistd.h>

#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "chain/network.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "console/terminal.h"
#include "demo/demo.h"

namespace cairn::cli {

namespace {

// Each node's own follows it.
constexpr std::uint64_t kMaxSeed = std::numeric_limits<std::uint64_t>::max() - 1000;

}  // namespace

void add_demo(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "demo",
        "Three nodes with private books train one model on this machine, before your eyes",
        "cairn demo --headless --blocks 20 --seed 1 --dir /tmp/demo --json");
    auto options = std::make_shared<demo::DemoOptions>();
    command.add_option("--blocks", options->blocks, "Merge blocks to reach (default 20)")
        .check(range(1, 10'000));
    command.add_option("--seed", options->seed, "Seed of weights and of training order")
        .check(range(std::uint64_t{0}, kMaxSeed));
    command.add_option("--dir", options->directory,
                       "Folder for everything the demo writes (default: a new temporary one)");
    command.add_option("--port", options->port, "Port of the dashboard on 127.0.0.1; 0: any")
        .check(range(0, 65535));
    command.add_flag("--keep", options->keep,
                     "Keep the temporary folder (one named by --dir always stays)");
    command
        .add_option("--work", options->work, "What miners compute: sha256d (default) or argon2id")
        .check(one_of(
            std::vector<std::string>(std::begin(chain::kWorkNames), std::end(chain::kWorkNames))));
    command.add_option("--prompt", options->prompt, "What the model is asked at the end");
    command.add_flag("--headless", options->headless,
                     "No live screen: a line per merge block, and end when done (implied "
                     "where standard output is no terminal)");
    command.callback([options, &invocation] {
        invocation.run = [options, &invocation](std::ostream& out) -> Status {
            options->json = invocation.json;
            options->headless =
                options->headless || options->json || !console::is_terminal(STDOUT_FILENO);
            return demo::run_demo(*options, out);
        };
    });
}

}  // namespace cairn::cli
