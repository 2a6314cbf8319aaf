// CONSENSUS: changing a result here splits the network.
#include "tensor/loss.h"

#include <limits>
#include <vector>

#include "tensor/elementary.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

void cross_entropy(ConstMatrix logits, const std::uint32_t* targets, float* losses,
                   Matrix dlogits) {
    const std::size_t vocab = logits.cols;
    std::vector<float> e(vocab);
    for (std::size_t t = 0; t < logits.rows; ++t) {
        const float* z = logits.row(t);
        float m = -std::numeric_limits<float>::infinity();
        for (std::size_t j = 0; j < vocab; ++j) m = z[j] > m ? z[j] : m;
        for (std::size_t j = 0; j < vocab; ++j) e[j] = exp_f32(z[j] - m);
        const float total = reduce_sum(vocab, e.data());
        losses[t] = canonical(log_f32(total) - (z[targets[t]] - m));
        if (dlogits.data == nullptr) continue;
        for (std::size_t j = 0; j < vocab; ++j) {
            const float p = e[j] / total;
            dlogits.row(t)[j] = canonical(j == targets[t] ? p - 1.0F : p);
        }
    }
}

}  // namespace cairn::tensor::reference
