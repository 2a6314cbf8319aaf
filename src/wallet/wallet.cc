#include "wallet/wallet.h"

#include <algorithm>

#include "base/codec.h"
#include "crypto/hash.h"

namespace cairn::wallet {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMaxFile = 4096;

/// Bytes that are wiped when the scope ends.
struct Secret {
    Bytes bytes;
    Secret(Bytes b) : bytes(std::move(b)) {}
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { crypto::wipe(bytes); }
};

Error too_many_keys() {
    return {ErrorCode::kFull, "the wallet has handed out all of its " +
                                  std::to_string(kMaxWalletKeys) + " addresses; make a new one"};
}

}  // namespace

crypto::SecretKey derive_key(const Seed& seed, std::uint32_t index) {
    for (std::uint32_t attempt = 0;; ++attempt) {  // a second one has a chance of 2^-128
        Writer writer;
        writer.fixed(seed.bytes);
        writer.u32(index);
        writer.u32(attempt);
        const Secret input(std::move(writer).take());
        Hash256 scalar = crypto::tagged_hash("cairn/wallet-key", input.bytes);
        const auto key = crypto::SecretKey::from_bytes(scalar.view());
        crypto::wipe(scalar.bytes);
        if (key.ok()) return *key;
    }
}

Wallet::Wallet(Disk& disk, std::string name, std::string_view password, const Seed& seed,
               crypto::KeystoreCost cost)
    : disk_(&disk),
      name_(std::move(name)),
      password_(as_bytes(password).begin(), as_bytes(password).end()),
      seed_(seed),
      cost_(cost) {}

Wallet::Wallet(Wallet&&) noexcept = default;
Wallet& Wallet::operator=(Wallet&&) noexcept = default;
Wallet::~Wallet() { crypto::wipe(password_); }

Result<Wallet> Wallet::create(Disk& disk, std::string name, std::string_view password,
                              Random& random, crypto::KeystoreCost cost) {
    Seed seed;
    random.fill(seed.bytes.bytes);
    return restore(disk, std::move(name), password, seed, random, cost);
}

Result<Wallet> Wallet::restore(Disk& disk, std::string name, std::string_view password,
                               const Seed& seed, Random& random, crypto::KeystoreCost cost) {
    if (disk.exists(name))
        return Error{ErrorCode::kRefused, "there is a wallet at " + name +
                                              " already, and it may hold coins; choose "
                                              "another name, or move it away first"};
    Wallet wallet(disk, std::move(name), password, seed, cost);
    wallet.derive_up_to(1);
    RETURN_IF_ERROR(wallet.save(random));
    return wallet;
}

Result<Wallet> Wallet::open(Disk& disk, std::string name, std::string_view password) {
    auto box = disk.read(name, kMaxFile);
    if (!box.ok()) {
        if (box.error().code != ErrorCode::kNotFound) return box.error();
        return not_found("there is no wallet at " + name + "; make one with cairn wallet create");
    }
    ASSIGN_OR_RETURN(const crypto::KeystoreCost cost, crypto::cost_of(*box));
    auto opened = crypto::open(*box, password);
    if (!opened.ok()) return opened.error();
    const Secret secret(std::move(*opened));
    Reader reader(secret.bytes);
    if (reader.u32() != kVersion) reader.fail("the wallet is of another version of this program");
    Seed seed;
    seed.bytes = reader.fixed<32>();
    const std::uint32_t count = reader.u32();
    if (count < 1 || count > kMaxWalletKeys) reader.fail("the wallet's file makes no sense");
    RETURN_IF_ERROR(reader.finish());
    Wallet wallet(disk, std::move(name), password, seed, cost);
    wallet.derive_up_to(count);
    return wallet;
}

void Wallet::derive_up_to(std::uint32_t count) {
    while (keys_.size() < count)
        keys_.push_back(
            crypto::public_key(derive_key(seed_, static_cast<std::uint32_t>(keys_.size()))));
}

Status Wallet::save(Random& random) const {
    Writer writer;
    writer.u32(kVersion);
    writer.fixed(seed_.bytes);
    writer.u32(static_cast<std::uint32_t>(keys_.size()));
    const Secret secret(std::move(writer).take());
    ASSIGN_OR_RETURN(const Bytes box,
                     crypto::seal(secret.bytes, as_text(password_), random, cost_));
    return disk_->write_atomic(name_, box);
}

Result<crypto::PublicKey> Wallet::fresh_key(Random& random) {
    if (keys_.size() >= kMaxWalletKeys) return too_many_keys();
    derive_up_to(static_cast<std::uint32_t>(keys_.size()) + 1);
    const Status saved = save(random);
    if (!saved.ok()) {
        keys_.pop_back();
        return saved.error();
    }
    return keys_.back();
}

Status Wallet::find_used(const std::function<bool(const crypto::PublicKey&)>& used,
                         Random& random) {
    const std::size_t known = keys_.size();
    std::uint32_t count = static_cast<std::uint32_t>(known);
    for (std::uint32_t index = count; index < kMaxWalletKeys && index < count + kRestoreGap;
         ++index) {
        derive_up_to(index + 1);
        if (used(keys_[index])) count = index + 1;
    }
    keys_.resize(count);
    return count == known ? ok_status() : save(random);
}

std::optional<crypto::SecretKey> Wallet::secret_of(const crypto::PublicKey& key) const {
    const auto it = std::ranges::find(keys_, key);
    if (it == keys_.end()) return std::nullopt;
    return derive_key(seed_, static_cast<std::uint32_t>(it - keys_.begin()));
}

}  // namespace cairn::wallet
