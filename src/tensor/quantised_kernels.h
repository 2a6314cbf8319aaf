// QuantisedKernels: one kernel set's functions for quantised weights (quantised.h checks shapes and
// divides the outputs over threads). Activations are quantised once per product into memory that
// only the set itself reads; quantised weights have one layout for all (quantised_format.h).
// Every set must equal the reference bit for bit; tensor/quantised_test.cc holds them to it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/compute.h"
#include "tensor/operands.h"

namespace cairn::tensor {

struct QuantisedKernels {
    /// Rows are quantised in multiples of row_grain, panels of 16 outputs in those of panel_grain.
    std::size_t row_grain;
    std::size_t panel_grain;
    /// Bytes that so many rows of activations take.
    std::size_t (*activation_bytes)(WeightType type, std::size_t rows, std::size_t cols);
    /// Rows [begin, end) of A; `out` is aligned to 64 bytes and holds all rows.
    void (*quantise_rows)(WeightType type, ConstMatrix a, std::size_t begin, std::size_t end,
                          void* out);
    /// Columns of C from the panels [begin, end) of W.
    void (*product)(const void* activations, const Weight& w, Matrix c, std::size_t begin,
                    std::size_t end);
};

// Null when this build has no such set.
const QuantisedKernels* reference_quantised_kernels();
const QuantisedKernels* scalar_quantised_kernels();
const QuantisedKernels* avx2_quantised_kernels();
const QuantisedKernels* avx512_quantised_kernels();
const QuantisedKernels* neon_quantised_kernels();

/// The functions that belong to a set's other kernels.
const QuantisedKernels& quantised_kernels_of(const Kernels& kernels);

}  // namespace cairn::tensor
