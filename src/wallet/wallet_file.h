// What is inside a wallet's file, once its box (crypto/keystore.h) is open. One value has one
// spelling; anything else is refused.
//
//   version 1   u32 1 | seed[32] | u32 keys handed out
//   version 2   u32 2 | u8 kind | origin | 4 times u32 keys handed out (receive, change, coinbase,
//               contribution)
//               kind 1, words:     bytes entropy (16 to 32) | bytes passphrase (at most 256)
//               kind 2, watching:  bytes xpub, as text
#pragma once

#include <array>

#include "wallet/account.h"

namespace cairn::wallet {

inline constexpr std::size_t kMaxPassphrase = 256;
/// Keys handed out on one key chain, at most: commands derive them all. In old wallets fewer.
inline constexpr std::uint32_t kMaxWalletKeys = 100'000;
inline constexpr std::uint32_t kMaxOldWalletKeys = 10'000;

struct WalletContents {
    Origin origin;
    /// Per chain; the old kind uses the first only.
    std::array<std::uint32_t, kChains> handed_out{};
};

/// Old wallets are written as version 1 again, so that the program they came from opens them, too.
crypto::SecretBytes encode(const WalletContents& contents);
Result<WalletContents> decode_wallet(ByteView bytes);

}  // namespace cairn::wallet
