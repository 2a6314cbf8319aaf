// CONSENSUS: changing a result here splits the network.
#include "tensor/norm.h"

#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

void rmsnorm_forward(const Compute& compute, ConstMatrix x, const float* gamma, float eps, Matrix y,
                     float* rstd) {
    CHECK(x.rows == y.rows && x.cols == y.cols);
    split(compute, x.rows, grain_for(x.cols), [&](std::size_t begin, std::size_t end) {
        compute.kernels->rmsnorm_forward(x.row_range(begin, end - begin), gamma, eps,
                                         y.row_range(begin, end - begin),
                                         rstd == nullptr ? nullptr : rstd + begin);
    });
}

void rmsnorm_backward(const Compute& compute, ConstMatrix dy, ConstMatrix x, const float* gamma,
                      const float* rstd, Matrix dx, float* dgamma) {
    CHECK(dy.rows == x.rows && dy.cols == x.cols && dx.rows == x.rows && dx.cols == x.cols);
    // dgamma first: dx may overwrite dy
    constexpr std::size_t kColumnGrain = 64;
    split(compute, x.cols, kColumnGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->rmsnorm_backward_gamma(dy.column_range(begin, end - begin),
                                                x.column_range(begin, end - begin), rstd,
                                                dgamma + begin);
    });
    split(compute, x.rows, grain_for(x.cols), [&](std::size_t begin, std::size_t end) {
        compute.kernels->rmsnorm_backward(dy.row_range(begin, end - begin),
                                          x.row_range(begin, end - begin), gamma, rstd + begin,
                                          dx.row_range(begin, end - begin));
    });
}

void layernorm_forward(const Compute& compute, ConstMatrix x, const float* gamma, const float* beta,
                       float eps, Matrix y, float* mean, float* rstd) {
    CHECK(x.rows == y.rows && x.cols == y.cols);
    split(compute, x.rows, grain_for(x.cols), [&](std::size_t begin, std::size_t end) {
        compute.kernels->layernorm_forward(
            x.row_range(begin, end - begin), gamma, beta, eps, y.row_range(begin, end - begin),
            mean == nullptr ? nullptr : mean + begin, rstd == nullptr ? nullptr : rstd + begin);
    });
}

void layernorm_backward(const Compute& compute, ConstMatrix dy, ConstMatrix x, const float* gamma,
                        const float* mean, const float* rstd, Matrix dx, float* dgamma,
                        float* dbeta) {
    CHECK(dy.rows == x.rows && dy.cols == x.cols && dx.rows == x.rows && dx.cols == x.cols);
    // dgamma and dbeta first: dx may overwrite dy
    constexpr std::size_t kColumnGrain = 64;
    split(compute, x.cols, kColumnGrain, [&](std::size_t begin, std::size_t end) {
        const ConstMatrix grad = dy.column_range(begin, end - begin);
        compute.kernels->layernorm_backward_gamma(grad, x.column_range(begin, end - begin), mean,
                                                  rstd, dgamma + begin);
        compute.kernels->column_sums_accumulate(grad, dbeta + begin);
    });
    split(compute, x.rows, grain_for(x.cols), [&](std::size_t begin, std::size_t end) {
        compute.kernels->layernorm_backward(dy.row_range(begin, end - begin),
                                            x.row_range(begin, end - begin), gamma, mean + begin,
                                            rstd + begin, dx.row_range(begin, end - begin));
    });
}

}  // namespace cairn::tensor
