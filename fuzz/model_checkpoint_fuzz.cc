// Fuzzes our checkpoint format behind its checksum: what is accepted encodes to the same bytes.
#include <cstddef>
#include <cstdint>

#include "model/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    Writer writer;
    writer.raw({data, size});
    writer.u64(model::checkpoint_checksum({data, size}));
    const Bytes file = std::move(writer).take();
    const auto read = model::read_checkpoint(model::MemorySource(file));
    if (!read.ok()) return 0;
    const auto again = model::encode_checkpoint(*read);
    CHECK(again.ok() && *again == file);
    return 0;
}
