#include "cli/serve/servers_command.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/explain.h"
#include "api/remote_node.h"
#include "base/clock.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "console/screen_text.h"
#include "net/address.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

Json layers_json(model::LayerRange layers) { return Json::array({layers.begin, layers.end}); }

std::string layers_text(model::LayerRange layers) {
    return fmt::format("{}-{}", layers.begin, layers.end);
}

std::string model_text(const node::ServerView& server) {
    if (server.height) return fmt::format("chain@{}", *server.height);
    return short_hex(server.record.model);
}

/// Coins for 1000 layer-rows.
std::string price_text(const serve::Announce& record) {
    return record.price == 0 ? "free" : api::amount_text(record.price);
}

std::uint64_t audits_of(const node::ServerView& server, const trust::AuditBook& book) {
    const trust::ServerPage* page = book.find(server.record.key);
    return std::max(page == nullptr ? 0 : page->audits,
                    server.standing ? server.standing->audits : 0);
}

/// A sentence for people.
std::string standing_text(const node::ServerView& server,
                          const std::optional<trust::Standing>& standing) {
    std::string text =
        standing ? fmt::format("{}: {}", trust::status_name(standing->status), standing->why)
                 : "never audited here";
    if (!server.accused.empty()) text += "; " + server.accused;
    return text;
}

Json server_json(const node::ServerView& server, const trust::AuditBook& book,
                 const std::optional<trust::Standing>& standing) {
    const serve::Announce& record = server.record;
    Json row = {
        {"key", to_hex(record.key)},
        {"address", record.address},
        {"layers", layers_json(record.layers)},
        {"model", to_hex(record.model)},
        {"height", server.height ? Json(*server.height) : Json(nullptr)},
        {"genesis_id", record.genesis.is_zero() ? Json(nullptr) : Json(to_hex(record.genesis))},
        {"price", record.price},
        {"rows_per_s", record.rows_per_s},
        {"load", record.load},
        {"capacity", record.capacity},
        {"age_ms", server.age_ms},
        {"own", server.own},
        {"audits", 0},
        {"acc", nullptr},
        {"score", nullptr},
        {"status", nullptr},
        {"why", "never audited here"},
        {"accused", server.accused.empty() ? Json(nullptr) : Json(server.accused)}};
    if (standing) {
        row["audits"] = audits_of(server, book);
        row["acc"] = standing->accuracy;
        row["score"] = standing->score;
        row["status"] = trust::status_name(standing->status);
        row["why"] = standing->why;
    }
    return row;
}

Status run_known(const ServersRequest& request, const trust::AuditBook& book, std::uint64_t now_ms,
                 std::ostream& out) {
    ASSIGN_OR_RETURN(const auto servers, known_servers(request.node));
    const auto standing_of = [&](const node::ServerView& server) {
        std::optional<trust::Standing> by_book;
        if (book.find(server.record.key) != nullptr)
            by_book = book.standing(server.record.key, now_ms, request.trust.rules());
        return standing_here(server, by_book);
    };
    if (request.json) {
        Json list = Json::array();
        for (const node::ServerView& server : servers)
            list.push_back(server_json(server, book, standing_of(server)));
        out << console::json_line(Json{{"servers", list}});
        return ok_status();
    }
    if (servers.empty()) {
        out << "The node knows no layer server. Its peers tell it of theirs; of your own tell it "
               "by: cairn node --announce HOST:PORT\n";
        return ok_status();
    }
    out << fmt::format("{:<22} {:<8} {:<12} {:>8} {:>8} {:>10} {:>6}\n", "address", "layers",
                       "model", "rows/s", "load", "price", "age");
    for (const node::ServerView& server : servers) {
        const serve::Announce& record = server.record;
        const auto standing = standing_of(server);
        out << fmt::format("{:<22} {:<8} {:<12} {:>8} {:>8} {:>10} {:>5}s\n", record.address,
                           layers_text(record.layers), model_text(server),
                           record.rows_per_s == 0 ? "-" : std::to_string(record.rows_per_s),
                           fmt::format("{}/{}", record.load, record.capacity), price_text(record),
                           server.age_ms / 1000)
            << console::in_80_columns("  " + short_hex(record.key) + "  " +
                                      standing_text(server, standing));
    }
    return ok_status();
}

}  // namespace

