#include "cli/chain/wallet_command.h"

#include <memory>
#include <ostream>

#include "cli/chain/data_directory.h"
#include "cli/chain/wallet_desk.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "wallet/wallet.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxHistory = 1'000'000;

using Request = std::shared_ptr<WalletRequest>;
using Run = Status (*)(const WalletRequest&, std::ostream&);

/// Adds subcommands that share one request.
struct Group {
    const Command& app;
    Invocation& invocation;
    Request request;

    Command add(const std::string& name, const std::string& what, const std::string& example,
                Run run) const {
        const Command command = add_command(app, invocation, name, what, example);
        named_folder(
            command.add_option("--dir", request->file.directory, "The node's data directory"))
            .capture_default_str();
        const auto file =
            command.add_option("--password-file", request->file.password_file,
                               "The password, on the first line of a file that only you can read "
                               "(else the environment variable CAIRN_WALLET_PASSWORD, else the "
                               "terminal)");
        command.add_flag("--no-password", request->file.no_password, "The wallet has none")
            .excludes(file);
        command.callback([request = request, run, &invocation = invocation] {
            request->json = invocation.json;
            invocation.run = [request, run](std::ostream& out) { return run(*request, out); };
        });
        return command;
    }
};

void add_passphrase(const Command& command, const Request& request) {
    command.add_option("--passphrase-file", request->passphrase_file,
                       "BIP39's passphrase, on the first line of a file: the same words with "
                       "another one are another wallet");
}

void add_making(const Group& group) {
    const Request& request = group.request;
    const Command create =
        group.add("create", "Make a wallet: one encrypted file, and words to write down",
                  "cairn wallet create --dir ~/guild", run_wallet_create);
    create.add_option("--length", request->length, "How many words: 12, 15, 18, 21 or 24")
        .check(one_of({12, 15, 18, 21, 24}))
        .capture_default_str();
    add_passphrase(create, request);
    const Command restore = group.add("restore", "Make a wallet again from its words",
                                      "cairn wallet restore    (asks for the words)\n"
                                      "  cairn wallet restore --words-file words.txt",
                                      run_wallet_restore);
    const Option seed =
        restore.add_option("--seed", request->seed,
                           "Words, or an old wallet's 64 hexadecimal digits. What stands "
                           "on a command line, other programs can see: better a file, "
                           "or standard input");
    const Option words =
        restore.add_option("--words", request->words, "The words, in quotes").excludes(seed);
    restore
        .add_option("--words-file", request->words_file,
                    "A file that only you can read, with the words or the old seed")
        .excludes(seed)
        .excludes(words);
    add_passphrase(restore, request);
    group
        .add("watch", "Make a wallet that sees and cannot spend, from an extended public key",
             "cairn wallet watch --xpub xpub6...", run_wallet_watch)
        .add_option("--xpub", request->xpub, "What `cairn wallet xpub` printed")
        .required();
    group
        .add("rescan", "Look on the chain for keys that were used, further than usual",
             "cairn wallet rescan --gap 1000", run_wallet_rescan)
        .add_option("--gap", request->gap, "Unused keys in a row after which to stop looking")
        .check(range(1u, wallet::kMaxWalletKeys));
}

