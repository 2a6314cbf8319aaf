// Fuzzes both JSON documents of a safetensors model: the header with its offsets, and config.json.
#include <cstddef>
#include <cstdint>

#include "model/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const model::MemorySource source({data, size});
    const auto entries = model::read_safetensors_header(source);
    if (entries.ok())
        for (const auto& [name, entry] : *entries)
            CHECK(entry.offset <= size && entry.bytes <= size - entry.offset);
    const auto config = model::parse_llama_config(as_text({data, size}));
    if (config.ok()) CHECK(model::validate(*config).ok());
    model::ModelConfig tiny{.dim = 2,
                            .hidden_dim = 1,
                            .layers = 1,
                            .heads = 1,
                            .kv_heads = 1,
                            .vocab = 2,
                            .context = 1};
    std::vector<std::unique_ptr<model::Source>> files;
    files.push_back(std::make_unique<model::MemorySource>(source));
    (void)model::read_safetensors(tiny, files).ok();
    return 0;
}
