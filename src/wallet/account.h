// Where a wallet's keys come from. Three kinds:
//
//   words     BIP39 words and the BIP32 path m/44'/6517358'/0'/chain/index (6517358 spells "crn";
//             no registry gave it to us)
//   watching  the public half of m/44'/6517358'/0' alone: sees every key, has no secret
//   old       version 1 of this program: tagged hashes of 32 secret bytes, on one chain
//
// A key of the chain is the x coordinate of the BIP32 key; signing settles the sign (BIP340).
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "wallet/extended_key.h"

namespace cairn::wallet {

/// Keys for different uses lie on key chains of their own, so that a gap of unused keys on one
/// hides nothing on another. They have nothing to do with the chain of blocks. The number is part
/// of the path.
enum class Chain : std::uint8_t { kReceive = 0, kChange = 1, kCoinbase = 2, kContribution = 3 };
inline constexpr std::size_t kChains = 4;

inline constexpr std::uint32_t kPurpose = 44;
inline constexpr std::uint32_t kCoinType = 6'517'358;
/// The depth of the account's key in its tree, below purpose and coin type.
inline constexpr std::uint8_t kAccountDepth = 3;

/// The old kind's seed: 32 secret bytes, wiped when the object is destroyed.
struct Seed {
    FixedBytes<32> bytes;
    Seed() = default;
    Seed(const Seed&) = default;
    Seed& operator=(const Seed&) = default;
    ~Seed() { crypto::wipe(bytes.bytes); }
};

struct Words {
    crypto::SecretBytes entropy;     ///< words_of(entropy) are the words
    crypto::SecretBytes passphrase;  ///< BIP39's; usually empty
};

/// Everything that a wallet's keys follow from.
using Origin = std::variant<Seed, Words, ExtendedPublicKey>;

class Account {
  public:
    /// kInvalid for a passphrase that is not UTF-8, or a public key that is not an account's.
    static Result<Account> from(const Origin& origin);

    bool is_old() const { return old_.has_value(); }
    bool can_spend() const { return old_ || !secrets_.empty(); }
    /// kChains, or 1 for the old kind, which keeps everything on chain 0.
    std::size_t chains() const { return is_old() ? 1 : kChains; }
    /// CHECKs that the chain exists. Indices are below kHardened.
    crypto::PublicKey public_key(std::size_t chain, std::uint32_t index) const;
    /// nullopt when it can only watch.
    std::optional<crypto::SecretKey> secret_key(std::size_t chain, std::uint32_t index) const;
    /// What `wallet watch` wants; nullopt for the old kind.
    const std::optional<ExtendedPublicKey>& extended_public() const { return public_; }

  private:
    Account() = default;
    void follow(const ExtendedPublicKey& account);

    std::optional<Seed> old_;
    std::optional<ExtendedPublicKey> public_;
    std::vector<ExtendedPublicKey> chains_;
    std::vector<ExtendedSecretKey> secrets_;  ///< of the chains; empty when watching
};

/// The old kind's secret scalar number `index`: tagged_hash("cairn/wallet-key", seed || index ||
/// attempt).
crypto::SecretKey derive_old_key(const Seed& seed, std::uint32_t index);

}  // namespace cairn::wallet
