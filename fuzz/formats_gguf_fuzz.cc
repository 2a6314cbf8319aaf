// Fuzzes the reader of GGUF files, header and model: nothing is taken on the file's word, tensors
// lie inside the file, and what is accepted is finite and can be written as our checkpoint.
#include <cstddef>
#include <cstdint>

#include "formats/checkpoint.h"
#include "formats/gguf_model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const auto source = std::make_shared<formats::MemorySource>(ByteView(data, size));
    const auto header = formats::read_gguf_header(source);
    if (!header.ok()) return 0;
    for (const auto& [name, tensor] : header->tensors)
        if (tensor.type) CHECK(tensor.offset <= size && tensor.bytes <= size - tensor.offset);
    (void)formats::gguf_vocabulary(*header).ok();
    const auto loaded = formats::read_gguf(source);
    if (loaded.ok()) CHECK(formats::encode_checkpoint(loaded->model).ok());
    return 0;
}
