#include "cli/papers/lab_attention.h"

#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "papers/attention_regression.h"
#include "papers/digit_softmax.h"
#include "papers/lookup.h"

namespace cairn::cli {

namespace {

using papers::Matrix;
using papers::ResultTable;

constexpr std::size_t kMostWidth = 16;  // d: the Hessian has d^4 numbers
constexpr std::size_t kMostRows = 512;  // n
constexpr std::size_t kDescent = 100;   // steps shown
constexpr double kLargestScore = 0x1p53;

struct AttentionRequest {
    std::string a1, a2, x, b, w;
};

Matrix to_matrix(const std::vector<std::vector<double>>& rows) {
    Matrix out(rows.size(), rows[0].size());
    for (std::size_t i = 0; i < rows.size(); ++i)
        for (std::size_t j = 0; j < rows[i].size(); ++j) out.at(i, j) = rows[i][j];
    return out;
}

std::vector<std::vector<double>> to_rows(const Matrix& matrix) {
    std::vector<std::vector<double>> out;
    for (std::size_t i = 0; i < matrix.rows; ++i) {
        const auto begin = matrix.values.begin() + static_cast<std::ptrdiff_t>(i * matrix.columns);
        out.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(matrix.columns));
    }
    return out;
}

Result<ResultTable> attention(const AttentionRequest& request) {
    ASSIGN_OR_RETURN(const auto a1, matrix_of("--a1", request.a1));
    ASSIGN_OR_RETURN(const auto a2, matrix_of("--a2", request.a2));
    ASSIGN_OR_RETURN(const auto x_rows, matrix_of("--x", request.x));
    ASSIGN_OR_RETURN(const auto b, matrix_of("--b", request.b));
    ASSIGN_OR_RETURN(const auto w, numbers_of("--w", request.w));
    const papers::AttentionProblem problem{to_matrix(a1), to_matrix(a2), to_matrix(b), w};
    const Matrix x = to_matrix(x_rows);
    const std::string wrong = papers::wrong_with(problem, x);
    if (!wrong.empty()) return misused(wrong);
    if (x.rows > kMostWidth || problem.a1.rows > kMostRows)
        return misused(fmt::format("at most {} rows and {} columns", kMostRows, kMostWidth));
    const papers::ConvexityBounds bounds = papers::convexity_bounds(problem);
    if (!std::isfinite(papers::attention_loss(problem, x)) || !std::isfinite(bounds.smoothness))
        return misused("the numbers are too large for double precision: give smaller ones");
    const std::vector<double> descent =
        papers::descend(problem, x, 1 / bounds.smoothness, kDescent);
    ResultTable table{"attention", {}, "", {}};
    table.rows.push_back(
        {{"loss", papers::attention_loss(problem, x)},
         {"gradient", to_rows(papers::attention_gradient(problem, x))},
         {"hessian_eigenvalues", papers::eigenvalues(papers::attention_hessian(problem, x))},
         {"mu", bounds.mu},
         {"l", bounds.smoothness},
         {"paper_mu", bounds.paper_mu},
         {"paper_l", bounds.paper_smoothness},
         {"block_singular_value", bounds.block_singular_value},
         {"descent", descent}});
    table.found = fmt::format(
        "Steps of 1/L = {:.3g} take the loss from {:.6g} to {:.6g} in {}; {}.",
        1 / bounds.smoothness, descent.front(), descent.back(), kDescent,
        x.rows > 1 ? "Lemma 68 as printed asks for the least singular value of one block, which is "
                     "0 for d > 1, so it says nothing"
                   : "with d = 1 Lemma 68 holds as printed");
    return table;
}

struct SoftmaxRequest {
    std::string x;
    papers::DigitSoftmax form{0x1p32, 64, {1U << 8, 1U << 20, 1U << 20},
                              1,      0,  {1U << 18, 1U << 22}};
    std::string bases, theta;
    std::size_t verifiers = 1;
};

std::vector<double> reals(const std::vector<std::int64_t>& values) {
    return {values.begin(), values.end()};
}

Result<std::vector<std::uint64_t>> positive(const std::string& option, const std::string& text) {
    ASSIGN_OR_RETURN(const auto values, integers_of(option, text));
    std::vector<std::uint64_t> out;
    for (const std::int64_t value : values) {
        if (value <= 0) return misused(option + ": numbers above 0 are wanted");
        out.push_back(static_cast<std::uint64_t>(value));
    }
    return out;
}

Result<ResultTable> softmax(const SoftmaxRequest& request) {
    papers::DigitSoftmax form = request.form;
    if (!request.bases.empty()) {
        ASSIGN_OR_RETURN(form.bases, positive("--bases", request.bases));
    }
    if (!request.theta.empty()) {
        ASSIGN_OR_RETURN(form.theta, positive("--theta", request.theta));
    }
    std::vector<std::vector<std::int64_t>> rows;
    if (request.x.find("[[") == 0 || request.x.find("[ [") == 0) {
        ASSIGN_OR_RETURN(const auto matrix, matrix_of("--x", request.x));
        for (const auto& row : matrix) {
            rows.emplace_back();
            for (const double value : row) {
                if (std::fabs(value) > kLargestScore || value != std::floor(value))
                    return misused("--x: whole numbers are wanted, 2^53 at most");
                rows.back().push_back(static_cast<std::int64_t>(value));
            }
        }
    } else {
        ASSIGN_OR_RETURN(const auto row, integers_of("--x", request.x));
        rows.push_back(row);
    }
    ResultTable table{"softmax", {}, "", {}};
    double worst = 0;
    for (const auto& scores : rows) {
        ASSIGN_OR_RETURN(const papers::DigitRow row,
                         asked_for(papers::digit_softmax(form, scores, request.verifiers)));
        worst = std::max(worst, row.worst_error);
        table.rows.push_back({{"shift", row.shift},
                              {"values", reals(row.values)},
                              {"row_sum", row.row_sum},
                              {"partial_sums", reals(row.partial_sums)},
                              {"worst_error", row.worst_error}});
    }
    double scale = 1;
    for (const std::uint64_t theta : form.theta) scale *= static_cast<double>(theta);
    table.found = fmt::format(
        "A value is its table entries' product beside {:.0f}; the worst is {:.2g} from the real "
        "softmax. The sums of {} verifier{} add up to the row's.",
        scale, worst, request.verifiers, request.verifiers == 1 ? "" : "s");
    return table;
}

struct LookupRequest {
    std::string table, values;
    std::uint64_t beta = 0;
};

Result<ResultTable> lookup(const LookupRequest& request) {
    ASSIGN_OR_RETURN(const auto entries, integers_of("--table", request.table));
    ASSIGN_OR_RETURN(const auto values, integers_of("--values", request.values));
    ASSIGN_OR_RETURN(const papers::LookupSides sides,
                     asked_for(papers::check_lookup(entries, values, request.beta)));
    ResultTable table{"lookup", {}, "", {}};
    table.rows.push_back({{"left", static_cast<std::int64_t>(sides.left)},
                          {"right", static_cast<std::int64_t>(sides.right)},
                          {"accepted", sides.accepted},
                          {"multiplicities", std::vector<double>(sides.multiplicities.begin(),
                                                                 sides.multiplicities.end())}});
    table.found = fmt::format(
        "In the field of 2^61 - 1 elements the sides are {}: {}. A value outside the table would "
        "pass for {} of 2^61 betas at most.",
        sides.accepted ? "equal" : "not equal",
        sides.accepted ? "all values stand in the table" : "a value does not stand in the table",
        entries.size() + values.size());
    return table;
}

}  // namespace

