// OpenBLAS's sgemm, opened at run time where the machine has it: `cairn bench` compares our matrix
// products with it. Cairn never computes with it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tensor/matrix.h"

namespace cairn::measure {

class OpenBlas {
  public:
    /// Nothing where libopenblas.so.0 is not installed.
    static std::optional<OpenBlas> open(std::size_t threads);

    /// "OpenBLAS 0.3.21 ...", as the library calls itself.
    const std::string& version() const { return version_; }

    /// C = A * B^T, C = A * B, C += A^T * B, as tensor/matmul.h has them.
    void nt(tensor::ConstMatrix a, tensor::ConstMatrix b, tensor::Matrix c) const;
    void nn(tensor::ConstMatrix a, tensor::ConstMatrix b, tensor::Matrix c) const;
    void tn_accumulate(tensor::ConstMatrix a, tensor::ConstMatrix b, tensor::Matrix c) const;

  private:
    using Sgemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k,
                           float alpha, const float* a, int lda, const float* b, int ldb,
                           float beta, float* c, int ldc);
    OpenBlas(Sgemm sgemm, std::string version) : sgemm_(sgemm), version_(std::move(version)) {}

    Sgemm sgemm_;
    std::string version_;
};

}  // namespace cairn::measure
