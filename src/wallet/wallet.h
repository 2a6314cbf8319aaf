// A wallet: one secret from which all its keys follow (account.h), so that one small encrypted file
// holds everything and every payment can have an address of its own. The file keeps the secret and
// how many keys were handed out, nothing else. The chain of blocks tells which keys are in use, and
// every command that needs coins asks it again (find_used), also about the gap() keys after those
// handed out. Therefore nothing is lost if the file was not saved, was restored before the chain
// was here, or is an old copy.
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

/// The search for used keys on a key chain (account.h) ends after this many unused ones in a row.
inline constexpr std::uint32_t kGap = 20;
/// The same for old wallets, in which each failed payment left an unused key on their only chain.
inline constexpr std::uint32_t kOldGap = 200;

class Wallet {
  public:
    /// Whether the chain of blocks knows a key. An error means that this could not be found out.
    using Used = std::function<Result<bool>(const crypto::PublicKey&)>;
    /// Shows a new wallet's secret to its owner; an error means that nobody saw it.
    using Announce = std::function<Status(const Wallet&)>;

    /// Makes a wallet, calls `announce` and then writes the file: a wallet whose words nobody saw
    /// must not come to hold coins. Before `announce`, writing is tried with a file that is removed
    /// again. kRefused if there is a wallet already: it is never overwritten. `disk` must outlive
    /// the wallet. To restore one, give its origin, and call find_used() once the chain is here.
    static Result<Wallet> create(Disk& disk, std::string name, std::string_view password,
                                 const Origin& origin, Random& random,
                                 const Announce& announce = {}, crypto::KeystoreCost cost = {});
    /// kNotFound, kRefused for a wrong password or a file that others can read, kInvalid for what
    /// is no wallet. A file of an old wallet that others can read is not refused: it is written
    /// again for its owner alone, see notice().
    static Result<Wallet> open(Disk& disk, std::string name, std::string_view password);

    Wallet(Wallet&&) noexcept;
    Wallet& operator=(Wallet&&) noexcept;
    ~Wallet();

    bool can_spend() const { return account_.can_spend(); }
    /// Of the old kind (account.h): all its keys are on one chain.
    bool is_old() const { return account_.is_old(); }
    const Origin& origin() const { return origin_; }
    const Account& account() const { return account_; }
    /// One line for the owner about what opening did to the file; usually empty.
    const std::string& notice() const { return notice_; }

    /// The first key: to be paid at, and to mine and contribute with, unless each use gets its own.
    const crypto::PublicKey& main_key() const { return key(Chain::kReceive, 0); }
    const crypto::PublicKey& key(Chain chain, std::uint32_t index) const;
    std::uint32_t handed_out(Chain chain) const { return handed_out_[slot(chain)]; }
    /// All keys handed out, and the next `ahead` of each chain.
    std::vector<crypto::PublicKey> keys(std::uint32_t ahead = 0) const;

    /// The usual `gap` for find_used.
    std::uint32_t gap() const { return is_old() ? kOldGap : kGap; }
    /// Looks beyond the keys handed out, and counts keys up to the last used one as handed out,
    /// too; on each chain the search ends after `gap` unused keys in a row. Changes the wallet in
    /// memory only, see save(). Returns by how many keys the count grew.
    Result<std::uint32_t> find_used(const Used& used, std::uint32_t gap);
    /// A restore finds keys of this chain below this index, given what the chain of blocks says
    /// now.
    Result<std::uint32_t> reach_of_restore(Chain chain, const Used& used) const;

    /// One more key to be paid at. It is on disk before it is returned. kFull beyond the limit.
    Result<crypto::PublicKey> fresh_key(Random& random);
    /// Takes back the last key that fresh_key returned, because it could not be shown to anybody.
    Status take_back(Random& random);
    /// The index of the key where change should go: one that a restore would find, if possible
    /// unused and without a payment in the node's pool (`pooled`). It is not handed out yet: call
    /// keep() once the node has taken the payment.
    Result<std::uint32_t> change_index(
        const Used& used, const std::function<bool(const crypto::PublicKey&)>& pooled) const;
    /// Counts a key as handed out, in the file too.
    Status keep(Chain chain, std::uint32_t index, Random& random);
    Status save(Random& random) const;

    /// nullopt when watching, and for a key that is not among those derived so far: key(), keys()
    /// and the searches derive.
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
