#include "cli/papers/lab_sketches.h"

#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "papers/sketch_moments.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

struct SketchesRequest {
    std::size_t dim = 4, sketch = 2, sparsity = 2;
    std::string g, h;
    bool exact = true;
};

/// The option's numbers, or 1, -1/2, 1/3 ... (or backwards).
Result<std::vector<double>> vector_of(const std::string& option, const std::string& text,
                                      std::size_t dim, bool backwards) {
    if (!text.empty()) {
        ASSIGN_OR_RETURN(auto values, numbers_of(option, text));
        if (values.size() != dim)
            return misused(
                fmt::format("{} has {} numbers, --dim says {}", option, values.size(), dim));
        return values;
    }
    std::vector<double> values;
    for (std::size_t i = 0; i < dim; ++i) {
        const double place = static_cast<double>(backwards ? dim - i : i + 1);
        values.push_back((i % 2 != 0 ? -1 : 1) / place);
    }
    return values;
}

Result<ResultTable> sketches(const SketchesRequest& request) {
    ASSIGN_OR_RETURN(const auto g, vector_of("--g", request.g, request.dim, false));
    ASSIGN_OR_RETURN(const auto h, vector_of("--h", request.h, request.dim, true));
    double inner = 0, g2 = 0, h2 = 0;
    for (std::size_t i = 0; i < g.size(); ++i) {
        inner += g[i] * h[i];
        g2 += g[i] * g[i];
        h2 += h[i] * h[i];
    }
    // What is averaged are products of four of the numbers, some sums of them.
    constexpr double kLargest = 1e300;
    if (!(g2 < kLargest && h2 < kLargest && g2 * h2 < kLargest))
        return misused("--g and --h: the numbers are too large for double precision");
    ResultTable table{"sketches", {}, "", {}};
    std::size_t unbiased = 0;
    const auto s = static_cast<double>(request.sketch);
    for (const papers::Sketch sketch : papers::kAllSketches) {
        ASSIGN_OR_RETURN(
            const papers::SketchMoments found,
            asked_for(papers::sketch_moments(sketch, g, h, request.sketch, request.sparsity)));
        unbiased += std::fabs(found.mean_inner - inner) <= 1e-9 * (1 + std::sqrt(g2 * h2));
        table.rows.push_back(
            {{"sketch", std::string(papers::name_of(sketch))},
             {"matrices", static_cast<std::int64_t>(found.cases)},
             {"mean_inner", found.mean_inner},
             {"inner", inner},
             {"mean_inner_squared", found.mean_inner_squared},
             {"bound_inner_squared",
              inner * inner + papers::printed_parameter(sketch) / s * g2 * h2},
             {"mean_desketch_norm_ratio", found.mean_desketch_norm_ratio},
             {"exact_norm_ratio", papers::exact_norm_ratio(sketch, request.dim, request.sketch)}});
    }
    table.found = fmt::format(
        "D = {}, s = {}, all matrices gone through (Gaussian entries as three values with the same "
        "moments): {} of 6 sketches are unbiased; a vector that is sketched and de-sketched grows "
        "by 1 + (D-1)/s in squared norm, by a Gaussian one 1 + (D+1)/s, by SRHT D/s only.",
        request.dim, request.sketch, unbiased);
    return table;
}

}  // namespace

void add_lab_sketches(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto request = std::make_shared<SketchesRequest>();
    const Command command = add_result_command(
        group, invocation, "sketches",
        "Paper A's Table 1: means of all six sketches, by going through all their matrices",
        "cairn lab sketches --exact --dim 4 --sketch 2 --sparsity 2",
        [request] { return sketches(*request); });
    command.add_flag("--exact", request->exact,
                     "Go through every matrix (the only way there is yet)");
    command.add_option("--dim", request->dim, "Numbers of a vector; a power of two")
        .check(range(1, 32))
        .capture_default_str();
    command.add_option("--sketch", request->sketch, "Numbers of its sketch")
        .check(range(1, 32))
        .capture_default_str();
    command.add_option("--sparsity", request->sparsity, "Entries in a column, sparse embeddings")
        .check(range(1, 32))
        .capture_default_str();
    command.add_option("--g", request->g, "A vector, as JSON (default: 1, -1/2, 1/3 ...)");
    command.add_option("--h", request->h, "Another (default: the first one backwards)");
    pages.push_back({'A', "Table 1 and Theorem 60: six sketches", [] { return sketches({}); }});
}

}  // namespace cairn::cli
