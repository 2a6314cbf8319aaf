// `cairn model export`.
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/chain/chain_model.h"
#include "cli/local_model.h"
#include "cli/models/model_command.h"
#include "console/json_line.h"

namespace cairn::cli {

Status run_model_export(const ExportRequest& request, std::ostream& out) {
    const ModelTarget& target = request.target;
    ASSIGN_OR_RETURN(PreparedTarget prepared, prepare_target(target));
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    RETURN_IF_ERROR(check_target(target, prepared.format, {request.directory + "/network.json"},
                                 {{"--dir", request.directory + "/network.json"}}));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const node::PastModel past,
                     past_model(chain, request.directory, request.at, machine->compute()));
    prepared.options.name = fmt::format("{}@{}", chain.network.name, past.height);
    ASSIGN_OR_RETURN(const WrittenModel written,
                     write_model(past.model, target, std::move(prepared)));
    if (request.json) {
        out << console::json_line(nlohmann::json{
            {"out", target.out},
            {"to",
             formats::model_format_name(*formats::model_format_for(target.out, target.format))},
            {"type", target.type},
            {"bytes", written.bytes},
            {"fallbacks", fallbacks_json(written)},
            {"tokenizer", past.tokenizer != nullptr},
            {"network", chain.network.name},
            {"height", past.height},
            {"block", to_hex(past.block)},
            {"state_root", to_hex(past.state_root)},
            {"report_loss",
             past.report_loss ? nlohmann::json(*past.report_loss) : nlohmann::json(nullptr)},
            {"replayed", past.replayed}});
        return ok_status();
    }
    out << fmt::format("{}: {:.1f} MB, {}@{}", target.out, static_cast<double>(written.bytes) / 1e6,
                       chain.network.name, past.height);
    if (past.height == 0)
        out << ", the model with which the chain began";
    else if (past.report_loss)
        out << fmt::format(", report loss {:.3f}", *past.report_loss);
    out << (past.tokenizer != nullptr ? "\n" : ", without a tokenizer: the network names none\n");
    print_fallbacks(written, target, out);
    return ok_status();
}

}  // namespace cairn::cli
