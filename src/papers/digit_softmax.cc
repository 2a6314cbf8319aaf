#include "papers/digit_softmax.h"

#include <algorithm>
#include <cmath>

namespace cairn::papers {

namespace {

constexpr std::uint64_t kMost = std::uint64_t{1} << 62;

/// Product of the radices below digit `k`.
std::uint64_t place_value(const DigitSoftmax& form, std::size_t k) {
    std::uint64_t value = 1;
    for (std::size_t i = 0; i < k; ++i) value *= form.bases[i];
    return value;
}

double unit(const DigitSoftmax& form) { return form.scale * std::sqrt(form.head_dim); }

Status check(const DigitSoftmax& form, std::size_t columns) {
    if (!(form.scale > 0) || !(form.head_dim > 0))
        return invalid("scale and head dimension must be above 0");
    if (form.bases.empty()) return invalid("a row needs at least one digit");
    if (form.low + form.top > form.bases.size() ||
        form.theta.size() != form.bases.size() - form.low - form.top)
        return invalid("there must be one theta for each digit that is neither low nor top");
    std::uint64_t reach = 1, scale = columns + 1;
    for (const std::uint64_t base : form.bases) {
        if (base < 2) return invalid("a radix is at least 2");
        if (reach > kMost / base) return invalid("the digits reach beyond 2^62");
        reach *= base;
    }
    for (const std::uint64_t theta : form.theta) {
        if (theta < 1) return invalid("theta is at least 1");
        if (scale > kMost / theta) return invalid("sums would not fit into 62 bits");
        scale *= theta;
    }
    return ok_status();
}

/// The real softmax's logarithm of the sum, in units of integer scores, beside the greatest.
double log_sum(const DigitSoftmax& form, const std::vector<std::int64_t>& scores,
               std::int64_t most) {
    double sum = 0;
    for (const std::int64_t score : scores)
        sum += std::exp((static_cast<double>(score) - static_cast<double>(most)) / unit(form));
    return unit(form) * std::log(sum);
}

}  // namespace

std::int64_t table_value(const DigitSoftmax& form, std::size_t k, std::uint64_t digit) {
    if (k < form.low) return 1;
    if (k >= form.bases.size() - form.top) return digit == 0 ? 1 : 0;
    const double exponent =
        -static_cast<double>(place_value(form, k)) * static_cast<double>(digit) / unit(form);
    return static_cast<std::int64_t>(
        std::floor(static_cast<double>(form.theta[k - form.low]) * std::exp(exponent) + 0.5));
}

Result<DigitRow> digit_softmax(const DigitSoftmax& form, const std::vector<std::int64_t>& scores,
                               std::size_t verifiers) {
    RETURN_IF_ERROR(check(form, scores.size()));
    if (scores.empty()) return invalid("a row without scores");
    if (verifiers == 0) return invalid("at least one verifier");
    for (const std::int64_t score : scores)
        if (score < -(std::int64_t{1} << 60) || score > std::int64_t{1} << 60)
            return invalid("a score beyond 2^60");
    DigitRow row;
    const std::int64_t most = *std::max_element(scores.begin(), scores.end());
    const double above = log_sum(form, scores, most);
    row.shift = most + std::llround(above);
    double scale = 1;
    for (const std::uint64_t theta : form.theta) scale *= static_cast<double>(theta);
    for (const std::int64_t score : scores) {
        std::uint64_t rest = static_cast<std::uint64_t>(row.shift - score);
        std::int64_t value = 1;
        for (std::size_t k = 0; k < form.bases.size(); ++k) {
            value *= table_value(form, k, rest % form.bases[k]);
            rest /= form.bases[k];
        }
        if (rest != 0) return invalid("a score lies further below the shift than the digits reach");
        row.values.push_back(value);
        row.row_sum += value;
        const double exact = std::exp(
            ((static_cast<double>(score) - static_cast<double>(most)) - above) / unit(form));
        row.worst_error =
            std::max(row.worst_error, std::fabs(static_cast<double>(value) / scale - exact));
    }
    for (std::size_t i = 0; i < verifiers; ++i) {
        std::int64_t part = 0;
        for (std::size_t j = scores.size() * i / verifiers; j < scores.size() * (i + 1) / verifiers;
             ++j)
            part += row.values[j];
        row.partial_sums.push_back(part);
    }
    return row;
}

}  // namespace cairn::papers
