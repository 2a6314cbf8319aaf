// Feeds arbitrary bytes to the decoder of attention's proofs, which come from strangers. What
// decodes must encode to the same bytes, and checking it must end with a verdict, the same for one
// Verifier and for two.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "argument/argument.h"
#include "argument/proof.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const ByteView bytes(data, size);
    const auto decoded = argument::decode_proof(bytes);
    if (!decoded.ok()) return 0;
    CHECK(std::ranges::equal(argument::encode(*decoded), bytes));
    if (decoded->rows > 8) return 0;
    // The statement of the seed, with as many rows as the proof says.
    const std::vector<std::int16_t> ones(decoded->rows, 1);
    const auto statement = argument::make_statement({decoded->rows, 1, 0}, ones, ones, ones);
    const argument::SharePart parts[] = {argument::check_share(statement, bytes, 0, 2),
                                         argument::check_share(statement, bytes, 1, 2)};
    CHECK(argument::verify(statement, bytes).is_valid() ==
          argument::combine(statement.sizes, argument::statement_hash(statement), bytes, parts)
              .is_valid());
    return 0;
}
