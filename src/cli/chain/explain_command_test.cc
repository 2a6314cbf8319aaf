// Proves that `explain` and `chain block` answer whatever they are asked about in one line:
// nothing, wildcards, too many digits, letters of either case, heights that no chain has.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <span>
#include <sstream>

#include "base/files.h"
#include "chain/network.h"
#include "cli/chain/data_directory.h"
#include "cli/test_run.h"
#include "node/network_presets.h"

namespace cairn::cli {
namespace {

/// A directory with a chain of one header.
class ExplainCommand : public testing::Test {
  protected:
    ExplainCommand() : dir_(*make_temporary_folder("cairn-explain")) {
        chain::NetworkDefinition network = *node::network_preset("tiny");
        network.name = "tiny";
        network.genesis_time_ms = 1'700'000'000'000;
        std::ofstream(dir_ + "/network.json") << chain::to_json(network);
        auto store = *store::Store::open(dir_);
        store::HeaderRecord record;
        record.hash = *fixed_from_hex<32>(name_);
        record.height = 1;
        record.header = Bytes(16, 0);
        CHECK(store->add_headers(std::span(&record, 1)).ok());
    }
    ~ExplainCommand() override { (void)remove_tree(dir_); }
    /// Exit status of `explain` and `chain block`, each with one line of complaint at most.
    std::vector<int> ask(const std::string& what) {
        std::vector<int> codes;
        for (std::vector<std::string> command :
             std::vector<std::vector<std::string>>{{"explain"}, {"chain", "block"}}) {
            command.insert(command.end(), {"--dir", dir_, "--", what});
            const Outcome outcome = run(command);
            codes.push_back(outcome.code);
            if (outcome.code == 0) continue;
            EXPECT_EQ(std::ranges::count(outcome.errors, '\n'), 1) << outcome.errors;
            EXPECT_EQ(outcome.errors.find('\x1b'), std::string::npos);
            EXPECT_EQ(outcome.errors.find("should not have happened"), std::string::npos)
                << outcome.errors;
        }
        return codes;
    }

    const std::string name_ = "ab" + std::string(62, 'c');
    std::string dir_;
};

TEST_F(ExplainCommand, WhatNamesNothingIsMisuse) {
    for (const std::string& what :
         {std::string(), std::string("%"), std::string("_"), std::string("%%%%"),
          std::string("____"), std::string("ab"), std::string("zzzz"), std::string(65, 'a'),
          std::string("0x12"), std::string("1 "), std::string("\x1b[2Jabcd"), std::string("'; --"),
          std::string("\xff\xff\xff\xff"), std::string(10'000, 'a')})
        EXPECT_EQ(ask(what), (std::vector{2, 2})) << what;
}

TEST_F(ExplainCommand, WhatIsNotThereIsNotFound) {
    for (const std::string& what :
         {std::string("7"), std::string("9999999999"), std::string("4294967296"),
          std::string("12345678901234"), std::string(64, 'f')})
        EXPECT_EQ(ask(what), (std::vector{1, 1})) << what;
}

TEST_F(ExplainCommand, DigitsOfEitherCaseNameABlock) {
    EXPECT_EQ(ask("abcccc")[0], 0);
    EXPECT_EQ(ask("ABCCCC")[0], 0);
    EXPECT_EQ(ask(name_)[0], 0);
}

TEST_F(ExplainCommand, VerifyEndsWhereTheChainDoes) {
    const Outcome beyond = run({"chain", "verify", "--to", "99", "--dir", dir_});
    EXPECT_EQ(beyond.code, 1);
    EXPECT_NE(beyond.errors.find("ends at height 0"), std::string::npos) << beyond.errors;
    for (const char* wrong : {"", "-1", "x", "18446744073709551616"})
        EXPECT_EQ(run({"chain", "verify", "--to", wrong, "--dir", dir_}).code, 2) << wrong;
}

TEST_F(ExplainCommand, ADamagedStoreIsALine) {
    for (const std::string& content : {std::string(5'000, 'x'), std::string("SQLite format 3")}) {
        std::ofstream(dir_ + "/chain.sqlite", std::ios::trunc) << content;
        EXPECT_EQ(ask("1"), (std::vector{1, 1}));
    }
}

}  // namespace
}  // namespace cairn::cli
