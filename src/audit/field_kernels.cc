#include "audit/field_kernels.h"

#include "base/check.h"

namespace cairn::audit {

SumsFactor::SumsFactor(const std::vector<std::uint64_t>& elements)
    : low(field_padded(elements.size())), high(low.size()) {
    constexpr std::uint64_t kLow = (std::uint64_t{1} << 30) - 1;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        low[i] = static_cast<std::uint32_t>(elements[i] & kLow);
        high[i] = static_cast<std::uint32_t>(elements[i] >> 30);
    }
}

QuantsFactor::QuantsFactor(const std::vector<std::uint64_t>& elements) {
    for (auto& digit : digits) digit.resize(field_padded(elements.size()));
    for (std::size_t i = 0; i < elements.size(); ++i) {
        std::uint64_t rest = elements[i];
        for (auto& digit : digits) {
            digit[i] = static_cast<std::int16_t>(rest & 0xFFFF);
            rest = (rest >> 16) + (digit[i] < 0 ? 1 : 0);
        }
    }
}

const FieldKernels& field_kernels_of(const tensor::Kernels& kernels) {
    const FieldKernels* found = nullptr;
    switch (tensor::kernel_set_of(kernels)) {
        case tensor::KernelSet::kAvx2:
            found = avx2_field_kernels();
            break;
        case tensor::KernelSet::kAvx512:
            found = avx512_field_kernels();
            break;
        default:
            found = plain_field_kernels();
    }
    CHECK(found != nullptr);
    return *found;
}

}  // namespace cairn::audit
