#include "cli/chain/pay_servers.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/progress.h"
#include "cli/chain/amount.h"
#include "cli/chain/wallet_desk.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "wallet/address.h"

namespace cairn::cli {

namespace {

using chain::amount_text;

constexpr std::uint64_t kLookMs = 500;
/// A block may be long in coming, and the opening waits for its turn in one.
constexpr std::uint64_t kMostSpacings = 60;

/// Where nobody said how dear servers may be, 16 tokens are a tenth of a channel at most.
constexpr std::uint64_t kLeastRows = 10 * channel::kTokensAtRisk;

/// What a purse stands on, kept as long as it.
struct PurseHome {
    PosixDisk disk;
    SystemRandom random;
    wallet::Wallet wallet;
    std::unique_ptr<serve::Purse> purse;

    PurseHome(const std::string& directory, wallet::Wallet opened)
        : disk(directory), wallet(std::move(opened)) {}
};

Result<std::uint64_t> amount_or(const std::string& text, const std::string& option,
                                std::uint64_t otherwise) {
    if (text.empty()) return otherwise;
    const auto amount = parse_amount(text);
    if (!amount.ok()) return misused(option + ": " + amount.error().message);
    return *amount;
}

Result<serve::PurseOptions> purse_options(const PayOptions& options, const Hash256& genesis_id) {
    serve::PurseOptions purse;
    purse.genesis_id = genesis_id;
    ASSIGN_OR_RETURN(purse.max_price, amount_or(options.max_price, "--max-price", purse.max_price));
    ASSIGN_OR_RETURN(purse.max_spent, amount_or(options.spend, "--spend", purse.max_spent));
    if (options.max_price.empty()) purse.least_rows = kLeastRows;
    return purse;
}

/// Before a channel to the server is opened.
Status check_price(const PayOptions& options, const serve::Hop& hop) {
    ASSIGN_OR_RETURN(const std::uint64_t most,
                     amount_or(options.max_price, "--max-price", ~std::uint64_t{0}));
    if (hop.price > most)
        return Error{ErrorCode::kRefused,
                     fmt::format("{} asks for {} coins for 1,000 tokens through one layer, which "
                                 "is more than --max-price",
                                 hop.address, amount_text(hop.price))};
    if (!options.max_price.empty()) return ok_status();
    ASSIGN_OR_RETURN(const std::uint64_t capacity, parse_amount(options.open));
    const std::uint64_t price = serve::row_price(hop.price, hop.layers);
    const Status holds = serve::check_holds(capacity, price, kLeastRows);
    if (holds.ok()) return ok_status();
    return Error{
        holds.error().code,
        fmt::format("{} asks for {} coins for each token through {}, and {}", hop.address,
                    amount_text(price), serve::describe(hop.layers), holds.error().message)};
}

/// Payees to which the wallet has a channel with something left.
bool has_channel(const WalletDesk& desk, const crypto::PublicKey& payee) {
    return std::ranges::any_of(desk.records->list().records, [&](const channel::Record& record) {
        return record.role == channel::Role::kPayer && record.genesis_id == desk.genesis_id &&
               record.terms.payee == payee && record.paid < record.terms.capacity &&
               desk.node->height() < channel::last_call(record.terms.expiry, desk.policy);
    });
}

/// Blocks on the youngest of the channels, its own included; 0: one is in no block yet.
Result<std::uint32_t> depth(const WalletDesk& desk, const std::vector<chain::OutPoint>& channels) {
    ASSIGN_OR_RETURN(const auto coins, desk.coins());
    std::uint32_t least = ~std::uint32_t{0};
    for (const chain::OutPoint& outpoint : channels) {
        const auto coin = std::ranges::find(coins, outpoint, &wallet::OwnCoin::outpoint);
        if (coin == coins.end() || coin->pending) return std::uint32_t{0};
        const auto height = static_cast<std::uint32_t>(coin->height);
        least = std::min(least, desk.node->height() - std::min(desk.node->height(), height) + 1);
    }
    return least;
}

Status wait_for_blocks(const WalletRequest& request, WalletDesk& desk,
                       const std::vector<chain::OutPoint>& channels) {
    const SystemClock clock;
    const std::uint32_t wanted = desk.policy.confirmations;
    Progress progress(clock, "waiting for blocks on the channels", wanted);
    const std::uint64_t end_us =
        clock.monotonic_us() + kMostSpacings * desk.network.spacing_ms * 1000;
    while (clock.monotonic_us() < end_us) {
        ASSIGN_OR_RETURN(WalletNode node,
                         WalletNode::of_directory(request.file.directory, desk.genesis_id));
        desk.node = std::move(node);
        ASSIGN_OR_RETURN(const std::uint32_t now, depth(desk, channels));
        progress.update(std::min(now, wanted));
        if (now >= wanted) return ok_status();
        std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
    }
    return Error{ErrorCode::kTimeout,
                 "the channels are opened, but too few blocks came upon them: try again later "
                 "without --open"};
}

}  // namespace

void add_pay_options(const Command& command, PayOptions& options) {
    const Option pay = named_folder(
        command.add_option("--pay", options.wallet.directory,
                           "Pay servers that have a price from the payment channels of the wallet "
                           "in this data directory, 16 tokens ahead at most"));
    command
        .add_option("--max-price", options.max_price,
                    "Use no server that asks for more: in coins for 1,000 tokens through one layer "
                    "(else none of which 16 tokens take more than a tenth of its channel)")
        .needs(pay);
    command.add_option("--spend", options.spend, "Coins that may be spent in all").needs(pay);
    command
        .add_option("--open", options.open,
                    "Put so many coins into a channel to each server that has none, and wait for "
                    "the blocks that it asks for; `cairn wallet channel --help` says how to get "
                    "back what is left")
        .needs(pay);
    const auto password =
        command
            .add_option("--password-file", options.wallet.password_file,
                        "The wallet's password, on the first line of a file that only "
                        "you can read")
            .needs(pay);
    command.add_flag("--no-password", options.wallet.no_password, "The wallet has none")
        .needs(pay)
        .excludes(password);
}

Result<std::shared_ptr<serve::Purse>> open_purse(const PayOptions& options) {
    if (!options.any()) return std::shared_ptr<serve::Purse>();
    const std::string& directory = options.wallet.directory;
    ASSIGN_OR_RETURN(const chain::NetworkDefinition network, read_network(directory));
    ASSIGN_OR_RETURN(const serve::PurseOptions purse,
                     purse_options(options, chain::genesis_id(network)));
    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(options.wallet));
    if (!wallet.can_spend()) return wallet::watches_only();
    (void)wallet.keys(wallet::kGap);  // so that secret_of knows them
    auto home = std::make_shared<PurseHome>(directory, std::move(wallet));
    home->purse = std::make_unique<serve::Purse>(
        home->disk, home->random, purse,
        [home = home.get()](const crypto::PublicKey& key) { return home->wallet.secret_of(key); });
    return std::shared_ptr<serve::Purse>(home, home->purse.get());
}

