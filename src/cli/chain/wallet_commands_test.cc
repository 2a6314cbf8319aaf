// Proves that a wallet's files are safe to make, that a wallet comes back from its words whatever
// failed before, that several payments in a row work, and that a wallet which only watches does no
// more than that.
#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/disk.h"
#include "cli/chain/test_chain_node.h"
#include "cli/chain/wallet_lock.h"
#include "cli/commands.h"

namespace cairn::cli {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kWords =
    "legal winner thank year wave sausage worth useful legal winner thank yellow";

// A file as version 1 of this program wrote it (wallet_test.cc), and its first address.
constexpr const char* kOldFile =
    "636169726e626f78010000000100000008000000a8574c6fae6d9b6f3b4a79a517cec22a630bfdb7a6a634a5f1aa2b"
    "57dad0bad0ee89af30963784ae9692df6c3984ee474be5bb9c1c7f3dd5d1688a50305b0fbb26b1e77dbc8486ddbc92"
    "f7101dd8408aff9a28721f19e1abc83425d116debb2c";
constexpr const char* kOldSeed = "c15c0289ec2d0a9167ec8e65a18debbe5e5532fbeea293f80bc942ee9086c171";
constexpr const char* kOldAddress =
    "cairn1jrfj50gkymk6gm6u0ef0ksdlhxua0a7pc23qlmxkfkj0fjccw4gqjffdc5";

bool says(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

class WalletCommands : public ChainFixture {
  protected:
    static void expect_paid(const Outcome& paid) { EXPECT_EQ(paid.code, 0) << paid.errors; }
    std::string wallet_file(const std::string& dir) const { return dir + "/wallet.cairn"; }
    static unsigned mode_of(const std::string& path) {
        struct stat about {};
        return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 0777 : 0;
    }
    void write(const std::string& path, const std::string& text, mode_t mode) {
        fs::create_directories(fs::path(path).parent_path());
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
    }
    Outcome wallet(std::vector<std::string> arguments, const std::string& dir) {
        arguments.insert(arguments.begin(), "wallet");
        arguments.insert(arguments.end(), {"--dir", dir});
        return run(arguments);
    }
    Outcome wallet(std::vector<std::string> arguments) { return wallet(arguments, dir_); }
    std::uint64_t balance(const std::string& part = "total") {
        return ask({"wallet", "balance"})[part];
    }
    /// The same chain in a folder without a wallet, as if a node had fetched it.
    std::string copy_of_chain(const std::string& name) {
        const std::string to = folder_ + "/" + name;
        fs::copy(dir_, to, fs::copy_options::recursive);
        fs::remove(wallet_file(to));
        return to;
    }
    /// Until so many coins of half a unit can be spent: a round may pay next to nothing.
    void earn(const std::vector<std::string>& more, std::size_t coins) {
        std::vector<std::string> arguments = {
            "node",   "--dir",    dir_,       "--train", folder_ + "/private.txt",
            "--mine", "--wallet", "--listen", "",        "--json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        RunningNode node(arguments);
        ASSERT_TRUE(wait_for([&] {
            if (!runs(dir_)) return false;
            std::uint64_t mature = 0, now = height();
            for (const Json& entry : Json(ask({"wallet", "history"})["history"]))
                mature += entry["height"].get<std::uint64_t>() + 20 < now &&
                          entry["received"].get<std::uint64_t>() > 50'000'000;
            return mature >= coins && balance("spendable") > coins * 50'000'000;
        }));
        EXPECT_EQ(node.stop().code, 0);
    }
};

TEST_F(WalletCommands, WalletsComeBackFromTheirWords) {
    const Json made = ask({"wallet", "create", "--length", "24"});
    const std::string words = made["seed"];
    EXPECT_EQ(std::ranges::count(words, ' '), 23);
    EXPECT_EQ(wallet({"create"}).code, 1) << "never overwritten";
    EXPECT_EQ(wallet({"restore", "--seed", words}).code, 1) << "nor by a restore";
    for (const std::string option : {"--seed", "--words"}) {
        const Json restored = ask_in(folder_ + "/" + option, {"wallet", "restore", option, words});
        EXPECT_EQ(restored["address"], made["address"]);
        EXPECT_TRUE(restored["height"].is_null());
    }
    write(folder_ + "/words.txt", words + "\n", 0600);
    write(folder_ + "/more.txt", "a passphrase\n", 0600);
    const auto from_file = [&](const std::string& dir, std::vector<std::string> more) {
        more.insert(more.begin(), {"wallet", "restore", "--words-file", folder_ + "/words.txt"});
        return ask_in(folder_ + dir, more)["address"];
    };
    EXPECT_EQ(from_file("/f", {}), made["address"]);
    EXPECT_NE(from_file("/g", {"--passphrase-file", folder_ + "/more.txt"}), made["address"]);
    std::string column = words;  // as people write them down
    std::ranges::replace(column, ' ', '\n');
    write(folder_ + "/words.txt", column, 0600);
    EXPECT_EQ(from_file("/i", {}), made["address"]);
    EXPECT_TRUE(says(wallet({"create"}, folder_ + "/j").out, "\n   1 "));
    const Outcome said = wallet({"restore", "--words", words}, folder_ + "/h");
    EXPECT_TRUE(says(said.out, "There is no chain in")) << said.out;
    EXPECT_TRUE(says(said.out, "rescan"));
    std::ofstream(folder_ + "/wrong.txt") << "wrong password\n";
    ::chmod((folder_ + "/wrong.txt").c_str(), 0600);
    const Outcome wrong = wallet({"address", "--password-file", folder_ + "/wrong.txt", "--json"});
    EXPECT_EQ(wrong.code, 1);
    EXPECT_EQ(wrong.json()["error"]["kind"], "refused");
}

TEST_F(WalletCommands, AFailedRestoreSaysWhyAndLeavesNothing) {
    std::string mistyped = kWords;
    mistyped.replace(0, 5, "lehal");
    for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
             {mistyped, "word 1, 'lehal', is none of the 2048 words; the nearest is 'legal'"},
             {"legal winner", "2 words"},
             {"1234", "64 hexadecimal digits"},
             {std::string(63, 'a') + "g", "none of the 2048 words"}}) {
        const Outcome failed = wallet({"restore", "--seed", text});
        EXPECT_EQ(failed.code, 1);
        EXPECT_TRUE(says(failed.errors, why)) << failed.errors;
        EXPECT_FALSE(fs::exists(dir_)) << "not even a folder";
    }
}

TEST_F(WalletCommands, AnOldSeedMakesTheOldKind) {
    EXPECT_EQ(ask({"wallet", "restore", "--seed", kOldSeed})["address"], kOldAddress);
    EXPECT_TRUE(says(wallet({"xpub"}).errors, "older kind"));
    EXPECT_EQ(run({"node", "--dir", dir_, "--wallet", "--fresh-keys"}).code, 1);
}

TEST_F(WalletCommands, NobodyElseReadsTheFile) {
    ask({"wallet", "create"});
    EXPECT_EQ(mode_of(wallet_file(dir_)), 0600u);
    ::chmod(wallet_file(dir_).c_str(), 0640);
    const Outcome loose = wallet({"address"});
    EXPECT_EQ(loose.code, 1);
    EXPECT_TRUE(says(loose.errors, "chmod 600")) << loose.errors;
    ::chmod(wallet_file(dir_).c_str(), 0600);
    EXPECT_EQ(wallet({"address"}).code, 0);
    // What a crash left half-written beside it is nobody's wallet, and in nobody's way.
    write(wallet_file(dir_) + ".tmp", "cairnbo", 0644);
    write(wallet_file(dir_) + ".new", "cairnbo", 0644);
    EXPECT_EQ(wallet({"address", "--new"}).code, 0);
    EXPECT_EQ(ask({"wallet", "address", "--all"})["addresses"].size(), 2u);
    EXPECT_EQ(mode_of(wallet_file(dir_)), 0600u);
}

/// What a command says on a terminal where somebody types `lines`, and how it ends.
Outcome on_terminal(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& lines) {
    int terminal = -1;
    const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child == 0) {
        ::unsetenv("CAIRN_WALLET_PASSWORD");
        const Outcome outcome = run(arguments);
        (void)!::write(STDERR_FILENO, outcome.errors.data(), outcome.errors.size());
        ::_exit(outcome.code);
    }
    Outcome outcome;
    std::size_t typed = 0;
    char part[512];
    for (ssize_t got; (got = ::read(terminal, part, sizeof part)) > 0;) {
        outcome.errors.append(part, static_cast<std::size_t>(got));
        const auto asked = static_cast<std::size_t>(std::ranges::count(outcome.errors, ':'));
        for (; typed < asked && typed < lines.size(); ++typed) {
            // What is typed before the terminal hides it is thrown away.
            EXPECT_TRUE(wait_for([&] {
                termios state{};
                return ::tcgetattr(terminal, &state) == 0 && (state.c_lflag & ECHO) == 0;
            }));
            const std::string line = lines[typed] + "\n";
            EXPECT_GT(::write(terminal, line.data(), line.size()), 0);
        }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(terminal);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return outcome;
}

TEST_F(WalletCommands, ATerminalHearsANewPasswordTwice) {
    const auto create = [&](const std::vector<std::string>& lines, const std::string& dir) {
        return on_terminal({"wallet", "create", "--dir", folder_ + dir}, lines);
    };
    const Outcome other = create({"one", "two"}, "/other");
    EXPECT_EQ(other.code, 1);
    EXPECT_TRUE(says(other.errors, "passwords differ")) << other.errors;
    EXPECT_FALSE(says(other.errors, "one")) << "what is typed is not shown";
    EXPECT_FALSE(fs::exists(folder_ + "/other"));
    const Outcome empty = create({"", ""}, "/empty");
    EXPECT_EQ(empty.code, 0) << "twice said is meant";
    EXPECT_TRUE(says(empty.errors, "without a password")) << empty.errors;
    EXPECT_EQ(wallet({"address", "--no-password"}, folder_ + "/empty").code, 0);
    EXPECT_EQ(create({"same", "same"}, "/same").code, 0);
}

TEST_F(WalletCommands, AnOldFileOpensAndIsTightened) {
    const Bytes file = *from_hex(kOldFile);
    write(wallet_file(dir_), std::string(as_text(file)), 0644);
    testing::internal::CaptureStderr();
    const Outcome first = wallet({"address"});
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(first.out, std::string(kOldAddress) + "\n");
    EXPECT_TRUE(says(said, "others could read")) << said;
    EXPECT_EQ(std::ranges::count(said, '\n'), 1);
    EXPECT_EQ(mode_of(wallet_file(dir_)), 0600u);
    testing::internal::CaptureStderr();
    EXPECT_EQ(wallet({"address"}).code, 0);
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(WalletCommands, SecretsInFilesMustBePrivateOrFromAPipe) {
    write(folder_ + "/password.txt", "secret\n", 0644);
    const std::vector<std::string> create = {"create", "--password-file",
                                             folder_ + "/password.txt"};
    const Outcome loose = wallet(create);
    EXPECT_EQ(loose.code, 1);
    EXPECT_TRUE(says(loose.errors, "chmod 600")) << loose.errors;
    ::chmod((folder_ + "/password.txt").c_str(), 0600);
    EXPECT_EQ(wallet(create).code, 0);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], "secret\n", 7), 7);
    EXPECT_EQ(wallet({"address", "--password-file", "/dev/fd/" + std::to_string(ends[0])}).code, 0);
    ::close(ends[0]);
    ::close(ends[1]);
    write(folder_ + "/words.txt", kWords, 0644);
    EXPECT_EQ(wallet({"restore", "--words-file", folder_ + "/words.txt"}, folder_ + "/w").code, 1);
}

