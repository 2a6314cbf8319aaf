#include "node/own_keys.h"

#include "base/log.h"
#include "node/chain_state.h"
#include "wallet/wallet.h"

namespace cairn::node {
namespace {

bool was_paid(const store::Store& store, const crypto::PublicKey& key) {
    const auto history = store.history(key, 1);
    if (!history.ok()) log_warn("cannot look a key up: {}", history.error().message);
    return history.ok() && !history->empty();
}

}  // namespace

OwnKeys::OwnKeys(const crypto::SecretKey& key, std::optional<FreshKeys> fresh)
    : key_(key), fresh_(std::move(fresh)) {
    if (!fresh_) return;
    coinbase_end_ = fresh_->coinbase_used;
    contribution_end_ = fresh_->contribution_used;
}

void OwnKeys::look(std::uint32_t& end, const Knows& paid) {
    while (end > 0 && !paid(end - 1)) --end;  // a reorganisation may have taken payments back
    for (std::uint32_t i = end; i - end < wallet::kGap && i < wallet::kMaxWalletKeys; ++i)
        if (paid(i)) end = i + 1;
}

crypto::PublicKey OwnKeys::coinbase(const ChainState& state) {
    if (!fresh_) return crypto::public_key(key_);
    look(coinbase_end_,
         [&](std::uint32_t i) { return was_paid(state.store(), fresh_->coinbase(i)); });
    return fresh_->coinbase(std::min(coinbase_end_, wallet::kMaxWalletKeys - 1));
}

crypto::SecretKey OwnKeys::contribution(const ChainState& state, std::uint32_t round) {
    if (!fresh_) return key_;
    if (round_ == round) return fresh_->contribution(*tried_);
    const auto key = [this](std::uint32_t i) {
        return crypto::public_key(fresh_->contribution(i));
    };
    look(contribution_end_, [&](std::uint32_t i) { return was_paid(state.store(), key(i)); });
    const std::uint32_t last =
        std::min(contribution_end_ + wallet::kGap, wallet::kMaxWalletKeys) - 1;
    std::uint32_t index = std::min(contribution_end_, last);
    // Of keys that were not paid yet, rather one that no commitment has shown.
    if (tried_ && *tried_ >= index) index = *tried_ < last ? *tried_ + 1 : index;
    for (std::uint32_t i = index; i < last; ++i) {
        const auto shown = state.store().contributions(key(i), 1);
        if (!shown.ok() || !shown->empty()) continue;
        index = i;
        break;
    }
    if (preferred_ && preferred_->first == round)
        for (std::uint32_t i = std::min(contribution_end_, last); i <= last; ++i)
            if (key(i) == preferred_->second) index = i;
    round_ = round;
    tried_ = index;
    return fresh_->contribution(index);
}

std::vector<crypto::PublicKey> OwnKeys::known(const ChainState& state) {
    std::vector<crypto::PublicKey> keys{crypto::public_key(key_)};
    if (!fresh_) return keys;
    (void)coinbase(state);
    look(contribution_end_, [&](std::uint32_t i) {
        return was_paid(state.store(), crypto::public_key(fresh_->contribution(i)));
    });
    for (std::size_t i = coinbase_keys_.size(); i < coinbase_end_; ++i)
        coinbase_keys_.push_back(fresh_->coinbase(static_cast<std::uint32_t>(i)));
    for (std::size_t i = contribution_keys_.size(); i < contribution_end_; ++i)
        contribution_keys_.push_back(
            crypto::public_key(fresh_->contribution(static_cast<std::uint32_t>(i))));
    keys.insert(keys.end(), coinbase_keys_.begin(), coinbase_keys_.end());
    keys.insert(keys.end(), contribution_keys_.begin(), contribution_keys_.end());
    return keys;
}

}  // namespace cairn::node