void add_using(const Group& group) {
    const Request& request = group.request;
    const Command address =
        group.add("address", "Where to be paid", "cairn wallet address --new", run_wallet_address);
    const Option fresh = address.add_flag("--new", request->fresh, "One that was never given out");
    address
        .add_flag("--force", request->force,
                  "With --new: even where a restore would not look by itself")
        .needs(fresh);
    address.add_flag("--all", request->all, "Every one that was given out").excludes(fresh);
    group.add("xpub", "The extended public key: who has it sees all payments and cannot spend",
              "cairn wallet xpub", run_wallet_xpub);
    group.add("balance", "Coins at the tip of the chain on this disk", "cairn wallet balance",
              run_wallet_balance);
    const Command send =
        group.add("send", "Pay, through the running node",
                  "cairn wallet send --to cairn1... --amount 1.5 --fee 0.0001", run_wallet_send);
    send.add_option("--to", request->to, "The address to pay").required();
    send.add_option("--amount", request->amount, "In coins").required();
    send.add_option("--fee", request->fee,
                    "In coins, for the miner; without it, what the next block asks for");
    send.add_flag("--high-fee", request->high_fee, "A fee above a tenth of the amount is meant");
    const Command bump =
        group.add("bump", "Replace a payment that still waits by the same one with a higher fee",
                  "cairn wallet bump 5f3a... --fee 0.0005    (the id that `wallet send` printed)",
                  run_wallet_bump);
    bump.add_option("payment", request->payment, "The payment's id, 64 hexadecimal digits")
        .required();
    bump.add_option("--fee", request->fee,
                    "In coins, in all; without it, the least that replaces the payment and is "
                    "enough for the next block");
    bump.add_flag("--high-fee", request->high_fee, "A fee above a tenth of the amount is meant");
    group
        .add("history", "Payments to and from this wallet", "cairn wallet history --max 10",
             run_wallet_history)
        .add_option("--max", request->max, "Lines, at most")
        .check(range(std::size_t{1}, kMaxHistory))
        .capture_default_str();
}

void add_channels(const Command& wallet, Invocation& invocation, const Request& request) {
    const Command app = wallet.add_subcommand(
        "channel", "Pay somebody in small steps: two payments on the chain, any number between");
    app.require_subcommand();
    const Group group{app, invocation, request};
    const Command open = group.add(
        "open", "Put coins aside for one payee, until a height",
        "cairn wallet channel open --to cairn1... --amount 5 --blocks 20000", run_channel_open);
    open.add_option("--to", request->to, "The payee's address").required();
    open.add_option("--amount", request->amount, "What the channel holds, in coins").required();
    open.add_option("--blocks", request->blocks,
                    "Blocks until it expires and what is left can be taken back (else about a "
                    "day's)")
        .check(range(1u, channel::Policy{}.max_blocks));
    open.add_option("--fee", request->fee,
                    "In coins, for the miner; without it, what the next block asks for");
    open.add_flag("--high-fee", request->high_fee, "A fee above a tenth of the amount is meant");
    group.add("list", "Channels from and to this wallet", "cairn wallet channel list",
              run_channel_list);
    const Command pay =
        group.add("pay", "Sign a voucher for more of a channel, and print it",
                  "cairn wallet channel pay 5f3a 0.25\n"
                  "  cairn wallet channel pay 5f3a 0      (prints the latest once more)",
                  run_channel_pay);
    const Command accept =
        group.add("accept", "Take a voucher for a channel to this wallet, if it is good",
                  "cairn wallet channel accept 59d2...", run_channel_accept);
    accept.add_option("voucher", request->voucher, "What `cairn wallet channel pay` printed")
        .required();
    const Command close =
        group.add("close", "Be paid what the best voucher says, now; the payer gets the rest",
                  "cairn wallet channel close 5f3a", run_channel_close);
    const Command refund =
        group.add("refund", "Take back what is left in a channel that has expired",
                  "cairn wallet channel refund 5f3a", run_channel_refund);
    for (Command command : {pay, close, refund})
        command
            .add_option("channel", request->channel,
                        "The channel's name (`cairn wallet channel list`), or its first digits")
            .check(Check([](const std::string& name) { return wrong_with_channel_name(name); }, ""))
            .required();
    pay.add_option("amount", request->amount, "How much more, in coins").required();
    for (Command command : {close, refund}) {
        command.add_option("--fee", request->fee,
                           "In coins, for the miner; without it, what the next block asks for");
        command.add_flag("--high-fee", request->high_fee,
                         "A fee above a tenth of what is received is meant");
    }
}

}  // namespace

void add_wallet(const Command& app, Invocation& invocation) {
    const Command app_group =
        app.add_subcommand("wallet", "Your keys and coins: be paid, pay, channels");
    app_group.require_subcommand();
    const Group group{app_group, invocation, std::make_shared<WalletRequest>()};
    group.request->file.directory = default_directory();
    add_making(group);
    add_using(group);
    add_channels(app_group, invocation, group.request);
}

}  // namespace cairn::cli