Result<std::vector<serve::Hop>> channels_to_open(
    const PayOptions& options, const std::vector<serve::Hop>& hops,
    const std::function<bool(const serve::Hop&)>& needs_none) {
    std::vector<serve::Hop> missing;
    for (const serve::Hop& hop : hops) {
        if (hop.price == 0 || needs_none(hop)) continue;
        RETURN_IF_ERROR(check_price(options, hop));
        missing.push_back(hop);
    }
    return missing;
}

Status open_missing_channels(const PayOptions& options, const std::vector<serve::Hop>& hops) {
    if (options.open.empty()) return ok_status();
    WalletRequest request;
    request.file = options.wallet;
    request.amount = options.open;
    ASSIGN_OR_RETURN(WalletDesk desk, WalletDesk::open(request, WalletDesk::NodeIs::kNeeded));
    ASSIGN_OR_RETURN(const std::vector<serve::Hop> missing,
                     channels_to_open(options, hops, [&desk](const serve::Hop& hop) {
                         return hop.genesis_id != desk.genesis_id || has_channel(desk, hop.key);
                     }));
    std::vector<chain::OutPoint> opened;
    for (const serve::Hop& hop : missing) {
        request.to = wallet::encode_address(hop.key);
        request.note = serve::describe(hop.layers) + " at " + hop.address;
        ASSIGN_OR_RETURN(const OpenedChannel channel, open_channel(request, desk));
        say(fmt::format("put {} coins aside for {} ({}), with a fee of {}", options.open,
                        hop.address, serve::describe(hop.layers), amount_text(channel.fee)));
        opened.push_back(channel.record.terms.outpoint);
    }
    return opened.empty() ? ok_status() : wait_for_blocks(request, desk, opened);
}

std::string price_sentence(const std::vector<serve::Hop>& hops) {
    std::uint64_t all = 0;
    std::string parts;
    for (const serve::Hop& hop : hops) {
        const std::uint64_t price = serve::row_price(hop.price, hop.layers);
        if (price == 0) continue;
        all += price;
        parts += fmt::format("{}{} for {} at {}", parts.empty() ? "" : ", ", amount_text(price),
                             serve::describe(hop.layers), hop.address);
    }
    return parts.empty() ? "" : fmt::format("{} coins a token: {}", amount_text(all), parts);
}

}  // namespace cairn::cli
