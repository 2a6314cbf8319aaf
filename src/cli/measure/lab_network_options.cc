#include "cli/measure/lab_network_options.h"

#include <vector>

#include "cli/options.h"

namespace cairn::cli {

void add_network_options(const Command& command, lab::LabNetworkChoice& options,
                         std::optional<Option> excludes) {
    const std::vector<Option> added = {
        command.add_option("--network", options.preset,
                           "Sizes and recipe: tiny, demo (slow), or a network.json"),
        command
            .add_option("--local-steps", options.local_steps,
                        "Steps of an honest trainer in a round (default: the network's)")
            .check(range(1, 10'000)),
        command
            .add_option("--decay-rounds", options.decay_rounds,
                        "Rounds until the learning rate is at its floor (default: the network's)")
            .check(range(1, 100'000)),
        command
            .add_option("--texts", options.texts.kind, "Texts made up: of one language, or unlike")
            .check(one_of({"like", "unlike"})),
        command.add_option("--judge", options.texts.judge, "Texts from files instead: the judge's"),
        command.add_option("--report", options.texts.report,
                           "The text that losses are measured on"),
        command.add_option("--train", options.texts.train,
                           "A trainer's; three times for the honest, a fourth is the attacker's"),
    };
    if (excludes)
        for (const Option option : added) option.excludes(*excludes);
    added[0].capture_default_str();
    added[3].capture_default_str();
}

}  // namespace cairn::cli
