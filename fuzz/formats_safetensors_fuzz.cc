// Fuzzes a Hugging Face model: config.json, then the header of a safetensors file and its tensors.
#include <cstddef>
#include <cstdint>

#include "formats/hf_encoder_decoder.h"
#include "formats/hf_folder.h"
#include "formats/safetensors.h"
#include "model/encoder_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const auto source = std::make_shared<formats::MemorySource>(ByteView(data, size));
    const auto entries = formats::read_safetensors_header(source);
    if (entries.ok())
        for (const auto& [name, entry] : *entries)
            CHECK(entry.offset <= size && entry.bytes <= size - entry.offset);
    const auto config = formats::parse_hf_config(as_text({data, size}));
    if (config.ok()) {
        CHECK(model::validate(config->config).ok());
        if (config->encoder)
            CHECK(model::check_encoder_decoder(*config->encoder, config->config).ok());
        const auto family = formats::hf_family_of(config->config);
        if (family.ok()) {
            const std::string text =
                formats::render_hf_config(config->config, *family, {}, tensor::WeightType::kF32);
            const auto back = formats::parse_hf_config(text);
            CHECK(back.ok() && back->config == config->config);
        }
    }
    const std::vector<formats::SharedSource> files{source};
    for (const auto family : {formats::HfFamily::kLlama, formats::HfFamily::kGpt2}) {
        formats::HfConfig tiny{family,
                               {.dim = 2,
                                .hidden_dim = 1,
                                .layers = 1,
                                .heads = 1,
                                .kv_heads = 1,
                                .vocab = 2,
                                .context = 1}};
        if (family == formats::HfFamily::kGpt2) {
            tiny.config.norm = model::NormKind::kLayer;
            tiny.config.positions = model::PositionKind::kLearned;
            tiny.config.feed_forward = model::FeedForward::kGeluTanh;
            tiny.config.qkv_bias = tiny.config.out_bias = tiny.config.ffn_bias = true;
        }
        const auto read = formats::read_hf_tensors(tiny, files);
        if (read.ok()) CHECK(read->layout().size() * 2 <= size);
    }
    const auto bart = formats::parse_hf_config(
        R"({"model_type":"bart","vocab_size":2,"d_model":2,"encoder_layers":1,"decoder_layers":1,)"
        R"("encoder_attention_heads":1,"decoder_attention_heads":1,"encoder_ffn_dim":1,)"
        R"("decoder_ffn_dim":1,"max_position_embeddings":1})");
    CHECK(bart.ok());
    auto stored = formats::stored_hf_tensors(files);
    if (stored.ok()) {
        const auto read = formats::read_hf_encoder_decoder(*bart, *std::move(stored));
        if (read.ok()) CHECK(read->decoder.layout().size() * 2 <= size);
    }
    return 0;
}
