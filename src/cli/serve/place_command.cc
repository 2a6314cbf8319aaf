// `cairn servers --place MODEL`: which layers this machine should hold (S44).
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/shell_word.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/serve/servers_command.h"
#include "console/json_line.h"
#include "serve/placement.h"
#include "serve/self_measure.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

/// Measured on one layer, packed as a server packs it: a layer-row costs the same in all.
Result<std::pair<serve::ModelSnapshot, serve::Measured>> measure(const ServersRequest& request) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(formats::LoadedModel loaded, formats::load_writer(request.place));
    ASSIGN_OR_RETURN(
        serve::ModelSnapshot whole,
        serve::snapshot_of(std::make_shared<const model::Model>(std::move(loaded.model))));
    // A few, so that they do not stay in the processor's cache as no server's would.
    const model::LayerRange some{0, std::min(whole.config.layers, 4U)};
    const serve::ModelSnapshot packed = serve::keep_layers(machine->compute(), whole, some);
    const SystemClock clock;
    const serve::Measured measured = serve::measure_rows(packed, some, machine->compute(), clock);
    return std::pair(std::move(whole), measured);
}

/// Those of the node's own that should hold other layers.
Json moves(const std::vector<node::ServerView>& known, const std::vector<serve::Placed>& placed,
           std::uint32_t layers, std::uint32_t most) {
    Json list = Json::array();
    for (const node::ServerView& server : known) {
        const crypto::PublicKey& key = server.record.key;
        if (!server.own || std::ranges::find(placed, key, &serve::Placed::key) == placed.end())
            continue;
        const serve::MoveAdvice advice = serve::advise_move(placed, layers, key, most);
        list.push_back({{"key", to_hex(key)},
                        {"address", server.record.address},
                        {"move", advice.move},
                        {"layers", {advice.to.begin, advice.to.end}},
                        {"why", advice.why}});
    }
    return list;
}

}  // namespace

Status run_place(const ServersRequest& request, std::ostream& out) {
    std::vector<node::ServerView> known;
    if (!request.node.empty()) {
        ASSIGN_OR_RETURN(known, known_servers(request.node));
    }
    ASSIGN_OR_RETURN(const auto measured_model, measure(request));
    const auto& [whole, measured] = measured_model;
    const std::uint32_t layers = whole.config.layers;
    const std::uint32_t most = request.most == 0 ? layers : std::min(request.most, layers);
    std::vector<serve::Announce> offers;
    for (const node::ServerView& server : known)
        if (server.record.layers.end <= layers) offers.push_back(server.record);
    std::vector<serve::Placed> placed =
        serve::placed_of(offers, whole.hash, std::max(measured.rows_per_s, 1.0));
    const std::size_t others = placed.size();
    const double before = others == 0 ? 0 : serve::weakest(placed, layers);
    const Json own_moves = moves(known, placed, layers, most);

    const model::LayerRange here = serve::choose_layers(placed, layers, measured.rows_per_s, most);
    RETURN_IF_ERROR(serve::admit(measured.rows_per_s, here.size(), request.least_tokens));
    placed.push_back({{}, here, measured.rows_per_s});
    const double after = serve::weakest(placed, layers);
    const double best = serve::best_possible(placed, layers);
    if (request.json) {
        out << console::json_line(Json{{"model", to_hex(whole.hash)},
                                       {"rows_per_s", measured.rows_per_s},
                                       {"servers", others},
                                       {"layers", {here.begin, here.end}},
                                       {"tokens_per_s_before", before},
                                       {"tokens_per_s_after", after},
                                       {"tokens_per_s_best", best},
                                       {"own", own_moves}});
        return ok_status();
    }
    out << fmt::format(
        "This machine carries {:.0f} layer-rows a second through {} (measured in {:.1f} s).\n"
        "{} servers that the node knows hold layers of it: {:.3g} tokens a second through the "
        "weakest layer.\n"
        "Serve layers {}-{}: then {:.3g}, of {:.3g} that an even division would give.\n"
        "  cairn node --serve {}-{} --model {} --listen HOST:PORT\n",
        measured.rows_per_s, request.place, measured.seconds, others, before, here.begin, here.end,
        after, best, here.begin, here.end, shell_word(request.place));
    for (const Json& move : own_moves)
        out << fmt::format("Your server at {} should {}: {}\n", move["address"].get<std::string>(),
                           move["move"].get<bool>()
                               ? fmt::format("hold layers {}-{}", move["layers"][0].get<int>(),
                                             move["layers"][1].get<int>())
                               : std::string("stay"),
                           move["why"].get<std::string>());
    return ok_status();
}

}  // namespace cairn::cli
