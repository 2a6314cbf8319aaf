// CONSENSUS: changing a result here splits the network.
//
// N1. The three products are one rule over their contraction index.
#include <algorithm>
#include <cmath>

#include "tensor/dense_weight.h"
#include "tensor/elementary.h"
#include "tensor/matmul.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

void matmul_nt(ConstMatrix a, ConstMatrix b, Matrix c) {
    for (std::size_t i = 0; i < c.rows; ++i) {
        for (std::size_t j = 0; j < c.cols; ++j) {
            float result = 0.0F;
            for (std::size_t chunk = 0; chunk < a.cols; chunk += kChunk) {
                float sum = 0.0F;
                for (std::size_t k = chunk; k < std::min(chunk + kChunk, a.cols); ++k)
                    sum = std::fma(a.row(i)[k], b.row(j)[k], sum);
                result += sum;
            }
            c.row(i)[j] = canonical(result);
        }
    }
}

void matmul_nn(ConstMatrix a, ConstMatrix b, Matrix c) {
    for (std::size_t i = 0; i < c.rows; ++i) {
        for (std::size_t j = 0; j < c.cols; ++j) {
            float result = 0.0F;
            for (std::size_t chunk = 0; chunk < a.cols; chunk += kChunk) {
                float sum = 0.0F;
                for (std::size_t k = chunk; k < std::min(chunk + kChunk, a.cols); ++k)
                    sum = std::fma(a.row(i)[k], b.row(k)[j], sum);
                result += sum;
            }
            c.row(i)[j] = canonical(result);
        }
    }
}

void matmul_tn_accumulate(ConstMatrix a, ConstMatrix b, Matrix c) {
    for (std::size_t i = 0; i < c.rows; ++i) {
        for (std::size_t j = 0; j < c.cols; ++j) {
            float result = c.row(i)[j];
            for (std::size_t chunk = 0; chunk < a.rows; chunk += kChunk) {
                float sum = 0.0F;
                for (std::size_t k = chunk; k < std::min(chunk + kChunk, a.rows); ++k)
                    sum = std::fma(a.row(k)[i], b.row(k)[j], sum);
                result += sum;
            }
            c.row(i)[j] = canonical(result);
        }
    }
}

void matmul_packed(ConstMatrix a, WeightType type, const void* panels, Matrix c) {
    for (std::size_t i = 0; i < c.rows; ++i) {
        for (std::size_t j = 0; j < c.cols; ++j) {
            const std::size_t column = j / kPanelRows * kPanelRows * a.cols + j % kPanelRows;
            float result = 0.0F;
            for (std::size_t chunk = 0; chunk < a.cols; chunk += kChunk) {
                float sum = 0.0F;
                for (std::size_t k = chunk; k < std::min(chunk + kChunk, a.cols); ++k)
                    sum = std::fma(a.row(i)[k],
                                   dense_element(type, panels, column + k * kPanelRows), sum);
                result += sum;
            }
            c.row(i)[j] = canonical(result);
        }
    }
}

}  // namespace cairn::tensor::reference
