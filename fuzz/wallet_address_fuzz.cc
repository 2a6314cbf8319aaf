// Feeds arbitrary text to the reader of addresses. What it takes must have one spelling.
#include <algorithm>
#include <string>

#include "base/check.h"
#include "wallet/address.h"
#include "wallet/bech32m.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const std::string text(as_text({data, size}));
    std::string lower = text;
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (const auto content = wallet::decode_bech32m(text); content.ok())
        CHECK(wallet::encode_bech32m(*content) == lower);
    if (const auto key = wallet::decode_address(text); key.ok())
        CHECK(wallet::encode_address(*key) == lower);
    return 0;
}
