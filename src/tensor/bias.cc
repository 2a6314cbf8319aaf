#include "tensor/bias.h"

#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

void add_bias(const Compute& compute, const float* bias, Matrix x) {
    split(compute, x.rows, grain_for(x.cols), [&](std::size_t begin, std::size_t end) {
        for (std::size_t t = begin; t < end; ++t)
            compute.kernels->add(x.cols, x.row(t), bias, x.row(t));
    });
}

void bias_backward_accumulate(const Compute& compute, ConstMatrix dy, float* dbias) {
    constexpr std::size_t kColumnGrain = 64;
    split(compute, dy.cols, kColumnGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->column_sums_accumulate(dy.column_range(begin, end - begin), dbias + begin);
    });
}

}  // namespace cairn::tensor
