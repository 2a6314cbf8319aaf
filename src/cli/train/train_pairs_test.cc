// Proves that `cairn train --pairs` learns an encoder-decoder that `cairn generate` writes with,
// that it is resumed to the same bytes and can be begun from any such model, and that pairs, files
// and commands that do not fit are refused in words.
#include "cli/train/train_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/test_run.h"
#include "cli/train/pair_file.h"
#include "formats/test_bart.h"
#include "text/bpe.h"
#include "train/train_log.h"

namespace cairn::cli {
namespace {

using testing::HasSubstr;

class TrainPairs : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + "/cairn_train_pairs";
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        // Two letters backwards.
        std::string lines, held_out;
        for (char a = 'a'; a < 'g'; ++a)
            for (char b = 'a'; b < 'g'; ++b) {
                const std::string word{a, b}, back{b, a};
                ((a + b) % 5 == 0 ? held_out : lines) +=
                    nlohmann::json{{"source", word}, {"target", back}}.dump() + "\n";
            }
        write("pairs.jsonl", lines);
        write("held.jsonl", held_out);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    std::string write(const std::string& name, const std::string& content) const {
        std::ofstream(path(name), std::ios::binary) << content;
        return path(name);
    }
    std::string contents(const std::string& name) const {
        std::ifstream file(path(name), std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }

    Outcome train(const std::string& name, std::vector<std::string> more) const {
        std::vector<std::string> all = {"train",
                                        "--pairs",
                                        path("pairs.jsonl"),
                                        "--valid",
                                        path("held.jsonl"),
                                        "--out",
                                        path(name),
                                        "--log",
                                        path(name + ".log"),
                                        "--dim",
                                        "32",
                                        "--layers",
                                        "1",
                                        "--heads",
                                        "2",
                                        "--context",
                                        "16",
                                        "--characters",
                                        "--rate",
                                        "0.01",
                                        "--json"};
        all.insert(all.end(), more.begin(), more.end());
        return run(all);
    }
    Outcome refused(const std::string& lines, std::vector<std::string> more = {}) const {
        std::vector<std::string> all = {"train", "--pairs",         write("bad.jsonl", lines),
                                        "--out", path("bad.cairn"), "--steps",
                                        "2",     "--characters",    "--context",
                                        "16"};
        all.insert(all.end(), more.begin(), more.end());
        const Outcome outcome = run(all);
        EXPECT_NE(outcome.code, 0) << lines;
        return outcome;
    }

    std::string folder_;
};

TEST_F(TrainPairs, WhatIsLearntIsWritten) {
    const Outcome outcome = train("words.cairn", {"--steps", "60"});
    ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
    const nlohmann::json report = outcome.json();
    EXPECT_LT(report["last_loss"].get<double>(), report["first_loss"].get<double>() - 2);
    EXPECT_LT(report["valid_loss"].get<double>(), report["first_loss"].get<double>() - 1);
    EXPECT_EQ(report["content_hash"].get<std::string>().size(), 64U);
    EXPECT_NE(report["content_hash"], report["encoder_content_hash"]);
    EXPECT_THAT(report["command"].get<std::string>(), HasSubstr("--pairs"));
    const auto rows = train::read_train_log(path("words.cairn.log")).value();
    EXPECT_EQ(rows.back().step, 60U);
    EXPECT_EQ(rows.back().tokens, report["tokens"]);

    const Outcome written = run(
        {"generate", "--model", path("words.cairn"), "--prompt", "ab", "--json", "--threads", "1"});
    ASSERT_EQ(written.code, 0) << written.out << written.errors;
    EXPECT_LE(written.json()["tokens"].size(), 4U);  // it ends by itself

    const nlohmann::json info =
        run({"model", "info", "--model", path("words.cairn"), "--json"}).json();
    EXPECT_EQ(info["format"], "cairn");
    EXPECT_EQ(info["content_hash"], report["content_hash"]);
    EXPECT_EQ(info["encoder"]["content_hash"], report["encoder_content_hash"]);
    EXPECT_EQ(info["encoder"]["begins"], nlohmann::json{256});
    const nlohmann::json verified = run({"model", "verify", "--model", path("words.cairn"),
                                         "--against", path("words.cairn"), "--json"})
                                        .json();
    EXPECT_EQ(verified["content_hash"], report["content_hash"]);
    EXPECT_EQ(verified["encoder"]["content_hash"], report["encoder_content_hash"]);
    EXPECT_EQ(verified["against"]["same"], true);
    EXPECT_FALSE(verified["against"].contains("logits"));
}

TEST_F(TrainPairs, AStoppedRunEndsInTheSameBytes) {
    ASSERT_EQ(train("whole.cairn", {"--steps", "6", "--threads", "3"}).code, 0);
    ASSERT_EQ(train("cut.cairn", {"--steps", "6", "--stop-at", "3", "--threads", "1"}).code, 0);
    EXPECT_TRUE(std::filesystem::exists(path("cut.cairn.run")));
    EXPECT_THAT(
        run({"train", "--resume", path("cut.cairn"), "--text", path("pairs.jsonl")}).out +
            run({"train", "--resume", path("cut.cairn"), "--text", path("pairs.jsonl")}).errors,
        HasSubstr("--pairs"));
    const Outcome outcome = run({"train", "--resume", path("cut.cairn"), "--json"});
    ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
    EXPECT_EQ(contents("cut.cairn"), contents("whole.cairn"));
    EXPECT_EQ(outcome.json()["tokens"],
              train::read_train_log(path("whole.cairn.log")).value().back().tokens);
    EXPECT_FALSE(std::filesystem::exists(path("cut.cairn.run")));

    ASSERT_EQ(train("other.cairn", {"--steps", "6", "--stop-at", "3"}).code, 0);
    write("pairs.jsonl", contents("pairs.jsonl") + R"({"source": "aa", "target": "b"})" + "\n");
    const Outcome changed = run({"train", "--resume", path("other.cairn")});
    EXPECT_NE(changed.code, 0);
    EXPECT_THAT(changed.out + changed.errors, HasSubstr("the pairs are not those"));
}

TEST_F(TrainPairs, GoOnFromAnyEncoderDecoder) {
    ASSERT_EQ(train("first.cairn", {"--steps", "20"}).code, 0);
    const auto go_on = [&](const std::string& from, const std::string& out,
                           std::vector<std::string> more) {
        std::vector<std::string> all = {"train", "--pairs", path("pairs.jsonl"), "--init",
                                        from,    "--out",   path(out),           "--steps",
                                        "3",     "--json"};
        all.insert(all.end(), more.begin(), more.end());
        return run(all);
    };
    const Outcome own = go_on(path("first.cairn"), "second.cairn", {});
    ASSERT_EQ(own.code, 0) << own.out << own.errors;
    EXPECT_LT(own.json()["first_loss"].get<double>(), 5.0);  // not that of fresh weights

    const std::string bart = path("bart");
    std::filesystem::create_directories(bart);
    write("bart/config.json", formats::bart_config(270));
    write("bart/model.safetensors",
          std::string(as_text(formats::safetensors_of(formats::bart_tensors(270), 0.5F))));
    const std::string_view text = "the cat and the hat";
    const Bytes tokenizer = text::train_bpe(std::span(&text, 1), 262).value()->serialise();
    write("tok.bin", std::string(as_text(tokenizer)));
    const Outcome foreign = go_on(bart, "tuned.cairn", {"--tokenizer", path("tok.bin")});
    ASSERT_EQ(foreign.code, 0) << foreign.out << foreign.errors;
    const nlohmann::json info =
        run({"model", "info", "--model", path("tuned.cairn"), "--json"}).json();
    EXPECT_EQ(info["encoder"]["begins"], nlohmann::json{2});
    EXPECT_EQ(info["config"]["head_bias"], true);

    write("text.txt", "the cat and the hat and the cat and the hat and the cat and the hat again");
    ASSERT_EQ(run({"train", "--text", path("text.txt"), "--out", path("plain.cairn"), "--steps",
                   "1", "--characters", "--context", "16", "--dim", "16"})
                  .code,
              0);
    EXPECT_THAT(go_on(path("plain.cairn"), "no.cairn", {}).out, HasSubstr("is no encoder-decoder"));
}

TEST_F(TrainPairs, LinesThatAreNoPairsAreNamed) {
    const std::string good = "{\"source\": \"a\", \"target\": \"b\"}\n";
    const auto said = [&](const std::string& lines, std::vector<std::string> more = {}) {
        const Outcome outcome = refused(lines, std::move(more));
        return outcome.out + outcome.errors;
    };
    EXPECT_THAT(said(good + "\nno json\n"), HasSubstr("bad.jsonl, line 3"));
    EXPECT_THAT(said(good + "no json\n"), HasSubstr("each line is an object"));
    EXPECT_THAT(said(good + "[1]\n"), HasSubstr("line 2"));
    EXPECT_THAT(said("{\"source\": \"a\"}\n"), HasSubstr("line 1 has no \"target\""));
    EXPECT_THAT(said(good + "{\"source\": 1, \"target\": \"b\"}\n"),
                HasSubstr("line 2: its \"source\" is no text"));
    EXPECT_THAT(said("{\"source\": \"a\", \"target\": \"b\", \"target\": \"c\"}\n"),
                HasSubstr("line 1"));
    EXPECT_THAT(said(good + "{\"source\": \"0123456789abcdefg\", \"target\": \"b\"}\n"),
                HasSubstr("line 2: its source is 18 tokens long, and 16 are taken"));
    EXPECT_THAT(said("{\"source\": \"a\", \"target\": \"0123456789abcdef\"}\n"),
                HasSubstr("line 1: its target is 17 tokens long, and 16 are taken"));
    EXPECT_THAT(said("\n\n"), HasSubstr("bad.jsonl has nothing but empty lines"));
    EXPECT_THAT(said(" \n\t\n"), HasSubstr("bad.jsonl has no pairs: each line is an object"));
    EXPECT_THAT(said(good, {"--pairs", write("blank.jsonl", " \n")}),
                HasSubstr("blank.jsonl has no pairs"));
    EXPECT_THAT(said(good, {"--text", path("pairs.jsonl")}), HasSubstr("--text"));
    EXPECT_FALSE(std::filesystem::exists(path("bad.cairn")));
    // Keys of other programs do no harm, and neither does a longest text.
    EXPECT_EQ(read_pairs({write("more.jsonl", "{\"id\": 1, \"source\": \"a\", \"target\": \"\"}")})
                  .value()
                  .size(),
              1U);
    EXPECT_EQ(run({"train", "--pairs",
                   write("long.jsonl",
                         "{\"source\": \"0123456789abcde\", \"target\": \"0123456789abcde\"}\n"),
                   "--out", path("long.cairn"), "--steps", "1", "--characters", "--context", "16",
                   "--dim", "16", "--layers", "1"})
                  .code,
              0);
}

TEST_F(TrainPairs, EveryOtherCommandRefusesTheResult) {
    ASSERT_EQ(train("words.cairn", {"--steps", "1"}).code, 0);
    const std::string model = path("words.cairn"), text = path("pairs.jsonl");
    const std::vector<std::vector<std::string>> commands{
        {"embed", model, "the cat"},
        {"chat", "--model", model},
        {"eval", "--model", model, "--text", text},
        {"bench", "--model", model},
        {"train", "--init", model, "--text", text, "--out", path("out.cairn")},
        {"generate", "--model", model, "--draft", model},
        {"model", "convert", "--model", model, "--out", path("out.gguf")},
    };
    for (const std::vector<std::string>& command : commands) {
        const Outcome outcome = run(command);
        EXPECT_NE(outcome.code, 0) << command[0];
        EXPECT_THAT(outcome.out + outcome.errors, HasSubstr("encoder-decoder")) << command[0];
    }
    const Outcome dry = train("dry.cairn", {"--steps", "5", "--dry-run"});
    EXPECT_EQ(dry.code, 0) << dry.out << dry.errors;
    EXPECT_GT(dry.json()["tokens_per_step"].get<int>(), 1000);
    // Of each pair two letters, and what begins them, on either side.
    EXPECT_EQ(dry.json()["text_tokens"], 6 * std::ranges::count(contents("pairs.jsonl"), '\n'));
    EXPECT_FALSE(std::filesystem::exists(path("dry.cairn")));
}

}  // namespace
}  // namespace cairn::cli
