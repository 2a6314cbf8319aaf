#include "papers/result_table.h"

#include <algorithm>

namespace cairn::papers {

std::vector<std::span<const Row>> blocks_of(const ResultTable& table) {
    const auto same_fields = [](const Row& a, const Row& b) {
        return std::ranges::equal(a, b, {}, &Field::name, &Field::name);
    };
    std::vector<std::span<const Row>> blocks;
    const std::span<const Row> rows = table.rows;
    for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
        for (end = begin + 1; end < rows.size() && same_fields(rows[begin], rows[end]);) ++end;
        blocks.push_back(rows.subspan(begin, end - begin));
    }
    return blocks;
}

}  // namespace cairn::papers
