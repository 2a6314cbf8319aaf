// Fuzzes BPE training: any text gives a tokenizer that reads its own file and round-trips the text.
#include <cstddef>
#include <cstdint>

#include "text/bpe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const std::string_view text = as_text({data, size});
    const auto trained = text::train_bpe(std::span(&text, 1), 300);
    CHECK(trained.ok());
    const auto parsed = text::BpeTokenizer::parse((*trained)->serialise());
    CHECK(parsed.ok() && (*parsed)->merges() == (*trained)->merges());
    CHECK((*parsed)->decode((*parsed)->encode(text)) == text);
    return 0;
}
