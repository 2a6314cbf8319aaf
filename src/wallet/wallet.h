// A wallet: one secret from which all its keys follow (account.h), so that one small encrypted
// file holds everything and every payment can have an address of its own. The file keeps the
// secret and how many keys were handed out, nothing else: which of them have coins is the chain's
// to say, and whoever needs coins looks again (find_used), also at the kGap keys that would come
// next. So nothing is lost when a file was not saved, was restored too early, or is an old copy.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "base/random.h"
#include "crypto/keys.h"
#include "crypto/keystore.h"
#include "wallet/wallet_file.h"

namespace cairn::wallet {

/// Looking for used keys ends after so many unused ones in a row, on each chain.
inline constexpr std::uint32_t kGap = 20;
/// In old wallets payments that failed used up keys, on the one chain that there is.
inline constexpr std::uint32_t kOldGap = 200;

class Wallet {
  public:
    /// Whether the chain knows a key; a failure to look is not a no.
    using Used = std::function<Result<bool>(const crypto::PublicKey&)>;
    /// Shows a new wallet's secret to its owner; a failure means that nobody saw it.
    using Announce = std::function<Status(const Wallet&)>;

    /// Makes a wallet and writes it, after it was announced: a wallet whose words nobody saw must
    /// not come to hold coins. That the file can be written is tried before. kRefused if it exists
    /// already: a wallet is never overwritten. `disk` must outlive the wallet. A restore is the
    /// same with a given origin, and find_used() when the chain is at hand.
    static Result<Wallet> create(Disk& disk, std::string name, std::string_view password,
                                 const Origin& origin, Random& random,
                                 const Announce& announce = {}, crypto::KeystoreCost cost = {});
    /// kNotFound, kRefused for a wrong password or a file that others can read, kInvalid for what
    /// is no wallet. Old wallets were written readable: such a file is tightened, see notice().
    static Result<Wallet> open(Disk& disk, std::string name, std::string_view password);

    Wallet(Wallet&&) noexcept;
    Wallet& operator=(Wallet&&) noexcept;
    ~Wallet();

    bool can_spend() const { return account_.can_spend(); }
    /// Of version 1: all its keys are on one chain.
    bool is_old() const { return account_.is_old(); }
    const Origin& origin() const { return origin_; }
    const Account& account() const { return account_; }
    /// One line for the owner about what opening it did; mostly empty.
    const std::string& notice() const { return notice_; }

    /// The first: for mining and contributing, where one name is wanted.
    const crypto::PublicKey& main_key() const { return key(Chain::kReceive, 0); }
    const crypto::PublicKey& key(Chain chain, std::uint32_t index) const;
    std::uint32_t handed_out(Chain chain) const { return handed_out_[slot(chain)]; }
    /// All keys handed out, and `ahead` more of each chain.
    std::vector<crypto::PublicKey> keys(std::uint32_t ahead = 0) const;

    /// How far find_used looks if nothing else is said.
    std::uint32_t gap() const { return is_old() ? kOldGap : kGap; }
    /// Counts keys as handed out up to the last used one, given that no more than `gap` unused
    /// ones lie between; in memory only, see save(). Returns how many came to be so.
    Result<std::uint32_t> find_used(const Used& used, std::uint32_t gap);
    /// Keys of the chain below this index are found by a restore; `used` as the chain stands.
    Result<std::uint32_t> reach_of_restore(Chain chain, const Used& used) const;

    /// One more key to be paid at. It is on disk before it is returned. kFull beyond the limit.
    Result<crypto::PublicKey> fresh_key(Random& random);
    /// Takes the last of them back: nobody came to see it.
    Status take_back(Random& random);
    /// Where change should go: an unused key that a restore would find, without handing it out; of
    /// those, one that `pooled` does not know if there is any. When the payment was taken, say so
    /// with keep().
    Result<std::uint32_t> change_index(
        const Used& used, const std::function<bool(const crypto::PublicKey&)>& pooled) const;
    /// Counts a key as handed out, in the file too.
    Status keep(Chain chain, std::uint32_t index, Random& random);
    Status save(Random& random) const;

    /// nullopt for a key that is not ours (as far as keys were looked at), or when watching.
    std::optional<crypto::SecretKey> secret_of(const crypto::PublicKey& key) const;

  private:
    Wallet(Disk& disk, std::string name, std::string_view password, Origin origin, Account account,
           crypto::KeystoreCost cost);
    std::size_t slot(Chain chain) const { return is_old() ? 0 : static_cast<std::size_t>(chain); }
    const crypto::PublicKey& derived(std::size_t chain, std::uint32_t index) const;
    std::uint32_t most_keys() const { return is_old() ? kMaxOldWalletKeys : kMaxWalletKeys; }
    Result<std::uint32_t> end_of_used(std::size_t chain, std::uint32_t from, const Used& used,
                                      std::uint32_t gap) const;
    Result<Bytes> sealed(Random& random) const;

    Disk* disk_;
    std::string name_;
    Bytes password_;  // sealing again needs it; wiped when the wallet goes
    Origin origin_;
    Account account_;
    crypto::KeystoreCost cost_;
    std::string notice_;
    std::array<std::uint32_t, kChains> handed_out_{};
    mutable std::array<std::vector<crypto::PublicKey>, kChains> derived_;
};

}  // namespace cairn::wallet
