// CONSENSUS: changing a result here splits the network.
#include "tensor/embedding.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/float_mode.h"
#include "tensor/elementary.h"
#include "tensor/matmul.h"

namespace cairn::tensor {

void embedding_forward(const Compute&, ConstMatrix table, std::span<const std::uint32_t> ids,
                       Matrix out) {
    CHECK(out.rows == ids.size() && out.cols == table.cols);
    for (std::size_t t = 0; t < ids.size(); ++t) {
        CHECK(ids[t] < table.rows);
        std::memcpy(out.row(t), table.row(ids[t]), table.cols * sizeof(float));
    }
}

void embedding_backward_accumulate(const Compute&, std::span<const std::uint32_t> ids,
                                   ConstMatrix dout, Matrix dtable) {
    check_float_mode();
    CHECK(dout.rows == ids.size() && dout.cols == dtable.cols);
    std::vector<std::pair<std::uint32_t, std::size_t>> order;
    std::vector<float> sum(dtable.cols);
    for (std::size_t chunk = 0; chunk < ids.size(); chunk += kChunk) {
        const std::size_t end = std::min(chunk + kChunk, ids.size());
        order.clear();
        for (std::size_t t = chunk; t < end; ++t) {
            CHECK(ids[t] < dtable.rows);
            order.emplace_back(ids[t], t);
        }
        std::sort(order.begin(), order.end());
        for (std::size_t i = 0; i < order.size();) {
            const std::uint32_t id = order[i].first;
            std::fill(sum.begin(), sum.end(), 0.0F);
            for (; i < order.size() && order[i].first == id; ++i) {
                const float* row = dout.row(order[i].second);
                for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += row[c];
            }
            float* target = dtable.row(id);
            for (std::size_t c = 0; c < sum.size(); ++c) target[c] = canonical(target[c] + sum[c]);
        }
    }
}

}  // namespace cairn::tensor
