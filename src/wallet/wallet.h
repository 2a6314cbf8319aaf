// A wallet: one secret seed from which all its keys are derived, so that one small encrypted file
// holds everything and every payment can have an address of its own. Key number i is
// tagged_hash("cairn/wallet-key", seed || i || attempt) as a secret scalar; the file keeps the seed
// and how many keys were handed out. Whoever has the seed has the coins.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "base/random.h"
#include "crypto/keys.h"
#include "crypto/keystore.h"

namespace cairn::wallet {

inline constexpr std::uint32_t kMaxWalletKeys = 10'000;
/// Looking for used keys after a restore ends after so many unused ones in a row.
inline constexpr std::uint32_t kRestoreGap = 20;

/// 32 secret bytes, wiped when they go.
struct Seed {
    FixedBytes<32> bytes;
    Seed() = default;
    Seed(const Seed&) = default;
    Seed& operator=(const Seed&) = default;
    ~Seed() { crypto::wipe(bytes.bytes); }
};

class Wallet {
  public:
    /// Makes a new wallet with one key and writes it. kRefused if the file exists already: a
    /// wallet is never overwritten. `disk` must outlive the wallet.
    static Result<Wallet> create(Disk& disk, std::string name, std::string_view password,
                                 Random& random, crypto::KeystoreCost cost = {});
    /// As create, from a seed that was written down. Call find_used() when the chain is at hand.
    static Result<Wallet> restore(Disk& disk, std::string name, std::string_view password,
                                  const Seed& seed, Random& random, crypto::KeystoreCost cost = {});
    /// kNotFound, kRefused for a wrong password, kInvalid for what is no wallet.
    static Result<Wallet> open(Disk& disk, std::string name, std::string_view password);

    Wallet(Wallet&&) noexcept;
    Wallet& operator=(Wallet&&) noexcept;
    ~Wallet();

    /// The keys handed out so far, in order; at least one.
    const std::vector<crypto::PublicKey>& keys() const { return keys_; }
    /// The first: for mining and contributing, where one name is wanted.
    const crypto::PublicKey& main_key() const { return keys_.front(); }
    /// One more key, for the next payment to us or the change of one by us. It is on disk before
    /// it is returned. kFull beyond kMaxWalletKeys.
    Result<crypto::PublicKey> fresh_key(Random& random);
    /// After a restore: hands out keys up to the last that `used` knows, given that no more than
    /// kRestoreGap unused ones lie between.
    Status find_used(const std::function<bool(const crypto::PublicKey&)>& used, Random& random);

    /// nullopt for a key that is not ours.
    std::optional<crypto::SecretKey> secret_of(const crypto::PublicKey& key) const;
    /// To be written down on paper, by whoever owns the wallet.
    const Seed& seed() const { return seed_; }

  private:
    Wallet(Disk& disk, std::string name, std::string_view password, const Seed& seed,
           crypto::KeystoreCost cost);
    void derive_up_to(std::uint32_t count);
    Status save(Random& random) const;

    Disk* disk_;
    std::string name_;
    Bytes password_;  // sealing again needs it; wiped when the wallet goes
    Seed seed_;
    crypto::KeystoreCost cost_;
    std::vector<crypto::PublicKey> keys_;
};

/// The secret scalar of key number `index`.
crypto::SecretKey derive_key(const Seed& seed, std::uint32_t index);

}  // namespace cairn::wallet
