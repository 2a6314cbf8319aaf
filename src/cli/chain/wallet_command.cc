#include "cli/chain/wallet_command.h"

#include <algorithm>
#include <map>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "api/explain.h"
#include "base/random.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "wallet/address.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;
using api::amount_text;

constexpr std::size_t kWholeHistory = 10'000'000;

void print_new(const WalletRequest& request, const wallet::Wallet& wallet, bool with_seed,
               std::ostream& out) {
    const std::string address = wallet::encode_address(wallet.main_key());
    const std::string path = request.file.directory + "/" + request.file.name;
    const std::string seed = to_hex(wallet.seed().bytes);
    if (request.json) {
        Json json = {{"file", path},
                     {"address", address},
                     {"key", to_hex(wallet.main_key())},
                     {"keys", wallet.keys().size()}};
        if (with_seed) json["seed"] = seed;
        out << json.dump() << '\n';
        return;
    }
    out << fmt::format("Wallet {}\naddress  {}\n", path, address);
    if (with_seed)
        out << fmt::format(
            "seed     {}\nWrite the seed down and keep it off this machine: whoever has it has the "
            "coins, and without it a lost file is lost money.\n",
            seed);
}

/// A payment as the whole wallet sees it: change from one key to another is nobody's income.
struct Entry {
    store::HistoryEntry first;
    std::uint64_t received = 0;
    std::uint64_t spent = 0;
};

Result<std::vector<Entry>> history_of(const wallet::Wallet& wallet, const store::Store& store) {
    std::map<std::pair<std::uint64_t, std::uint32_t>, Entry> entries;
    for (const crypto::PublicKey& key : wallet.keys()) {
        ASSIGN_OR_RETURN(const auto found, store.history(key, kWholeHistory));
        for (const store::HistoryEntry& line : found) {
            Entry& entry = entries[{line.place.height, line.place.position}];
            entry.first = line;
            entry.received += line.received;
            entry.spent += line.spent;
        }
    }
    std::vector<Entry> newest_first;
    for (auto it = entries.rbegin(); it != entries.rend(); ++it) newest_first.push_back(it->second);
    return newest_first;
}

std::string signed_amount(const Entry& entry) {
    if (entry.received >= entry.spent) return "+" + amount_text(entry.received - entry.spent);
    return "-" + amount_text(entry.spent - entry.received);
}

}  // namespace

Status run_wallet_create(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const wallet::Wallet wallet, create_wallet(request.file, nullptr));
    print_new(request, wallet, true, out);
    return ok_status();
}

Status run_wallet_restore(const WalletRequest& request, std::ostream& out) {
    wallet::Seed seed;
    auto bytes = fixed_from_hex<32>(request.seed);
    if (!bytes.ok()) return invalid("--seed: " + bytes.error().message);
    seed.bytes = *bytes;
    ASSIGN_OR_RETURN(wallet::Wallet wallet, create_wallet(request.file, &seed));
    // Keys handed out before are those that the chain knows.
    if (const auto chain = open_chain(request.file.directory); chain.ok()) {
        SystemRandom random;
        RETURN_IF_ERROR(wallet.find_used(
            [&](const crypto::PublicKey& key) {
                const auto used = chain->store->history(key, 1);
                return used.ok() && !used->empty();
            },
            random));
    }
    print_new(request, wallet, false, out);
    return ok_status();
}

Status run_wallet_address(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(wallet::Wallet wallet, open_wallet(request.file));
    crypto::PublicKey key = wallet.main_key();
    if (request.fresh) {
        SystemRandom random;
        ASSIGN_OR_RETURN(key, wallet.fresh_key(random));
    }
    const std::string address = wallet::encode_address(key);
    if (request.json)
        out << Json{{"address", address}, {"key", to_hex(key)}}.dump() << '\n';
    else
        out << address << '\n';
    return ok_status();
}

