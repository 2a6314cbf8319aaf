// CONSENSUS: changing a result here splits the network.
//
// Not here yet: refuses what it cannot do.
#include "tensor/quantised.h"

#include <string>

namespace cairn::tensor {

std::size_t quantised_packed_bytes(WeightType, std::size_t, std::size_t) {
    CHECK(false);
    return 0;
}

Weight pack_quantised(const Compute&, const Weight&, void*) {
    CHECK(false);
    return {};
}

void matmul_nt_quantised(const Compute&, ConstMatrix, const Weight&, Matrix) { CHECK(false); }

void quantised_row(const Weight&, std::size_t, float*) { CHECK(false); }

Status quantise(ConstMatrix, WeightType type, void*) {
    return Error{ErrorCode::kUnsupported,
                 "this build cannot write " + std::string(weight_type_name(type))};
}

}  // namespace cairn::tensor
