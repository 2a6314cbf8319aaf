#include "cli/measure/lab_freivalds.h"

#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "lab/audit_cost.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

// Shapes of 110M, 1.1B and 7B models.
constexpr lab::AuditCostCase kShapes[] = {
    {768, 2048, 12, 12, 512}, {2048, 5632, 32, 4, 512}, {4096, 11008, 32, 32, 512}};

double percent(double part, double of) { return of > 0 ? 100 * part / of : 0; }

Json row_of(const lab::AuditCost& cost) {
    return {{"width", cost.given.width},
            {"tokens", cost.given.tokens},
            {"products_computed_s", cost.products_computed},
            {"products_checked_s", cost.products_checked},
            {"products_percent", percent(cost.products_checked, cost.products_computed)},
            {"layer_computed_s", cost.layer_computed},
            {"layer_audited_s", cost.layer_audited},
            {"layer_percent", percent(cost.layer_audited, cost.layer_computed)},
            {"evidence_made_s", cost.evidence_made},
            {"secrets_drawn_s", cost.secrets_drawn},
            {"evidence_bytes", cost.evidence_bytes},
            {"secret_bytes", cost.secret_bytes},
            {"weight_bytes", cost.weight_bytes}};
}

std::string line_of(const lab::AuditCost& cost) {
    return fmt::format(
        "{:>5} {:>9.2f} {:>8.2f} {:>6.2f} % {:>9.2f} {:>8.2f} {:>6.1f} % {:>9.1f} {:>8.1f} "
        "{:>11} {:>9}\n",
        cost.given.width, 1000 * cost.products_computed, 1000 * cost.products_checked,
        percent(cost.products_checked, cost.products_computed), 1000 * cost.layer_computed,
        1000 * cost.layer_audited, percent(cost.layer_audited, cost.layer_computed),
        1000 * cost.evidence_made, 1000 * cost.secrets_drawn,
        cost.evidence_bytes / cost.given.tokens, cost.secret_bytes);
}

}  // namespace

Status run_lab_freivalds(const LabFreivaldsRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    const SystemClock clock;
    Json rows = Json::array();
    std::string found;
    if (!request.json)
        out << fmt::format(
            "One W8A8-row layer, {} tokens, {} kernels, {} thread(s); milliseconds\n"
            "width  products  checked         layer     audited         evidence  secrets  "
            "bytes/token  kept\n",
            request.tokens, machine->kernels(), machine->threads());
    for (lab::AuditCostCase shape : kShapes) {
        if (request.width != 0 && shape.width != request.width) continue;
        shape.tokens = request.tokens;
        ASSIGN_OR_RETURN(
            const lab::AuditCost cost,
            lab::measure_audit_cost(shape, request.repeats, machine->compute(), clock));
        found += fmt::format(
            "{}At width {} checking the products costs {:.2f} % of computing them, and auditing "
            "the layer {:.1f} % of computing it again.",
            found.empty() ? "" : " ", shape.width,
            percent(cost.products_checked, cost.products_computed),
            percent(cost.layer_audited, cost.layer_computed));
        rows.push_back(row_of(cost));
        if (!request.json) out << line_of(cost) << std::flush;
    }
    if (request.json)
        out << console::json_line(Json{{"name", "freivalds"},
                                       {"kernels", machine->kernels()},
                                       {"threads", machine->threads()},
                                       {"rows", rows},
                                       {"found", found}});
    else
        out << found << '\n';
    return ok_status();
}

void add_lab_freivalds(const Command& group, Invocation& invocation) {
    const Command command = add_command(
        group, invocation, "freivalds", "What checking served layers costs beside computing them",
        "cairn lab freivalds\n  cairn lab freivalds --width 2048 --threads 1 --json");
    auto request = std::make_shared<LabFreivaldsRequest>();
    command.add_option("--width", request->width, "Of the layer; 0: all")
        .check(one_of({0, 768, 2048, 4096}))
        .capture_default_str();
    command.add_option("--tokens", request->tokens, "Of the sequence")
        .check(range(64, 8192))
        .capture_default_str();
    command.add_option("--repeats", request->repeats, "Of each measurement; the least counts")
        .check(range(1, 1000))
        .capture_default_str();
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_lab_freivalds(*request, out); };
    });
}

}  // namespace cairn::cli
