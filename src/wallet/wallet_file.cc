#include "wallet/wallet_file.h"

#include <algorithm>

#include "base/encoding.h"
#include "wallet/base58.h"
#include "wallet/words.h"

namespace cairn::wallet {
namespace {

constexpr std::uint32_t kOldVersion = 1;
constexpr std::uint32_t kVersion = 2;
constexpr std::uint8_t kWordsKind = 1;
constexpr std::uint8_t kWatchingKind = 2;
constexpr std::size_t kMaxEntropy = 32;
constexpr const char* kNoSense = "the wallet's file makes no sense";

void read_old(Reader& reader, WalletContents& contents) {
    Seed seed;
    seed.bytes = reader.fixed<32>();
    contents.origin = seed;
    contents.handed_out[0] = reader.u32();
    if (contents.handed_out[0] > kMaxOldWalletKeys) reader.fail(kNoSense);
}

void read_counts(Reader& reader, WalletContents& contents) {
    for (std::uint32_t& count : contents.handed_out) {
        count = reader.u32();
        if (count > kMaxWalletKeys) reader.fail(kNoSense);
    }
}

Status read_words(Reader& reader, WalletContents& contents) {
    Words words;
    words.entropy = reader.bytes(kMaxEntropy);
    words.passphrase = reader.bytes(kMaxPassphrase);
    const std::size_t size = words.entropy.bytes.size();
    if (size % 4 != 0 || !is_word_count(size / 4 * 3)) reader.fail(kNoSense);
    contents.origin = std::move(words);
    read_counts(reader, contents);
    return reader.finish();
}

Status read_watching(Reader& reader, WalletContents& contents) {
    const std::string text = reader.text(kMaxBase58);
    read_counts(reader, contents);
    RETURN_IF_ERROR(reader.finish());
    ASSIGN_OR_RETURN(const ExtendedPublicKey watched, decode_public(text));
    contents.origin = watched;
    return ok_status();
}

}  // namespace

crypto::SecretBytes encode(const WalletContents& contents) {
    Writer writer;
    if (const Seed* seed = std::get_if<Seed>(&contents.origin)) {
        writer.u32(kOldVersion);
        writer.fixed(seed->bytes);
        writer.u32(contents.handed_out[0]);
        return {std::move(writer).take()};
    }
    writer.u32(kVersion);
    if (const Words* words = std::get_if<Words>(&contents.origin)) {
        writer.u8(kWordsKind);
        writer.bytes(words->entropy.view());
        writer.bytes(words->passphrase.view());
    } else {
        writer.u8(kWatchingKind);
        writer.text(encode_public(std::get<ExtendedPublicKey>(contents.origin)));
    }
    for (const std::uint32_t count : contents.handed_out) writer.u32(count);
    return {std::move(writer).take()};
}

Result<WalletContents> decode_wallet(ByteView bytes) {
    Reader reader(bytes);
    WalletContents contents;
    const std::uint32_t version = reader.u32();
    if (version == kOldVersion) {
        read_old(reader, contents);
        RETURN_IF_ERROR(reader.finish());
    } else if (version == kVersion) {
        const std::uint8_t kind = reader.u8();
        if (kind == kWordsKind) {
            RETURN_IF_ERROR(read_words(reader, contents));
        } else if (kind == kWatchingKind) {
            RETURN_IF_ERROR(read_watching(reader, contents));
        } else {
            return invalid(kNoSense);
        }
    } else {
        return invalid("the wallet is of version " + std::to_string(version) +
                       ", which this program does not know; a newer one may");
    }
    if (contents.handed_out[0] < 1) return invalid(kNoSense);  // every wallet has its main key
    return contents;
}

}  // namespace cairn::wallet