TEST_F(WalletCommands, AnEmptyPasswordMustBeMeant) {
    ::setenv("CAIRN_WALLET_PASSWORD", "", 1);
    write(folder_ + "/empty.txt", "\n", 0600);
    for (const std::vector<std::string>& create :
         {std::vector<std::string>{"create"},
          std::vector<std::string>{"create", "--password-file", folder_ + "/empty.txt"},
          std::vector<std::string>{"restore", "--words", kWords}}) {
        const Outcome refused = wallet(create);
        EXPECT_EQ(refused.code, 1);
        EXPECT_TRUE(says(refused.errors, "the password is empty")) << refused.errors;
        EXPECT_FALSE(fs::exists(wallet_file(dir_)));
    }
    EXPECT_EQ(wallet({"create", "--no-password"}).code, 0);
    EXPECT_EQ(wallet({"address"}).code, 0) << "the empty variable opens it";
    ::setenv("CAIRN_WALLET_PASSWORD", "x", 1);
    EXPECT_EQ(wallet({"address"}).code, 1);
    EXPECT_EQ(wallet({"address", "--no-password"}).code, 0);
}

TEST_F(WalletCommands, AddressesEndWhereARestoreWould) {
    ask({"wallet", "create"});
    std::set<std::string> given;
    Outcome last;
    for (int i = 0; i < 40 && last.code == 0; ++i) {
        last = wallet({"address", "--new"});
        if (last.code == 0) given.insert(last.out);
    }
    EXPECT_EQ(given.size(), 19u) << "with the main one 20";
    EXPECT_TRUE(says(last.errors, "rescan --gap")) << last.errors;
    EXPECT_TRUE(says(last.errors, "--force"));
    EXPECT_EQ(ask({"wallet", "address", "--all"})["addresses"].size(), 20u);
    const Outcome forced = wallet({"address", "--new", "--force"});
    EXPECT_EQ(forced.code, 0);
    EXPECT_FALSE(given.contains(forced.out));
}

