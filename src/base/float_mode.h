// The floating-point mode that reproducible arithmetic needs: round to nearest even, subnormals
// kept (no FTZ, no DAZ). Set on every computing thread before its first operation.
#pragma once

#include <cfloat>

namespace cairn {

static_assert(FLT_EVAL_METHOD == 0, "excess precision would change bits");

void set_float_mode();
/// CHECKs that the calling thread still has the mode; libraries have been seen to change it.
void check_float_mode();

}  // namespace cairn
