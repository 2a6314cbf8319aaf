// Integers of 128 bits, for sums and products that 64 bits cannot hold exactly.
#pragma once

namespace cairn {

// Both compilers have these types, the C++ standard does not: __extension__ says that we know, so
// that a build with -Wpedantic does not warn.
__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

}  // namespace cairn
