#include "cli/measure/doctor_command.h"

#include <algorithm>
#include <memory>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "measure/machine_checks.h"

namespace cairn::cli {

namespace {

using measure::Diagnosis;
using measure::Health;

Diagnosis check_directory(const std::string& directory) {
    const auto chain = open_chain(directory);
    if (!chain.ok())
        return {"data directory", Health::kProblem, chain.error().message,
                "cairn network create --dir DIR makes a network; cairn node --dir DIR --network "
                "network.json --connect HOST:PORT joins one"};
    return {"data directory",
            Health::kOk,
            fmt::format("{}: network {}", directory, chain->network.name),
            {}};
}

// All checks, in the order of the report.
std::vector<Diagnosis> diagnose(const DoctorRequest& request) {
    std::vector<Diagnosis> all;
    all.push_back(measure::check_processor());
    all.push_back(measure::check_kernel_choice());
    for (Diagnosis& diagnosis : measure::check_arithmetic(request.threads))
        all.push_back(std::move(diagnosis));
    all.push_back(measure::check_float_arithmetic());
    all.push_back(measure::check_threads(request.threads));
    all.push_back(measure::check_memory());
    all.push_back(measure::check_disk(request.directory));
    if (!request.directory.empty()) all.push_back(check_directory(request.directory));
    all.push_back(measure::check_clock());
    all.push_back(measure::check_test_data());
    return all;
}

}  // namespace

Status run_doctor(const DoctorRequest& request, std::ostream& out, bool& healthy) {
    const std::vector<Diagnosis> all = diagnose(request);
    const auto count = [&](Health health) {
        return std::count_if(all.begin(), all.end(),
                             [&](const Diagnosis& d) { return d.health == health; });
    };
    healthy = count(Health::kProblem) == 0;
    if (request.json) {
        nlohmann::ordered_json checks = nlohmann::json::array();
        for (const Diagnosis& d : all)
            checks.push_back({{"name", d.name},
                              {"health", measure::health_name(d.health)},
                              {"found", d.found},
                              {"advice", d.advice}});
        out << console::json_line(nlohmann::ordered_json{{"healthy", healthy}, {"checks", checks}});
        return ok_status();
    }
    for (const Diagnosis& d : all) {
        out << fmt::format("{:<9}{:<22}{}\n", measure::health_name(d.health), d.name, d.found);
        if (!d.advice.empty()) out << fmt::format("{:31}-> {}\n", "", d.advice);
    }
    const auto warnings = count(Health::kWarning), problems = count(Health::kProblem);
    if (problems + warnings == 0)
        out << "everything is in order\n";
    else
        out << fmt::format("{} problem{}, {} warning{}\n", problems, problems == 1 ? "" : "s",
                           warnings, warnings == 1 ? "" : "s");
    return ok_status();
}

void add_doctor(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "doctor", "Check whether this machine and a node's folder are in order",
        "cairn doctor\n  cairn doctor --dir ~/.cairn");
    auto request = std::make_shared<DoctorRequest>();
    named_folder(
        command.add_option("--dir", request->directory, "Data directory of a node to look into"));
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request, &invocation](std::ostream& out) -> Status {
            bool healthy = true;
            RETURN_IF_ERROR(run_doctor(*request, out, healthy));
            if (!healthy) invocation.exit_code = 1;
            return ok_status();
        };
    });
}

}  // namespace cairn::cli
