// Argon2id (RFC 9106) with one lane: a hash that needs as much memory as it is told to, and loses
// more time without it than the memory is worth. libsodium does the work. The proof of work of
// networks that ask for it is made with it (chain/work_function.h).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace cairn::crypto {

struct Argon2Cost {
    std::uint32_t passes = 1;
    std::uint32_t memory_kib = 1024;  ///< at least 8
};

/// 32 bytes, of Argon2 version 0x13. Takes the memory from the system for as long as it runs, and
/// like any allocation of ours ends the program if there is none.
Hash256 argon2id(ByteView password, const FixedBytes<16>& salt, const Argon2Cost& cost);

}  // namespace cairn::crypto
