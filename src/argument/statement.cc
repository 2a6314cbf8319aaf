#include "argument/statement.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "crypto/hash.h"
#include "tensor/digits.h"

namespace cairn::argument {

namespace {

/// Little-endian.
template <typename Number>
void append(Bytes& bytes, const std::vector<Number>& numbers) {
    std::size_t at = bytes.size();
    bytes.resize(at + sizeof(Number) * numbers.size());
    for (const Number number : numbers)
        for (unsigned k = 0; k < sizeof number; ++k)
            bytes[at++] = static_cast<std::uint8_t>(number >> (8 * k));
}

}  // namespace

unsigned padded_log(std::size_t rows) {
    CHECK(rows >= 1 && rows <= kMaxRows);
    return std::max(3U, static_cast<unsigned>(std::bit_width(rows - 1)));
}

Status check_form(const Statement& statement) {
    const Sizes& sizes = statement.sizes;
    if (sizes.rows < 1 || sizes.rows > kMaxRows || sizes.head_dim < 1 ||
        sizes.head_dim > kMaxHeadDim)
        return invalid("a statement that is not of 1 to 4096 rows of 1 to 1024 numbers");
    const std::size_t numbers = std::size_t{sizes.rows} * sizes.head_dim;
    for (const auto* part : {&statement.queries, &statement.keys, &statement.values}) {
        if (part->size() != numbers) return invalid("a statement whose parts do not fit its sizes");
        if (std::find(part->begin(), part->end(), INT16_MIN) != part->end())
            return invalid("a statement with a number below -32767");
    }
    if (statement.shifts.size() != sizes.rows || statement.sums.size() != numbers)
        return invalid("a statement whose parts do not fit its sizes");
    return ok_status();
}

bool within_bounds(const Statement& statement, std::size_t begin, std::size_t end) {
    const auto within = [](const std::vector<std::int64_t>& numbers, std::size_t first,
                           std::size_t last, std::int64_t most) {
        return std::all_of(numbers.begin() + static_cast<std::ptrdiff_t>(first),
                           numbers.begin() + static_cast<std::ptrdiff_t>(last),
                           [most](std::int64_t x) { return -most <= x && x <= most; });
    };
    const std::size_t width = statement.sizes.head_dim;
    return within(statement.shifts, begin, end, kMaxShift) &&
           within(statement.sums, begin * width, end * width, kMaxSum);
}

Hash256 statement_hash(const Statement& statement) {
    static const crypto::TaggedHasher hasher("cairn/argument/statement");
    Writer writer;
    writer.u32(statement.sizes.rows);
    writer.u32(statement.sizes.head_dim);
    writer.u32(statement.sizes.window);
    writer.fixed(statement.about);
    Bytes bytes = std::move(writer).take();
    for (const auto* part : {&statement.queries, &statement.keys, &statement.values})
        append(bytes, *part);
    for (const auto* part : {&statement.shifts, &statement.sums}) append(bytes, *part);
    return hasher(bytes);
}

Statement make_statement(Sizes sizes, std::span<const std::int16_t> queries,
                         std::span<const std::int16_t> keys, std::span<const std::int16_t> values) {
    Statement statement;
    statement.sizes = sizes;
    statement.queries.assign(queries.begin(), queries.end());
    statement.keys.assign(keys.begin(), keys.end());
    statement.values.assign(values.begin(), values.end());
    statement.shifts.resize(sizes.rows);
    statement.sums.resize(std::size_t{sizes.rows} * sizes.head_dim);
    CHECK(check_form(statement).ok());
    for (std::size_t i = 0; i < sizes.rows; ++i) {
        const tensor::DigitAttentionRow row = tensor::digit_attention_row(
            queries.subspan(i * sizes.head_dim, sizes.head_dim), {keys.data(), sizes.head_dim},
            {values.data(), sizes.head_dim}, sizes.first_key(i), i + 1);
        statement.shifts[i] = row.shift;
        std::copy(row.sums.begin(), row.sums.end(),
                  statement.sums.begin() + static_cast<std::ptrdiff_t>(i * sizes.head_dim));
    }
    return statement;
}

}  // namespace cairn::argument
