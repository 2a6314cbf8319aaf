#include "cli/chain/part_options.h"

#include "cli/option_checks.h"
#include "cli/options.h"
#include "net/address.h"
#include "serve/lead_parts.h"

namespace cairn::cli {

void add_part_options(const Command& command, ServeLayersRequest& request, Option serve) {
    const auto part =
        command
            .add_option("--part", request.parts,
                        "With --serve and --model, without a chain: HOST:PORT of another "
                        "machine of yours that computes a share of every layer's heads "
                        "and columns; again for each")
            .needs(serve);
    const auto key =
        command
            .add_option("--part-key", request.part_key,
                        "File of the secret by which parts know this server; it is made if "
                        "it is not there")
            .needs(part);
    command
        .add_option("--shares", request.shares,
                    "How much of every layer this machine and its parts compute, in proportion, "
                    "this one's first (default: all alike, as 1,1)")
        .needs(part)
        .delimiter(',')
        .check(range(0U, 1000U));
    command
        .add_option("--part-of", request.part_of, "Be a part: a copy of the lead's --part-key file")
        .needs(serve)
        .excludes(part)
        .excludes(key);
}

Status check_parts(const ServeLayersRequest& request) {
    for (const std::string& address : request.parts)
        if (const auto parsed = net::parse_address(address); !parsed.ok())
            return misused("--part: " + parsed.error().message);
    const serve::LeadOptions lead{
        .parts = request.parts, .key_file = request.part_key, .sizes = request.shares};
    if (const Status checked = serve::check_lead(lead); !checked.ok())
        return misused(checked.error().message);
    const bool is_more = !request.from.empty() || !request.servers_of.empty() ||
                         request.give_weights || request.relay > 0 || !request.through.empty() ||
                         request.lie;
    if (!request.part_of.empty() && is_more)
        return misused(
            "a part (--part-of) computes for its lead alone: it takes --serve, --model, --listen "
            "and --threads, and no other options of a layer server");
    return ok_status();
}

}  // namespace cairn::cli