std::optional<trust::Standing> standing_here(const node::ServerView& server,
                                             const std::optional<trust::Standing>& by_book) {
    if (!server.standing) return by_book;
    trust::Standing by_node{server.standing->accuracy, server.standing->score,
                            trust::ServerStatus::kProbation, server.standing->why};
    for (const auto status : {trust::ServerStatus::kActive, trust::ServerStatus::kDeactivated,
                              trust::ServerStatus::kConvicted})
        if (server.standing->status == trust::status_name(status)) by_node.status = status;
    // Of both, what is worse; of equals what was seen more often is not known, so the node's.
    const auto is_out = [](const trust::Standing& standing) {
        return standing.status == trust::ServerStatus::kDeactivated ||
               standing.status == trust::ServerStatus::kConvicted;
    };
    return by_book && is_out(*by_book) ? by_book : by_node;
}

Result<std::vector<node::ServerView>> known_servers(const std::string& directory_or_address) {
    const bool is_address =
        !exists(directory_or_address) && net::parse_peer_address(directory_or_address).ok();
    if (is_address)
        return api::RemoteNode(api::Client(api::ApiFile{directory_or_address, ""})).servers();
    ASSIGN_OR_RETURN(const api::RemoteNode node,
                     api::RemoteNode::of_directory(directory_or_address));
    return node.servers();
}

std::string audited_json(const trust::AuditBook& book, const trust::TrustRules& rules,
                         std::uint64_t now_ms) {
    Json list = Json::array();
    for (const auto& [key, page] : book.pages()) {
        const trust::Standing standing = book.standing(key, now_ms, rules);
        list.push_back({{"key", to_hex(key)},
                        {"address", page.address},
                        {"layers", layers_json({page.first_layer, page.end_layer})},
                        {"audits", page.audits},
                        {"acc", standing.accuracy},
                        {"score", standing.score},
                        {"status", trust::status_name(standing.status)},
                        {"why", standing.why},
                        {"last", page.last}});
    }
    return console::json_text(list);
}

void print_audited(const trust::AuditBook& book, const trust::TrustRules& rules,
                   std::uint64_t now_ms, std::ostream& out) {
    if (book.pages().empty()) {
        out << "No server was audited yet: cairn verify --model FILE --server HOST:PORT --text "
               "FILE\n";
        return;
    }
    out << fmt::format("{:<24} {:<8} {:>6} {:>6} {:>6}  {}\n", "address", "layers", "audits", "acc",
                       "score", "status");
    for (const auto& [key, page] : book.pages()) {
        const trust::Standing standing = book.standing(key, now_ms, rules);
        out << fmt::format("{:<24} {:<8} {:>6} {:>6.3f} {:>6.3f}  {}\n", page.address,
                           layers_text({page.first_layer, page.end_layer}), page.audits,
                           standing.accuracy, standing.score, trust::status_name(standing.status))
            << console::in_80_columns("  " + short_hex(key) + "  " + standing.why);
    }
}

Status run_servers(const ServersRequest& request, std::ostream& out) {
    if (!request.place.empty()) return run_place(request, out);
    ASSIGN_OR_RETURN(const trust::AuditBook book, trust::AuditBook::read(request.book));
    const std::uint64_t now_ms = SystemClock().wall_ms();
    if (!request.node.empty()) return run_known(request, book, now_ms, out);
    if (request.json)
        out << console::json_line(
            Json{{"servers", Json::parse(audited_json(book, request.trust.rules(), now_ms))}});
    else
        print_audited(book, request.trust.rules(), now_ms, out);
    return ok_status();
}

void add_servers(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "servers",
        "The network's layer servers, and what audits have found about them",
        "cairn servers --dir ~/guild    (with `cairn node --dir ~/guild` running)\n"
        "  cairn servers                  (all that `cairn verify` has audited)\n"
        "  cairn servers --book audits.book --policy paper --theta 0.3\n"
        "  cairn servers --dir ~/guild --place a.gguf   (which layers should this machine hold?)");
    auto request = std::make_shared<ServersRequest>();
    const auto dir = command.add_option("--dir", request->node,
                                        "Those that the node on this data directory knows");
    command
        .add_option("--node", request->node,
                    "Those that the node knows whose API listens at this HOST:PORT")
        .excludes(dir);
    command.add_option("--book", request->book, "File that `cairn verify` keeps")
        .capture_default_str();
    add_trust_options(command, request->trust);
    const auto place =
        command.add_option("--place", request->place,
                           "Model file: measure this machine for about a second, and say "
                           "which of its layers are to be served here");
    command.add_option("--most", request->most, "With --place: layers at most (0: all)")
        .needs(place)
        .check(range(0U, model::kMaxLayers))
        .capture_default_str();
    command
        .add_option("--least-tokens", request->least_tokens,
                    "With --place: tokens a second that a server must carry through its layers")
        .needs(place)
        .check(range(0.0, 1e9))
        .capture_default_str();
    add_threads_option(command, request->threads, "With --place: ").needs(place);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_servers(*request, out); };
    });
}

}  // namespace cairn::cli
