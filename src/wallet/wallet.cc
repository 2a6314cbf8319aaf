#include "wallet/wallet.h"

#include <algorithm>

namespace cairn::wallet {
namespace {

constexpr std::size_t kMaxFile = 4096;

Error too_many_keys(std::uint32_t most) {
    return {ErrorCode::kFull, "the wallet has handed out all of its " + std::to_string(most) +
                                  " addresses; make a new one"};
}

Status never_overwrite(const Disk& disk, const std::string& name) {
    if (!disk.exists(name)) return ok_status();
    return refused("there is a wallet at " + name +
                   " already, and it may hold coins; choose another name, or move it away first");
}

// The file's bytes, and, where others than its owner can read it, the error that says so.
struct Found {
    Bytes box;
    std::optional<Error> loose;
};

Result<Found> find(const Disk& disk, const std::string& name) {
    auto box = disk.read_secret(name, kMaxFile);
    if (box.ok()) return Found{std::move(*box), std::nullopt};
    if (box.error().code == ErrorCode::kNotFound)
        return not_found("there is no wallet at " + name + "; make one with cairn wallet create");
    if (box.error().code != ErrorCode::kRefused) return box.error();
    ASSIGN_OR_RETURN(Bytes bytes, disk.read(name, kMaxFile));
    return Found{std::move(bytes), box.error()};
}

// Early versions of this program wrote wallets that others could read: this one is written again
// for its owner alone. Returns the line that tells the owner.
std::string tighten(Disk& disk, const std::string& name, ByteView box) {
    const Status written = disk.write_secret(name, box);
    if (written.ok()) return "others could read " + name + " until now; now only its owner can";
    return "others can read " + name + ", and that could not be changed (" +
           written.error().message + "): chmod 600 it";
}

}  // namespace

Wallet::Wallet(Disk& disk, std::string name, std::string_view password, Origin origin,
               Account account, crypto::KeystoreCost cost)
    : disk_(&disk),
      name_(std::move(name)),
      password_(as_bytes(password).begin(), as_bytes(password).end()),
      origin_(std::move(origin)),
      account_(std::move(account)),
      cost_(cost) {}

Wallet::Wallet(Wallet&&) noexcept = default;
Wallet& Wallet::operator=(Wallet&&) noexcept = default;
Wallet::~Wallet() { crypto::wipe(password_); }

Result<Wallet> Wallet::create(Disk& disk, std::string name, std::string_view password,
                              const Origin& origin, Random& random, const Announce& announce,
                              crypto::KeystoreCost cost) {
    RETURN_IF_ERROR(never_overwrite(disk, name));
    ASSIGN_OR_RETURN(Account account, Account::from(origin));
    Wallet wallet(disk, std::move(name), password, origin, std::move(account), cost);
    wallet.handed_out_[0] = 1;
    ASSIGN_OR_RETURN(const Bytes box, wallet.sealed(random));
    if (announce) {
        const std::string trial = wallet.name_ + ".new";
        RETURN_IF_ERROR(disk.write_secret(trial, box));
        RETURN_IF_ERROR(disk.remove(trial));
        RETURN_IF_ERROR(announce(wallet));
        RETURN_IF_ERROR(never_overwrite(disk, wallet.name_));
    }
    const Status written = disk.write_secret(wallet.name_, box);
    if (written.ok()) return wallet;
    if (!announce) return written.error();
    return Error{written.error().code,
                 written.error().message +
                     "; no wallet was made, and the words that were shown are worth nothing"};
}

Result<Wallet> Wallet::open(Disk& disk, std::string name, std::string_view password) {
    ASSIGN_OR_RETURN(const Found found, find(disk, name));
    ASSIGN_OR_RETURN(const crypto::KeystoreCost cost, crypto::cost_of(found.box));
    auto opened = crypto::open(found.box, password);
    if (!opened.ok()) return opened.error();
    const crypto::SecretBytes secret(std::move(*opened));
    ASSIGN_OR_RETURN(WalletContents contents, decode_wallet(secret.view()));
    ASSIGN_OR_RETURN(Account account, Account::from(contents.origin));
    if (found.loose && !account.is_old()) return *found.loose;
    Wallet wallet(disk, std::move(name), password, std::move(contents.origin), std::move(account),
                  cost);
    wallet.handed_out_ = contents.handed_out;
    if (found.loose) wallet.notice_ = tighten(disk, wallet.name_, found.box);
    return wallet;
}

Result<Bytes> Wallet::sealed(Random& random) const {
    const crypto::SecretBytes secret = encode({origin_, handed_out_});
    return crypto::seal(secret.view(), as_text(password_), random, cost_);
}

Status Wallet::save(Random& random) const {
    ASSIGN_OR_RETURN(const Bytes box, sealed(random));
    return disk_->write_secret(name_, box);
}

const crypto::PublicKey& Wallet::derived(std::size_t chain, std::uint32_t index) const {
    std::vector<crypto::PublicKey>& keys = derived_[chain];
    while (keys.size() <= index)
        keys.push_back(account_.public_key(chain, static_cast<std::uint32_t>(keys.size())));
    return keys[index];
}

const crypto::PublicKey& Wallet::key(Chain chain, std::uint32_t index) const {
    return derived(slot(chain), index);
}

std::vector<crypto::PublicKey> Wallet::keys(std::uint32_t ahead) const {
    std::vector<crypto::PublicKey> all;
    for (std::size_t chain = 0; chain < account_.chains(); ++chain)
        for (std::uint32_t i = 0; i < handed_out_[chain] + ahead; ++i)
            all.push_back(derived(chain, i));
    return all;
}

Result<std::uint32_t> Wallet::end_of_used(std::size_t chain, std::uint32_t from, const Used& used,
                                          std::uint32_t gap) const {
    std::uint32_t end = from;
    for (std::uint32_t i = from; i < most_keys() && i - end < gap; ++i) {
        ASSIGN_OR_RETURN(const bool known, used(derived(chain, i)));
        if (known) end = i + 1;
    }
    return end;
}

Result<std::uint32_t> Wallet::find_used(const Used& used, std::uint32_t gap) {
    std::uint32_t found = 0;
    for (std::size_t chain = 0; chain < account_.chains(); ++chain) {
        const std::uint32_t before = handed_out_[chain];
        ASSIGN_OR_RETURN(handed_out_[chain], end_of_used(chain, before, used, gap));
        found += handed_out_[chain] - before;
    }
    return found;
}

Result<std::uint32_t> Wallet::reach_of_restore(Chain chain, const Used& used) const {
    ASSIGN_OR_RETURN(const std::uint32_t end, end_of_used(slot(chain), 0, used, kGap));
    return std::min(end + kGap, most_keys());
}

Result<crypto::PublicKey> Wallet::fresh_key(Random& random) {
    const std::uint32_t next = handed_out_[0];
    if (next >= most_keys()) return too_many_keys(most_keys());
    RETURN_IF_ERROR(keep(Chain::kReceive, next, random));
    return key(Chain::kReceive, next);
}

Status Wallet::take_back(Random& random) {
    CHECK(handed_out_[0] > 1);
    --handed_out_[0];
    return save(random);
}

Result<std::uint32_t> Wallet::change_index(
    const Used& used, const std::function<bool(const crypto::PublicKey&)>& pooled) const {
    ASSIGN_OR_RETURN(const std::uint32_t reach, reach_of_restore(Chain::kChange, used));
    // The one chain of an old wallet also has the addresses that people were given: prefer a new
    // one.
    const std::uint32_t first = is_old() ? handed_out(Chain::kChange) : 0;
    for (std::uint32_t i = first; i < reach; ++i) {
        if (pooled(key(Chain::kChange, i))) continue;
        ASSIGN_OR_RETURN(const bool known, used(key(Chain::kChange, i)));
        if (!known) return i;
    }
    // None is left within reach. Using one twice is better than one that a restore would not find.
    for (std::uint32_t i = reach; i-- > reach - kGap;)
        if (!pooled(key(Chain::kChange, i))) return i;
    return reach - 1;
}

Status Wallet::keep(Chain chain, std::uint32_t index, Random& random) {
    std::uint32_t& count = handed_out_[slot(chain)];
    if (index < count) return ok_status();
    const std::uint32_t before = count;
    count = index + 1;
    const Status saved = save(random);
    if (!saved.ok()) count = before;
    return saved;
}

std::optional<crypto::SecretKey> Wallet::secret_of(const crypto::PublicKey& key) const {
    for (std::size_t chain = 0; chain < account_.chains(); ++chain) {
        const auto it = std::ranges::find(derived_[chain], key);
        if (it != derived_[chain].end())
            return account_.secret_key(chain,
                                       static_cast<std::uint32_t>(it - derived_[chain].begin()));
    }
    return std::nullopt;
}

}  // namespace cairn::wallet