void add_lab_attention(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto regression = std::make_shared<AttentionRequest>();
    Command command =
        add_result_command(group, invocation, "attention",
                           "Paper A's attention loss: gradient, Hessian, bounds, descent",
                           "cairn lab attention --a1 '[[1, 0], [0, 1]]' --a2 '[[1, 0], [0, 1]]' "
                           "--x '[[0, 0], [0, 0]]' "
                           "--b '[[1, 0], [0, 1]]' --w '[2, 2]'",
                           [regression] { return attention(*regression); });
    command.add_option("--a1", regression->a1, "n x d, as JSON").required();
    command.add_option("--a2", regression->a2, "n x d").required();
    command.add_option("--x", regression->x, "d x d: where derivatives are taken").required();
    command.add_option("--b", regression->b, "n x n: rows of probabilities to fit").required();
    command.add_option("--w", regression->w, "n weights of the regulariser").required();

    const auto digits = std::make_shared<SoftmaxRequest>();
    command = add_result_command(
        group, invocation, "softmax", "Paper B's softmax by digits and tables",
        "cairn lab softmax --x '[0, 1000, -500]' --scale 256 --head-dim 16 --bases '[16, 64, 64]' "
        "--low 1 --theta '[4096, 65536]' --verifiers 2",
        [digits] { return softmax(*digits); });
    command.add_option("--x", digits->x, "A row of whole scores, or a list of rows").required();
    command.add_option("--scale", digits->form.scale, "A score z stands for z / scale")
        .check(range(1e-9, 1e18))
        .capture_default_str();
    command.add_option("--head-dim", digits->form.head_dim, "Scores are divided by its root")
        .check(range(1e-9, 1e9))
        .capture_default_str();
    command.add_option("--bases", digits->bases,
                       "Radix of each digit, the lowest first (default: [256, 1048576, 1048576])");
    command.add_option("--low", digits->form.low, "So many lowest digits count as 0")
        .check(range(0, 64))
        .capture_default_str();
    command.add_option("--top", digits->form.top, "So many top digits must be 0, or the value is")
        .check(range(0, 64))
        .capture_default_str();
    command.add_option("--theta", digits->theta,
                       "Scale of each table between (default: [262144, 4194304])");
    command.add_option("--verifiers", digits->verifiers, "Who share the columns")
        .check(range(1, 1024))
        .capture_default_str();

    const auto table = std::make_shared<LookupRequest>();
    command = add_result_command(
        group, invocation, "lookup", "The lookup argument: do all values stand in a table?",
        "cairn lab lookup --table '[0, 1, 2]' --values '[2, 2, 0]' --beta 77",
        [table] { return lookup(*table); });
    command.add_option("--table", table->table, "Whole numbers, as JSON").required();
    command.add_option("--values", table->values, "What is looked up").required();
    command.add_option("--beta", table->beta, "The verifier's random number, below 2^61 - 1")
        .check(range(std::uint64_t{0}, papers::kLookupPrime - 1))
        .required();
    const AttentionRequest small{"[[1, 0.5], [0, 1], [0.3, -1]]", "[[1, 0], [0.2, 1], [-1, 0.5]]",
                                 "[[0.1, -0.2], [0.3, 0.4]]",
                                 "[[1, 0, 0], [0, 0.5, 0.5], [0.2, 0.3, 0.5]]", "[2, 2, 2]"};
    pages.push_back({'A', "Definitions 38 to 49, Lemmas 68 and 69: the attention loss",
                     [small] { return attention(small); },
                     fmt::format("--a1 '{}' --a2 '{}' --x '{}' --b '{}' --w '{}'", small.a1,
                                 small.a2, small.x, small.b, small.w)});
    SoftmaxRequest row;
    row.x = "[0, 34359738368, -17179869184, 8589934592]";
    row.verifiers = 2;
    pages.push_back({'B', "Equations 20 to 22: softmax by digits", [row] { return softmax(row); },
                     fmt::format("--x '{}' --verifiers {}", row.x, row.verifiers)});
    const LookupRequest known{"[0, 1, 2, 3]", "[3, 3, 0, 1]", 1234567};
    pages.push_back({'B', "The lookup argument", [known] { return lookup(known); },
                     fmt::format("--table '{}' --values '{}' --beta {}", known.table, known.values,
                                 known.beta)});
}

}  // namespace cairn::cli
