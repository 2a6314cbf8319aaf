#include "cli/papers/lab_low_rank.h"

#include <memory>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "papers/low_rank_tables.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

Result<ResultTable> total_energy(const std::string& text) {
    ASSIGN_OR_RETURN(const auto energies, matrix_of("--energies", text));
    for (const auto& layer : energies)
        for (const double energy : layer)
            if (!(energy >= 0) || energy > 1)
                return misused("--energies: energies lie between 0 and 1");
    return papers::total_energy_table(energies);
}

}  // namespace

void add_lab_low_rank(const Command& group, Invocation& invocation, LabPages& pages) {
    add_result_command(group, invocation, "table2",
                       "Paper B's Table 2: reads of a product on one machine and on several",
                       "cairn lab table2 --json", papers::table2);
    const auto of_table3 = std::make_shared<papers::ReadsRequest>();
    const Command third = add_result_command(
        group, invocation, "table3", "Paper B's Table 3: storage and reads of low-rank weights",
        "cairn lab table3 --m 768 --n 2304 --cr 0.5332",
        [of_table3] { return papers::table3(*of_table3); });
    const auto sizes = [](Command command, const std::shared_ptr<papers::ReadsRequest>& request) {
        const auto side = range(std::uint64_t{1}, std::uint64_t{1} << 20);
        command.add_option("--m", request->m, "Rows of the weight")
            .check(side)
            .capture_default_str();
        command.add_option("--n", request->n, "Its columns").check(side).capture_default_str();
        command.add_option("--t", request->t, "Columns of the input")
            .check(side)
            .capture_default_str();
        command.add_option("--cr", request->ratio, "Compression ratio")
            .check(range(1e-6, 1.0))
            .capture_default_str();
    };
    sizes(third, of_table3);
    add_result_command(group, invocation, "fig6", "Paper B's Figure 6: reads by compression ratio",
                       "cairn lab fig6 --out pictures", papers::figure6);
    add_result_command(group, invocation, "fig7",
                       "Paper B's Figure 7: bandwidth saved, in five readings of its text",
                       "cairn lab fig7 --out pictures", papers::figure7);
    const auto energies = std::make_shared<std::string>();
    add_result_command(group, invocation, "ptotal",
                       "Paper B's Equation 13: energies of all heads and layers as one figure",
                       "cairn lab ptotal --energies '[[0.9, 0.95], [0.92, 0.91]]'",
                       [energies] { return total_energy(*energies); })
        .add_option("--energies", *energies, "A list for each layer: the energy of each head")
        .required();
    const auto counted = std::make_shared<papers::ReadsRequest>();
    const Command command = add_result_command(
        group, invocation, "memory", "Reads by paper B's formulas, and counted in running products",
        "cairn lab memory --m 512 --n 512 --t 16 --cr 0.4",
        [counted] { return asked_for(papers::counted_reads(*counted)); });
    sizes(command, counted);
    command.add_option("--batch", counted->batch, "Inputs of t columns each")
        .check(range(std::uint64_t{1}, std::uint64_t{1} << 16))
        .capture_default_str();
    pages.push_back({'B', "Equation 6 and Table 2: reads of a product", papers::table2});
    pages.push_back(
        {'B', "Table 3: storage and reads of low-rank weights", [] { return papers::table3({}); }});
    pages.push_back({'B', "Table 3, counted",
                     [] {
                         return papers::counted_reads({384, 96, 30, 1, 0.7});
                     },
                     "--m 384 --n 96"});
    pages.push_back({'B', "Figure 6: reads by compression ratio", papers::figure6});
    pages.push_back({'B', "Figure 7: bandwidth saved", papers::figure7});
}

}  // namespace cairn::cli
