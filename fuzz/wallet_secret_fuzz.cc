// Feeds arbitrary bytes to the readers of what a wallet is made from: a file's contents, words,
// extended keys. What they take must have one spelling.
#include <string>

#include "base/check.h"
#include "wallet/wallet_file.h"
#include "wallet/words.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const std::string text(as_text({data, size}));
    if (const auto contents = wallet::decode_wallet({data, size}); contents.ok())
        CHECK(as_text(wallet::encode(*contents).view()) == text);
    if (const auto entropy = wallet::entropy_of(text); entropy.ok()) {
        const auto again = wallet::entropy_of(wallet::words_of(entropy->view()));
        CHECK(again.ok() && again->bytes == entropy->bytes);
    }
    if (const auto key = wallet::decode_public(text); key.ok())
        CHECK(wallet::encode_public(*key) == text);
    if (const auto key = wallet::decode_secret(text); key.ok())
        CHECK(wallet::encode_secret(*key) == text);
    return 0;
}
