// Fuzzes the reader of a training run's state behind its hash, which is made right here: what is
// accepted is written again byte for byte.
#include <cstddef>
#include <cstdint>

#include "train/run_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    Bytes file(data, data + size);
    const Hash256 hash = crypto::sha256(file);
    file.insert(file.end(), hash.bytes.begin(), hash.bytes.end());
    const auto state = train::decode_run_state(file);
    if (!state.ok()) return 0;
    CHECK(train::encode_run_state(*state) == file);
    return 0;
}
