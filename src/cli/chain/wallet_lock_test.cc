// Proves that commands which change a wallet at the same time take turns: every address is given
// out once, one wallet is made and the others say that there is one.
#include "cli/chain/wallet_lock.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "cli/chain/test_chain_node.h"

namespace cairn::cli {
namespace {

namespace fs = std::filesystem;

class WalletLocks : public ChainFixture {
  protected:
    /// The command in several processes at once, and what each wrote and ended with.
    std::vector<Outcome> at_once(const std::vector<std::string>& arguments, std::size_t count) {
        std::vector<pid_t> children;
        for (std::size_t i = 0; i < count; ++i) {
            const pid_t child = ::fork();
            if (child == 0) {
                const Outcome outcome = run(arguments);
                std::ofstream(place(i)) << outcome.out;
                ::_exit(outcome.code);
            }
            children.push_back(child);
        }
        std::vector<Outcome> outcomes(count);
        for (std::size_t i = 0; i < count; ++i) {
            int status = 0;
            EXPECT_EQ(::waitpid(children[i], &status, 0), children[i]);
            outcomes[i].code = WEXITSTATUS(status);
            outcomes[i].out =
                std::string(as_text(read_file(place(i), std::size_t{1} << 20).value()));
        }
        return outcomes;
    }
    std::string place(std::size_t i) const { return folder_ + "/out" + std::to_string(i); }
};

TEST_F(WalletLocks, OneOfManyMakersMakesTheWallet) {
    std::size_t made = 0;
    std::string address;
    for (const Outcome& outcome : at_once({"wallet", "create", "--json", "--dir", dir_}, 4)) {
        const nlohmann::json json = outcome.json();
        ASSERT_TRUE(json.is_object()) << "one object each: " << outcome.out;
        if (outcome.code != 0) {
            EXPECT_EQ(json["error"]["kind"], "refused");
            continue;
        }
        ++made;
        address = json["address"];
    }
    EXPECT_EQ(made, 1u) << "whoever is shown words has a wallet";
    EXPECT_EQ(ask({"wallet", "address"})["address"], address);
}

// Whoever may read the folder may hold its lock, and no command would ever have its turn.
TEST_F(WalletLocks, TheFolderThatIsMadeIsItsOwnersAlone) {
    const std::string folder = folder_ + "/made";
    ASSERT_EQ(run({"wallet", "create", "--dir", folder, "--no-password"}).code, 0);
    EXPECT_EQ(fs::status(folder).permissions(), fs::perms::owner_all);
}

TEST_F(WalletLocks, EveryAddressIsGivenOutOnce) {
    ask({"wallet", "create"});
    std::set<std::string> addresses;
    const std::vector<std::string> wanted = {"wallet", "address", "--new", "--json", "--dir", dir_};
    for (const Outcome& outcome : at_once(wanted, 4)) {
        EXPECT_EQ(outcome.code, 0) << outcome.out;
        addresses.insert(outcome.json()["address"].get<std::string>());
    }
    EXPECT_EQ(addresses.size(), 4u);
    EXPECT_EQ(ask({"wallet", "address", "--all"})["addresses"].size(), 5u);
}

TEST_F(WalletLocks, PatienceHasAnEnd) {
    fs::create_directories(dir_);
    const auto held = WalletLock::take(dir_ + "/wallet.cairn", 0);
    ASSERT_TRUE(held.ok());
    const auto second = WalletLock::take(dir_ + "/wallet.cairn", 100);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kTimeout);
    EXPECT_TRUE(WalletLock::take(folder_ + "/wallet.cairn", 0).ok()) << "another folder's";
}

TEST_F(WalletLocks, AWalletOutOfReachIsNotMadeAnew) {
    fs::create_directories(dir_);
    fs::create_symlink(folder_ + "/stick/wallet.cairn", dir_ + "/wallet.cairn");
    for (const char* command : {"address", "create"}) {
        const Outcome lost = run({"wallet", command, "--dir", dir_});
        EXPECT_EQ(lost.code, 1);
        EXPECT_NE(lost.errors.find(dir_ + "/wallet.cairn (a link to " + folder_ +
                                   "/stick/wallet.cairn, which is not there)"),
                  std::string::npos)
            << lost.errors;
        EXPECT_EQ(lost.out, "");
    }
    EXPECT_FALSE(fs::exists(folder_ + "/stick"));
    fs::create_symlink(folder_ + "/stick", folder_ + "/link");
    for (const char* command : {"address", "create"})
        EXPECT_NE(run({"wallet", command, "--dir", folder_ + "/link"})
                      .errors.find(folder_ + "/link (a link to " + folder_ +
                                   "/stick, which is not there)"),
                  std::string::npos);
    fs::remove(dir_ + "/wallet.cairn");
    fs::create_directories(dir_ + "/wallet.cairn");
    EXPECT_NE(run({"wallet", "address", "--dir", dir_}).errors.find("is no file"),
              std::string::npos);
    fs::remove(dir_ + "/wallet.cairn");
    std::ofstream(dir_ + "/wallet.cairn") << "not a wallet";
    fs::permissions(dir_ + "/wallet.cairn", fs::perms::owner_read);
    EXPECT_NE(run({"wallet", "address", "--dir", dir_}).errors.find(dir_ + "/wallet.cairn: "),
              std::string::npos);
}

}  // namespace
}  // namespace cairn::cli