TEST_F(WalletCommands, WhatNobodySawIsNotUsedUp) {
    const auto into_full_disk = [&](std::vector<const char*> command) {
        command.insert(command.begin(), {"cairn", "wallet"});
        command.insert(command.end(), {"--dir", dir_.c_str(), "--json"});
        std::ofstream full("/dev/full");
        std::ostringstream errors;
        return run_command_line(static_cast<int>(command.size()), command.data(), full, errors);
    };
    EXPECT_EQ(into_full_disk({"create"}), 1);
    EXPECT_FALSE(fs::exists(wallet_file(dir_))) << "nobody saw its words";
    ask({"wallet", "create"});
    const auto count = [&] { return ask({"wallet", "address", "--all"})["addresses"].size(); };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(into_full_disk({"address", "--new"}), 1);
    EXPECT_EQ(count(), 1u);
    ask({"wallet", "address", "--new"});
    EXPECT_EQ(count(), 2u);
}

TEST_F(WalletCommands, AmountsAreRefusedBeforeAnythingElse) {
    // No wallet, no node, no network: what is wrong with the payment is said first.
    for (const auto& [amount, why] : std::vector<std::pair<std::string, std::string>>{
             {"0", "an amount of 0"},
             {"-1", "negative"},
             {"nan", "no number of coins"},
             {"1.123456789", "9 digits"},
             {"99999999999999", "no payment can hold"}}) {
        const Outcome refused = wallet({"send", "--to", kOldAddress, "--amount=" + amount});
        EXPECT_EQ(refused.code, 2);
        EXPECT_TRUE(says(refused.errors, why)) << refused.errors;
    }
    EXPECT_TRUE(says(wallet({"send", "--to", kOldAddress, "--amount", "1", "--fee", "2"}).errors,
                     "--high-fee"));
    std::string other = kOldAddress;
    other.back() = '6';
    EXPECT_TRUE(says(wallet({"send", "--to", other, "--amount", "1"}).errors, "--to:"));
    EXPECT_TRUE(says(
        wallet({"send", "--to", std::string(kOldAddress).substr(0, 12), "--amount", "1"}).errors,
        "--to:"));
}

