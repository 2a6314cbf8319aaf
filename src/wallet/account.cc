#include "wallet/account.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "wallet/words.h"

namespace cairn::wallet {
namespace {

Status check_account(const ExtendedPublicKey& key) {
    if (key.position.depth != kAccountDepth)
        return invalid("this is a key of depth " + std::to_string(key.position.depth) +
                       " of its tree; an account's has depth " + std::to_string(kAccountDepth) +
                       " (`cairn wallet xpub` prints it)");
    return ok_status();
}

// By BIP32 a child may not exist, with a chance of 2^-127: nobody will ever see that happen.
template <typename T>
T exists(Result<T> child) {
    CHECK(child.ok());
    return std::move(*child);
}

}  // namespace

crypto::SecretKey derive_old_key(const Seed& seed, std::uint32_t index) {
    for (std::uint32_t attempt = 0;; ++attempt) {  // needing a second one has a chance of 2^-128
        Writer writer;
        writer.fixed(seed.bytes);
        writer.u32(index);
        writer.u32(attempt);
        const crypto::SecretBytes input(std::move(writer).take());
        Hash256 scalar = crypto::tagged_hash("cairn/wallet-key", input.view());
        const auto key = crypto::SecretKey::from_bytes(scalar.view());
        crypto::wipe(scalar.bytes);
        if (key.ok()) return *key;
    }
}

Result<Account> Account::from(const Origin& origin) {
    Account account;
    if (const Seed* seed = std::get_if<Seed>(&origin)) {
        account.old_ = *seed;
    } else if (const Words* words = std::get_if<Words>(&origin)) {
        ASSIGN_OR_RETURN(
            const crypto::SecretBytes long_seed,
            seed_of(words_of(words->entropy.view()), as_text(words->passphrase.view())));
        ASSIGN_OR_RETURN(ExtendedSecretKey master, master_key(long_seed.view()));
        ASSIGN_OR_RETURN(
            const ExtendedSecretKey top,
            derive(std::move(master), {kHardened + kPurpose, kHardened + kCoinType, kHardened}));
        account.follow(public_half(top));
        for (std::uint32_t chain = 0; chain < kChains; ++chain)
            account.secrets_.push_back(exists(derive(top, chain)));
    } else {
        const auto& watched = std::get<ExtendedPublicKey>(origin);
        RETURN_IF_ERROR(check_account(watched));
        account.follow(watched);
    }
    return account;
}

void Account::follow(const ExtendedPublicKey& account) {
    public_ = account;
    for (std::uint32_t chain = 0; chain < kChains; ++chain)
        chains_.push_back(exists(derive(account, chain)));
}

crypto::PublicKey Account::public_key(std::size_t chain, std::uint32_t index) const {
    CHECK(chain < chains() && index < kHardened);
    if (old_) return crypto::public_key(derive_old_key(*old_, index));
    return crypto::x_only(exists(derive(chains_[chain], index)).point);
}

std::optional<crypto::SecretKey> Account::secret_key(std::size_t chain, std::uint32_t index) const {
    CHECK(chain < chains() && index < kHardened);
    if (old_) return derive_old_key(*old_, index);
    if (secrets_.empty()) return std::nullopt;
    return exists(derive(secrets_[chain], index)).secret;
}

}  // namespace cairn::wallet
