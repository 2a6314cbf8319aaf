#include "audit/kernels/field_body.h"

namespace cairn::audit {

namespace {

/// One number at a time: the definition, and what machines without the others run.
struct Plain {
    static constexpr std::size_t kInts = 1;
    using Type = std::int64_t;

    static Type zero() { return 0; }
    static Type load(const std::int32_t* at) { return *at; }
    static Type load(const std::uint32_t* at) { return *at; }
    /// Two 16-bit numbers as the halves of 32 bits.
    static Type load(const std::int16_t* at) { return at[0] + at[1] * (std::int64_t{1} << 32); }
    static Type products(Type a, Type b) { return a * b; }
    static Type add64(Type a, Type b) { return a + b; }
    static Type sum64(Type a) { return a; }
    static Type madd(Type a, Type b) { return lower(a) * lower(b) + upper(a) * upper(b); }
    static Type add32(Type a, Type b) { return a + b; }
    static Type sum32(Type a) { return a; }

  private:
    static Type lower(Type pair) { return static_cast<std::int32_t>(pair); }
    static Type upper(Type pair) { return (pair - lower(pair)) / (std::int64_t{1} << 32); }
};

}  // namespace

const FieldKernels* plain_field_kernels() {
    static constexpr FieldKernels kTable = make_field_table<Plain>();
    return &kTable;
}

}  // namespace cairn::audit
