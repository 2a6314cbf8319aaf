#include "cli/papers/lab_codec.h"

#include <memory>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "lab/codec_tables.h"

namespace cairn::cli {

void add_lab_codecs(const Command& group, Invocation& invocation, LabPages& pages) {
    add_result_command(group, invocation, "codecs",
                       "The chain's codecs: means over every matrix that their own code can draw",
                       "cairn lab codecs", lab::codec_table);
    pages.push_back({'A', "Table 1: the codecs of the chain", lab::codec_table});
    const auto seeds = std::make_shared<std::uint64_t>(2000);
    const Command command = add_result_command(
        group, invocation, "one-bit",
        "What payloads of one bit decode to on average: by one rotation, two, or with a dither",
        "cairn lab one-bit --seeds 2000", [seeds] { return lab::one_bit_table(*seeds); });
    command.add_option("--seeds", *seeds, "Payloads of each row")
        .check(range(std::uint64_t{10}, std::uint64_t{1'000'000}))
        .capture_default_str();
    pages.push_back({'A', "Signs alone: their bias", [] { return lab::one_bit_table(2000); }});
}

}  // namespace cairn::cli