TEST_F(WalletCommands, FailedSendsLoseNothing) {
    ASSERT_EQ(create_network().code, 0);
    const std::string words = ask({"wallet", "create"})["seed"];
    const std::string friend_ = ask_in(folder_ + "/friend", {"wallet", "create"})["address"];
    earn({}, 3);
    const auto pay = [&](const std::string& amount) {
        return wallet({"send", "--to", friend_, "--amount", amount});
    };
    // With the fee of a payment of one coin to two outputs where the pool is empty.
    constexpr std::uint64_t kPaid = 10'000'000 + 191;
    {
        // Nobody mines: payments stay in the pool.
        RunningNode node({"node", "--dir", dir_, "--listen", "", "--json"});
        ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
        const std::uint64_t total = balance();
        expect_paid(pay("0.1"));
        // A second one in a row, with other coins, after which the wallet's file cannot be written.
        fs::create_directory(wallet_file(dir_) + ".tmp");
        testing::internal::CaptureStderr();
        expect_paid(pay("0.1"));
        EXPECT_TRUE(says(testing::internal::GetCapturedStderr(), "Nothing is lost"));
        fs::remove(wallet_file(dir_) + ".tmp");
        EXPECT_EQ(balance(), total - 2 * kPaid);
        // Two at the same time would choose the same coins, and both say that they paid.
        auto other = std::make_optional(WalletLock::take(wallet_file(dir_)));
        Outcome waited;
        std::thread second([&] { waited = pay("0.1"); });
        ::usleep(1'500'000);
        EXPECT_EQ(balance(), total - 2 * kPaid) << "it waits";
        other.reset();
        second.join();
        expect_paid(waited);
        EXPECT_EQ(balance(), total - 3 * kPaid);
        EXPECT_GT(balance("pending"), 0u) << "the change";
        const Outcome too_early =
            pay(std::to_string((balance("spendable") + balance("pending")) / 100'000'000));
        EXPECT_EQ(too_early.code, 1);
        EXPECT_TRUE(says(too_early.errors, "wait for the next block")) << too_early.errors;
        for (int i = 0; i < 25; ++i) EXPECT_EQ(pay("99999").code, 1);
        EXPECT_TRUE(says(pay("99999").errors, "not enough coins"));
        node.stop();
        // The chain alone knows nothing of them; the next node does.
        EXPECT_EQ(balance(), total);
        RunningNode next({"node", "--dir", dir_, "--listen", "", "--json"});
        ASSERT_TRUE(wait_for([&] { return runs(dir_) && balance() == total - 3 * kPaid; }));
        EXPECT_GT(balance("pending"), 0u) << "the change";
    }
    {
        RunningNode node({"node", "--dir", dir_, "--mine", "--wallet", "--listen", "", "--json"});
        // The three payments that waited come first.
        ASSERT_TRUE(wait_for([&] {
            return runs(dir_) && balance("pending") == 0 && balance("spendable") > 20'000'000;
        }));
        const std::string id =
            ask({"wallet", "send", "--to", friend_, "--amount", "0.1"})["payment"];
        ASSERT_TRUE(wait_for([&] { return run({"explain", id, "--dir", dir_}).code == 0; }));
        node.stop();
    }
    const std::uint64_t total = balance();
    // Restored with the chain at hand, and before it is there.
    const std::string after = copy_of_chain("after"), before = folder_ + "/before";
    EXPECT_GT(ask_in(after, {"wallet", "restore", "--words", words})["found"], 0);
    EXPECT_EQ(ask_in(after, {"wallet", "balance"})["total"], total);
    ask_in(before, {"wallet", "restore", "--words", words});
    fs::rename(wallet_file(before), folder_ + "/early.cairn");
    fs::copy(dir_, before, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    fs::rename(folder_ + "/early.cairn", wallet_file(before));
    EXPECT_EQ(ask_in(before, {"wallet", "balance"})["total"], total) << "it looks by itself";
    EXPECT_GT(ask_in(before, {"wallet", "rescan"})["found"], 0);
    EXPECT_EQ(ask_in(before, {"wallet", "rescan"})["found"], 0);
    EXPECT_EQ(ask_in(before, {"wallet", "rescan", "--gap", "300"})["gap"], 300);
    EXPECT_EQ(ask_in(folder_ + "/friend", {"wallet", "address", "--all"})["addresses"].size(), 1u);
}

TEST_F(WalletCommands, AnOldWalletEarnsPaysAndComesBack) {
    ASSERT_EQ(create_network().code, 0);
    write(wallet_file(dir_), std::string(as_text(*from_hex(kOldFile))), 0600);
    earn({}, 2);
    RunningNode node({"node", "--dir", dir_, "--mine", "--wallet", "--listen", "", "--json"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
    const Json own = ask({"wallet", "address", "--new"});
    const std::string id =
        ask({"wallet", "send", "--to", own["address"], "--amount", "0.3"})["payment"];
    ASSERT_TRUE(wait_for([&] { return run({"explain", id, "--dir", dir_}).code == 0; }));
    const std::string told = wallet({"send", "--to", own["address"], "--amount", "0.1"}).out;
    EXPECT_TRUE(says(told, " --dir " + dir_ + "\n")) << told << "is of this folder, too";
    EXPECT_EQ(node.stop().code, 0);
    const std::string again = copy_of_chain("again");
    const Json restored = ask_in(again, {"wallet", "restore", "--seed", kOldSeed});
    EXPECT_EQ(restored["address"], kOldAddress);
    EXPECT_EQ(ask_in(again, {"wallet", "balance"})["total"], balance());
    EXPECT_EQ(ask({"wallet", "address"})["address"], kOldAddress);
    EXPECT_EQ(run({"node", "--dir", dir_, "--wallet", "--fresh-keys"}).code, 1);
}

TEST_F(WalletCommands, FreshKeysAreFoundAgainAndWatched) {
    ASSERT_EQ(create_network().code, 0);
    const std::string words = ask({"wallet", "create"})["seed"];
    const std::string xpub = ask({"wallet", "xpub"})["xpub"];
    earn({"--fresh-keys"}, 3);
    std::size_t coinbases = 0, contributions = 0;
    const Json listed = ask({"wallet", "address", "--all"});
    for (const Json& address : listed["addresses"]) {
        coinbases += address["chain"] == "coinbase" && address["used"];
        contributions += address["chain"] == "contribution" && address["used"];
        EXPECT_FALSE(address["chain"] == "receive" && address["used"]) << "nothing by one name";
    }
    EXPECT_GE(coinbases + contributions, 3u);
    const std::uint64_t total = balance();
    const std::string again = copy_of_chain("again"), watching = copy_of_chain("watching");
    ask_in(again, {"wallet", "restore", "--words", words});
    EXPECT_EQ(ask_in(again, {"wallet", "balance"})["total"], total);

    const Outcome made = wallet({"watch", "--xpub", xpub}, watching);
    EXPECT_EQ(made.code, 0) << made.errors;
    EXPECT_TRUE(says(made.out, "cannot spend")) << made.out;
    const Json seen = ask_in(watching, {"wallet", "balance"});
    EXPECT_EQ(seen["total"], total);
    EXPECT_EQ(seen["watch_only"], true);
    EXPECT_EQ(ask_in(watching, {"wallet", "history"}), ask({"wallet", "history"}));
    EXPECT_TRUE(says(wallet({"balance"}, watching).out, "only watches"));
    EXPECT_EQ(run({"node", "--dir", watching, "--wallet"}).code, 1);
    RunningNode node({"node", "--dir", watching, "--listen", "", "--json"});
    ASSERT_TRUE(wait_for([&] { return runs(watching); }));
    const Outcome refused = wallet({"send", "--to", kOldAddress, "--amount", "0.1"}, watching);
    EXPECT_EQ(refused.code, 1);
    EXPECT_TRUE(says(refused.errors, "only watches")) << refused.errors;
}

// The node does not mine, so that payments wait for as long as the test wants.
TEST_F(WalletCommands, AWaitingPaymentIsReplacedByOneWithAHigherFee) {
    ASSERT_EQ(create_network().code, 0);
    ask({"wallet", "create"});
    earn({}, 3);
    const std::string friend_ = ask_in(folder_ + "/friend", {"wallet", "create"})["address"];
    RunningNode node({"node", "--dir", dir_, "--listen", "", "--json"});
    ASSERT_TRUE(wait_for([&] { return runs(dir_); }));
    const Json sent =
        ask({"wallet", "send", "--to", friend_, "--amount", "0.1", "--fee", "0.00001"});
    const std::uint64_t pending = balance("pending");
    EXPECT_EQ(wallet({"bump", "12ab"}).code, 2) << "a whole id";
    const std::string id = sent["payment"];
    const Outcome lower = wallet({"bump", id, "--fee", "0.00001"});
    EXPECT_EQ(lower.code, 2);
    EXPECT_TRUE(says(lower.errors, "a higher fee is needed")) << lower.errors;
    const Outcome little = wallet({"bump", id, "--fee", "0.00001001"});
    EXPECT_EQ(little.code, 1) << "the node's own rule";
    EXPECT_TRUE(says(little.errors, "to replace it, a fee of")) << little.errors;

    const Json bumped = ask({"wallet", "bump", id});
    EXPECT_EQ(bumped["replaced"], id);
    EXPECT_EQ(bumped["fee_before"], 1'000);
    EXPECT_GT(bumped["fee"], 1'000);
    EXPECT_EQ(bumped["amount"], 10'000'000) << "the friend gets what he was to get";
    EXPECT_EQ(balance("pending"), pending - (bumped["fee"].get<std::uint64_t>() - 1'000))
        << "the higher fee comes out of the change, and nothing is paid twice";
    EXPECT_EQ(wallet({"bump", id}).code, 1) << "it waits no longer";
    // More than the change holds: another coin is spent as well.
    const Json more = ask({"wallet", "bump", bumped["payment"], "--fee", "1.2", "--high-fee"});
    EXPECT_GT(more["inputs"], bumped["inputs"]);
    EXPECT_EQ(more["fee"], 120'000'000);
    EXPECT_EQ(ask({"chain", "status"})["mempool"]["payments"], 1) << "the others are gone";
    EXPECT_EQ(node.stop().code, 0);
}

TEST_F(WalletCommands, FreshKeysAreRefusedWhereMembersAreKeys) {
    const std::string key = ask({"wallet", "create"})["key"];
    ASSERT_EQ(create_network({"--member", key}).code, 0);
    const Outcome refused =
        run({"node", "--dir", dir_, "--wallet", "--fresh-keys", "--mine", "--listen", ""});
    EXPECT_EQ(refused.code, 1);
    EXPECT_TRUE(says(refused.errors, "private network, whose members are keys")) << refused.errors;
}

}  // namespace
}  // namespace cairn::cli
