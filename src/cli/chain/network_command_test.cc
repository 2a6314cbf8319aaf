// Proves that no network is made from texts that are not text or that are the same, or where there
// is one already; and that the error says which.
#include "cli/chain/network_command.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <fstream>

#include "base/files.h"
#include "base/random.h"
#include "chain/target.h"
#include "cli/test_run.h"
#include "node/assets.h"
#include "node/test_network.h"

namespace cairn::cli {
namespace {

class NetworkCommand : public testing::Test {
  protected:
    NetworkCommand() : dir_(*make_temporary_folder("cairn-network")) {
        write("judge.txt", "words of the judge, not many\n");
        write("report.txt", "words of the report, not many\n");
    }
    ~NetworkCommand() override { (void)remove_tree(dir_); }
    void write(const std::string& name, const std::string& text) {
        std::ofstream(dir_ + "/" + name, std::ios::binary) << text;
    }
    Outcome create(const std::string& judge, const std::string& report,
                   const std::string& to = "new") {
        return run({"network", "create", "--dir", dir_ + "/" + to, "--config", "tiny", "--judge",
                    dir_ + "/" + judge, "--report", dir_ + "/" + report});
    }

    std::string dir_;
};

TEST_F(NetworkCommand, OneTextIsNotTwo) {
    write("copy.txt", "words of the judge, not many\n");
    for (const char* report : {"judge.txt", "copy.txt"}) {
        const Outcome outcome = create("judge.txt", report);
        EXPECT_EQ(outcome.code, 2) << report;
        EXPECT_NE(outcome.errors.find("one text"), std::string::npos) << outcome.errors;
    }
}

TEST_F(NetworkCommand, WhatIsNoTextIsNamed) {
    write("empty.txt", "");
    write("blank.txt", "\n \n");
    write("picture.txt", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
    for (const char* wrong : {"empty.txt", "blank.txt", "picture.txt"}) {
        const Outcome judge = create(wrong, "report.txt");
        EXPECT_EQ(judge.code, 1);
        EXPECT_NE(judge.errors.find("--judge"), std::string::npos) << judge.errors;
        EXPECT_NE(judge.errors.find(wrong), std::string::npos);
        const Outcome report = create("judge.txt", wrong);
        EXPECT_NE(report.errors.find("--report"), std::string::npos) << report.errors;
    }
    EXPECT_FALSE(exists(dir_ + "/new/network.json"));
}

TEST_F(NetworkCommand, AnExistingNetworkStays) {
    ASSERT_TRUE(make_folders(dir_ + "/old").ok());
    write("old/network.json", "{}");
    const Outcome outcome = create("judge.txt", "report.txt", "old");
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.errors.find("already"), std::string::npos) << outcome.errors;
    EXPECT_EQ(*read_text_file(dir_ + "/old/network.json"), "{}");
}

TEST_F(NetworkCommand, NothingIsWrittenThroughALinkThatLeadsNowhere) {
    ASSERT_TRUE(make_folders(dir_ + "/new").ok());
    for (const char* name : {"network.json", "wallet.cairn"})
        ASSERT_EQ(::symlink((dir_ + "/elsewhere").c_str(), (dir_ + "/new/" + name).c_str()), 0);
    for (const Outcome& outcome :
         {create("judge.txt", "report.txt"), run({"node", "--dir", dir_ + "/new"}),
          run({"wallet", "create", "--no-password", "--dir", dir_ + "/new"})}) {
        EXPECT_EQ(outcome.code, 1);
        EXPECT_NE(outcome.errors.find(dir_ + "/elsewhere"), std::string::npos) << outcome.errors;
        EXPECT_FALSE(exists(dir_ + "/elsewhere"));
    }
}

TEST_F(NetworkCommand, ABrokenNetworkIsNamedWithThePlace) {
    write("network.json", "{\n  \"name\": \"a\",\n  \"recipe\": {,}\n}\n");
    const std::string place = dir_ + "/network.json: not JSON from line 3, column 14";
    for (const Outcome& outcome :
         {run({"chain", "info", "--dir", dir_}),
          run({"node", "--dir", dir_ + "/n", "--network", dir_ + "/network.json"}),
          run({"network", "create", "--dir", dir_ + "/new", "--config", dir_ + "/network.json",
               "--judge", dir_ + "/judge.txt", "--report", dir_ + "/report.txt"})}) {
        EXPECT_NE(outcome.code, 0);
        EXPECT_NE(outcome.errors.find(place), std::string::npos) << outcome.errors;
        EXPECT_EQ(outcome.errors.find("json.exception"), std::string::npos) << outcome.errors;
    }
}

TEST_F(NetworkCommand, WhereNothingCanBeWrittenNothingIsBegun) {
    const Outcome outcome = create("judge.txt", "report.txt", "judge.txt");
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.errors.find("--dir"), std::string::npos) << outcome.errors;
}

TEST_F(NetworkCommand, SaysHowMuchTrainersReadOfTheJudgeText) {
    write("judge.txt", node::tiny_text(1, 600));
    write("report.txt", node::tiny_text(2, 600));
    const auto made = [&](const std::string& to, std::vector<std::string> more) {
        std::vector<std::string> words{"network",
                                       "create",
                                       "--json",
                                       "--dir",
                                       dir_ + "/" + to,
                                       "--config",
                                       "tiny",
                                       "--judge",
                                       dir_ + "/judge.txt",
                                       "--report",
                                       dir_ + "/report.txt"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    };
    EXPECT_EQ(made("preset", {}).json()["public_share"], 0.25);
    EXPECT_EQ(made("more", {"--public-share", "0.5"}).json()["public_share"], 0.5);
    EXPECT_EQ(node::read_network(dir_ + "/more/network.json")->public_share, 32768U);
    ASSERT_EQ(made("none", {"--public-share", "0"}).code, 0);
    EXPECT_EQ(read_text_file(dir_ + "/none/network.json")->find("public_share"), std::string::npos)
        << "and such a network is the one that it was before there was a share";
    EXPECT_EQ(made("all", {"--public-share", "1"}).code, 2);
}

TEST_F(NetworkCommand, SizesAndRulesAreSetByTheirNames) {
    write("judge.txt", node::tiny_text(1, 600));
    write("report.txt", node::tiny_text(2, 600));
    const auto made = [&](const std::string& to, const std::string& config,
                          std::vector<std::string> more) {
        std::vector<std::string> words{"network",  "create",
                                       "--dir",    dir_ + "/" + to,
                                       "--config", config,
                                       "--judge",  dir_ + "/judge.txt",
                                       "--report", dir_ + "/report.txt"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    };
    ASSERT_EQ(made("small", "tiny", {}).code, 0);
    const auto small = node::read_network(dir_ + "/small/network.json").value();
    const Outcome larger = made("larger", dir_ + "/small/network.json",
                                {"--set", "architecture.dim=64", "--set", "recipe.local_steps=2",
                                 "--set", "architecture.tied_head=false", "--block-seconds", "2"});
    ASSERT_EQ(larger.code, 0) << larger.errors;
    const auto network = node::read_network(dir_ + "/larger/network.json").value();
    EXPECT_EQ(network.architecture.dim, 64U);
    EXPECT_EQ(network.recipe.local_steps, 2U);
    EXPECT_FALSE(network.architecture.tied_head);
    EXPECT_NE(network.norm_start, small.norm_start) << "measured for this model";
    EXPECT_EQ(network.spacing_ms, 4 * small.spacing_ms);
    EXPECT_EQ(network.halflife_ms, 4 * small.halflife_ms);
    const chain::U256 easiest = chain::target_from_compact(small.first_target).value();
    EXPECT_EQ(network.first_target, chain::compact_from_target(easiest.divided_by(chain::U256(4))))
        << "four times the hashes";
    for (const auto& [setting, why] : std::vector<std::pair<std::string, std::string>>{
             {"architecture.dims=64", "did you mean 'architecture.dim'?"},
             {"dim", "--set wants NAME=VALUE"},
             {"architecture.dim=-1", "is not a whole number"},
             {"architecture.dim=2", "architecture.dim"},
             {"architecture.tied_head=1", "is not true or false"},
             {"spacing_ms=5000", "--block-seconds"},
             {"judge_hash=00", "follows from the texts"}}) {
        const Outcome refused = made("no", "tiny", {"--set", setting});
        EXPECT_EQ(refused.code, 2) << setting;
        EXPECT_NE(refused.errors.find(why), std::string::npos) << refused.errors;
    }
    EXPECT_FALSE(exists(dir_ + "/no"));
}

// A member is named by what wallets show, and is told how its node becomes that member.
TEST_F(NetworkCommand, MembersAreNamedByTheirAddresses) {
    write("judge.txt", node::tiny_text(1, 600));
    write("report.txt", node::tiny_text(2, 600));
    const auto wallet =
        run({"wallet", "create", "--no-password", "--json", "--dir", dir_ + "/new"}).json();
    const std::string address = wallet["address"];
    const auto made = [&](const std::string& member) {
        return run({"network", "create", "--dir", dir_ + "/new", "--config", "tiny", "--judge",
                    dir_ + "/judge.txt", "--report", dir_ + "/report.txt", "--member", member});
    };
    for (const std::string& wrong : {address.substr(0, 20), std::string("abc"), std::string("me"),
                                     std::string(64, 'f'), std::string()}) {
        const Outcome refused = made(wrong);
        EXPECT_EQ(refused.code, 2) << wrong;
        EXPECT_NE(refused.errors.find("cairn wallet address"), std::string::npos) << refused.errors;
    }
    const Outcome outcome = made(address);
    ASSERT_EQ(outcome.code, 0) << outcome.errors;
    EXPECT_NE(outcome.out.find("--mine --wallet"), std::string::npos) << outcome.out;
    const auto network = node::read_network(dir_ + "/new/network.json").value();
    ASSERT_EQ(network.members.size(), 1U);
    EXPECT_EQ(to_hex(network.members[0]), wallet["key"]);
    // Without --wallet the node has a key of its own, which is no member's.
    const Outcome stranger = run({"node", "--dir", dir_ + "/new", "--listen", "", "--no-api"});
    EXPECT_EQ(stranger.code, 1);
    EXPECT_NE(stranger.errors.find("--wallet"), std::string::npos) << stranger.errors;
}

// What is printed is what the rules do: nothing judges there, and the text that would is read by
// nobody.
TEST_F(NetworkCommand, OneWinnerABlockIsSaidAsItIs) {
    write("judge.txt", node::tiny_text(1, 600));
    write("report.txt", node::tiny_text(2, 600));
    const auto made = [&](const std::string& to, std::vector<std::string> more) {
        std::vector<std::string> words{"network", "create", "--dir", dir_ + "/" + to};
        words.insert(words.end(), {"--config", "tiny", "--judge", dir_ + "/judge.txt", "--report",
                                   dir_ + "/report.txt"});
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    };
    const Outcome plain = made("plain", {"--one-winner"});
    ASSERT_EQ(plain.code, 0) << plain.errors;
    EXPECT_NE(plain.out.find("no rule judges it"), std::string::npos) << plain.out;
    EXPECT_NE(plain.out.find("tokens, read by no rule; 0 % of"), std::string::npos) << plain.out;
    EXPECT_NE(plain.out.find("4 local steps of sgd, rate 0.5"), std::string::npos) << plain.out;
    const auto network = node::read_network(dir_ + "/plain/network.json").value();
    EXPECT_TRUE(network.one_winner());
    EXPECT_EQ(network.optimiser, chain::Optimiser::kSgd);
    const auto adam =
        made("adam", {"--one-winner", "--optimiser", "adamw", "--rate", "0.01", "--json"}).json();
    EXPECT_EQ(adam["one_winner"], true);
    EXPECT_EQ(adam["optimiser"], "adamw");
    EXPECT_EQ(node::read_network(dir_ + "/adam/network.json")->recipe.learning_rate_ppb,
              10'000'000U);
    const auto usual = made("usual", {"--json"}).json();
    EXPECT_EQ(usual["one_winner"], false);
    EXPECT_EQ(usual["optimiser"], "adamw");
    // Who trains without mining would train for nobody.
    const Outcome idle = run({"node", "--dir", dir_ + "/plain", "--train", dir_ + "/report.txt",
                              "--listen", "", "--no-api"});
    EXPECT_EQ(idle.code, 2) << idle.errors;
    EXPECT_NE(idle.errors.find("--mine"), std::string::npos) << idle.errors;
}

std::string words(std::uint64_t seed) {
    SeededRandom random(seed);
    std::string text;
    while (text.size() < 20'000) {
        for (std::uint64_t i = random.below(7); i-- > 0;)
            text += static_cast<char>('a' + random.below(12));
        text += ' ';
    }
    return text;
}

TEST_F(NetworkCommand, SourcesAreMeasuredEvenlyAndHaveNames) {
    for (int i = 0; i < 4; ++i)
        write("text" + std::to_string(i) + ".txt", words(static_cast<std::uint64_t>(i)));
    write("two words.txt", words(9));
    const auto create_of = [&](const std::vector<std::string>& judges,
                               const std::vector<std::string>& reports, const std::string& to) {
        std::vector<std::string> arguments = {"network",       "create",   "--json", "--dir",
                                              dir_ + "/" + to, "--config", "tiny"};
        for (const std::string& file : judges)
            arguments.insert(arguments.end(), {"--judge", dir_ + "/" + file});
        for (const std::string& file : reports)
            arguments.insert(arguments.end(), {"--report", dir_ + "/" + file});
        return run(arguments);
    };
    EXPECT_EQ(create_of({"text0.txt", "text1.txt"}, {"text2.txt"}, "few").code, 2);
    std::vector<std::string> many;
    for (int i = 0; i < 17; ++i) {
        many.push_back("many" + std::to_string(i) + ".txt");
        write(many.back(), words(static_cast<std::uint64_t>(100 + i)));
        write("r" + many.back(), words(static_cast<std::uint64_t>(200 + i)));
    }
    std::vector<std::string> many_reports;
    for (const std::string& name : many) many_reports.push_back("r" + name);
    const Outcome too_many = create_of(many, many_reports, "many");
    EXPECT_EQ(too_many.code, 2);
    EXPECT_NE(too_many.errors.find("2 to 16"), std::string::npos) << too_many.errors;
    EXPECT_FALSE(exists(dir_ + "/many/network.json"));
    EXPECT_EQ(create_of({"text0.txt", "text0.txt"}, {"text2.txt", "text3.txt"}, "twice").code, 2);
    EXPECT_EQ(create_of({"text0.txt", "text1.txt"}, {"text2.txt", "text1.txt"}, "same").code, 2);
    const Outcome made =
        create_of({"text0.txt", "two words.txt"}, {"text2.txt", "text3.txt"}, "new");
    ASSERT_EQ(made.code, 0) << made.errors;
    const auto sources = made.json()["sources"];
    ASSERT_EQ(sources.size(), 2U);
    EXPECT_EQ(sources[0]["name"], "text0");
    EXPECT_EQ(sources[1]["name"], "two-words");
    EXPECT_EQ(sources[0]["judge_tokens"].get<int>() + sources[1]["judge_tokens"].get<int>(),
              made.json()["judge_tokens"]);
    const auto network = node::read_network(dir_ + "/new/network.json");
    ASSERT_TRUE(network.ok()) << network.error().message;
    EXPECT_EQ(network->sources.size(), 2U);
}

}  // namespace
}  // namespace cairn::cli
