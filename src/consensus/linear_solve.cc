// CONSENSUS: changing a result here splits the network.
#include "consensus/linear_solve.h"

#include "base/check.h"

namespace cairn::consensus {

Row solve(std::vector<Row> matrix, Row right) {
    const std::size_t n = right.size();
    CHECK(matrix.size() == n);
    std::vector<bool> left_out(n, false);
    for (std::size_t k = 0; k < n; ++k) {
        CHECK(matrix[k].size() == n);
        left_out[k] = !(matrix[k][k] > 0);  // NaN too
        if (left_out[k]) continue;
        for (std::size_t i = k + 1; i < n; ++i) {
            const double factor = matrix[i][k] / matrix[k][k];
            for (std::size_t j = k; j < n; ++j) matrix[i][j] -= factor * matrix[k][j];
            right[i] -= factor * right[k];
        }
    }
    Row solution(n, 0.0);
    for (std::size_t k = n; k-- > 0;) {
        if (left_out[k]) continue;
        double sum = right[k];
        for (std::size_t j = k + 1; j < n; ++j) sum -= matrix[k][j] * solution[j];
        solution[k] = sum / matrix[k][k];
    }
    return solution;
}

}  // namespace cairn::consensus
