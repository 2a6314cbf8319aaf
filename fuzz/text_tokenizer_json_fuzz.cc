// Fuzzes tokenizer.json and its companions: whatever they say, reading ends, and a tokenizer that
// comes of it encodes and can be written again.
#include <cstddef>
#include <cstdint>

#include "text/tokenizer.h"
#include "text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    // A zero byte ends the tokenizer and begins its config.
    const std::string_view input = as_text({data, size});
    const std::size_t end = std::min(input.find('\0'), input.size());
    text::TokenizerJson files;
    files.tokenizer = input.substr(0, end);
    if (end < input.size()) files.config = input.substr(end + 1);
    auto parts = text::read_tokenizer_json(files);
    if (!parts.ok()) return 0;
    const auto tokenizer = text::make_tokenizer(*parts);
    if (!tokenizer.ok()) return 0;
    for (const char* text : {"ab <s> \xC3\xA9 12\n", ""})
        for (const auto special : {text::Special::kPlain, text::Special::kAllow})
            for (const std::uint32_t token : (*tokenizer)->encode(text, special))
                CHECK(token < (*tokenizer)->vocab_size());
    const auto written = text::write_tokenizer_json((*tokenizer)->parts());
    if (written.ok()) (void)text::read_tokenizer_json(*written);
    CHECK((*text::parse_tokenizer((*tokenizer)->serialise()))->serialise() ==
          (*tokenizer)->serialise());
    return 0;
}