Status run_wallet_balance(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const wallet::Wallet wallet, open_wallet(request.file));
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.file.directory));
    ASSIGN_OR_RETURN(const std::vector<Entry> entries, history_of(wallet, *chain.store));
    ASSIGN_OR_RETURN(const auto tip, chain.store->tip());
    const std::uint64_t height = tip ? tip->height : 0;
    std::uint64_t received = 0, spent = 0, maturing = 0;
    for (const Entry& entry : entries) {
        received += entry.received;
        spent += entry.spent;
        // A coin of block h can be spent in block h + maturity: the next one is height + 1.
        if (entry.first.coinbase &&
            entry.first.place.height + chain.network.coinbase_maturity > height + 1)
            maturing += entry.received;
    }
    const std::uint64_t total = received - std::min(received, spent);
    const std::uint64_t spendable = total - std::min(total, maturing);
    if (request.json)
        out << Json{{"spendable", spendable},
                    {"maturing", maturing},
                    {"total", total},
                    {"height", height}}
                   .dump()
            << '\n';
    else
        out << fmt::format("spendable  {:>20}\nmaturing   {:>20}\nat height {}\n",
                           amount_text(spendable), amount_text(maturing), height);
    return ok_status();
}

Status run_wallet_history(const WalletRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const wallet::Wallet wallet, open_wallet(request.file));
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.file.directory));
    ASSIGN_OR_RETURN(std::vector<Entry> entries, history_of(wallet, *chain.store));
    if (entries.size() > request.max) entries.resize(request.max);
    Json list = Json::array();
    for (const Entry& entry : entries) {
        const store::PaymentPlace& place = entry.first.place;
        ASSIGN_OR_RETURN(const store::HeaderRecord record, chain.store->header(place.block));
        ASSIGN_OR_RETURN(const chain::BlockHeader header, chain::decode_header(record.header));
        if (request.json)
            list.push_back({{"payment", to_hex(entry.first.payment)},
                            {"height", place.height},
                            {"time_ms", header.time_ms},
                            {"minted", entry.first.coinbase},
                            {"received", entry.received},
                            {"spent", entry.spent}});
        else
            out << fmt::format("{}  block {:<8} {:>20}  {} {}\n", time_text(header.time_ms),
                               place.height, signed_amount(entry),
                               entry.first.coinbase ? "minted " : "payment",
                               short_hex(entry.first.payment));
    }
    if (request.json) out << Json{{"history", list}}.dump() << '\n';
    if (!request.json && entries.empty()) out << "No payment to or from this wallet yet.\n";
    return ok_status();
}

void add_wallet(CLI::App& app, Invocation& invocation) {
    CLI::App* group = app.add_subcommand("wallet", "Keys and coins");
    group->require_subcommand(1);
    auto request = std::make_shared<WalletRequest>();
    request->file.directory = default_directory();
    const auto add = [&](const std::string& name, const std::string& what,
                         const std::string& example,
                         Status (*run)(const WalletRequest&, std::ostream&)) {
        CLI::App* command = add_command(*group, invocation, name, what, example);
        command->add_option("--dir", request->file.directory, "The node's data directory")
            ->capture_default_str();
        command->add_option("--password-file", request->file.password_file,
                            "The password, on the file's first line (else the environment variable "
                            "CAIRN_WALLET_PASSWORD, else the terminal)");
        command->callback([request, run, &invocation] {
            request->json = invocation.json;
            invocation.run = [request, run](std::ostream& out) { return run(*request, out); };
        });
        return command;
    };
    add("create", "Make a wallet: one encrypted file", "cairn wallet create --dir ~/guild",
        run_wallet_create);
    add("restore", "Make the wallet again from its seed",
        "cairn wallet restore --seed 64-HEX-DIGITS", run_wallet_restore)
        ->add_option("--seed", request->seed, "What `wallet create` told you to write down")
        ->required();
    add("address", "Where to be paid", "cairn wallet address --new", run_wallet_address)
        ->add_flag("--new", request->fresh, "One that was never given out");
    add("balance", "Coins at the tip of the chain on this disk", "cairn wallet balance",
        run_wallet_balance);
    CLI::App* send =
        add("send", "Pay, through the running node",
            "cairn wallet send --to cairn1... --amount 1.5 --fee 0.0001", run_wallet_send);
    send->add_option("--to", request->to, "The address to pay")->required();
    send->add_option("--amount", request->amount, "In coins")->required();
    send->add_option("--fee", request->fee, "In coins, for the miner")->capture_default_str();
    add("history", "Payments to and from this wallet", "cairn wallet history --max 10",
        run_wallet_history)
        ->add_option("--max", request->max, "Lines, at most")
        ->capture_default_str();
}

}  // namespace cairn::cli
