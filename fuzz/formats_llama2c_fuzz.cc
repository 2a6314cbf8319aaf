// Fuzzes the reader of llama2.c checkpoints: never more memory than the file's own size, and what
// is accepted is finite.
#include <cstddef>
#include <cstdint>

#include "formats/llama2c.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const auto read = formats::read_llama2c(formats::MemorySource({data, size}));
    if (!read.ok()) return 0;
    const std::vector<float> parameters = model::dense_parameters(*read);
    CHECK(parameters.size() * sizeof(float) <= size);
    CHECK(model::check_finite(read->layout(), parameters).ok());
    return 0;
}
