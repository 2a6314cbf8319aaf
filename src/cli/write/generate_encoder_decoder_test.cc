// Proves that `cairn generate` writes with an encoder-decoder: the same bits with any number of
// threads, any drafter and over any servers of its decoder's layers, other texts for other prompts
// and seeds; that a server that lies is convicted; and that what does not take such models, options
// and commands, says so in words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "cli/test_child.h"
#include "cli/test_run.h"
#include "formats/test_bart.h"
#include "text/bpe.h"

namespace cairn::cli {
namespace {

using testing::HasSubstr;

struct GenerateEncoderDecoder : ::testing::Test {
    GenerateEncoderDecoder() {
        std::filesystem::create_directories(model);
        write("config.json", formats::bart_config(kVocab));
        write("model.safetensors",
              std::string(as_text(formats::safetensors_of(formats::bart_tensors(kVocab), 0.5F))));
        const std::string_view text = "the cat and the hat";
        const Bytes tokenizer = text::train_bpe(std::span(&text, 1), 262).value()->serialise();
        write("tok.bin", std::string(as_text(tokenizer)));
    }
    ~GenerateEncoderDecoder() override {
        for (const auto& server : servers) server->signal(SIGTERM);
        servers.clear();
        std::filesystem::remove_all(model);
    }

    void write(const std::string& name, const std::string& content) const {
        std::ofstream(model + "/" + name, std::ios::binary) << content;
    }
    Outcome generate(const std::vector<std::string>& more,
                     const std::string& prompt = "the cat") const {
        std::vector<std::string> all{"generate",    "--model",          model,
                                     "--tokenizer", model + "/tok.bin", "--json"};
        if (!prompt.empty()) all.insert(all.end(), {"--prompt", prompt});
        all.insert(all.end(), more.begin(), more.end());
        return run(all);
    }
    std::string digest(const std::vector<std::string>& more,
                       const std::string& prompt = "the cat") const {
        const Outcome outcome = generate(more, prompt);
        EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
        return outcome.json().value("digest", "");
    }

    /// Starts a server, which ends with the test; its first line.
    nlohmann::json serve(const std::vector<std::string>& words) {
        nlohmann::json first;
        servers.push_back(start_layer_server(words, first));
        return first;
    }

    static constexpr std::size_t kVocab = 270;
    std::vector<std::unique_ptr<Child>> servers;
    const std::string model = std::filesystem::temp_directory_path() /
                              ("cairn-encoder-decoder-" + std::to_string(::getpid()));
};

TEST_F(GenerateEncoderDecoder, TheSameBitsHoweverTheyAreComputed) {
    const std::string greedy = digest({});
    EXPECT_FALSE(greedy.empty());
    EXPECT_EQ(digest({"--threads", "3"}), greedy);
    EXPECT_EQ(digest({"--draft", "repeat"}), greedy);
    EXPECT_NE(digest({}, "the hat"), greedy);  // the encoder's text counts
    EXPECT_NE(digest({"--kv", "f16"}), greedy);
    EXPECT_EQ(digest({"--kv", "f16", "--threads", "2"}), digest({"--kv", "f16"}));
    const std::vector<std::string> sampled{"--temperature", "1", "--seed", "5"};
    EXPECT_EQ(digest(sampled), digest(sampled));
    EXPECT_NE(digest(sampled), digest({"--temperature", "1", "--seed", "6"}));
}

TEST_F(GenerateEncoderDecoder, WritesATextOfItsOwnUpToItsContext) {
    const nlohmann::json object = generate({"--steps", "100"}).json();
    EXPECT_EQ(object["prompt"], "the cat");
    EXPECT_EQ(object["tokens"].size(), 12U);  // a context of 12, of which one begins every text
    EXPECT_THAT(generate({}, "a prompt of many more tokens than twelve").out,
                HasSubstr("the model's encoder takes 12"));
}

TEST_F(GenerateEncoderDecoder, RefusesOptionsThatItCannotHonour) {
    EXPECT_THAT(generate({"--kv", "digits"}).out, HasSubstr("--kv digits"));
    write("prompts.txt", "the cat\nthe hat\n");
    EXPECT_THAT(generate({"--prompts", model + "/prompts.txt"}, "").out, HasSubstr("--prompts"));
}

TEST_F(GenerateEncoderDecoder, AsksForTheTextThatItAnswers) {
    const Outcome outcome = generate({}, "");
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.errors, HasSubstr("--prompt TEXT"));
}

TEST_F(GenerateEncoderDecoder, TheSameBitsOverAnyServersOfItsDecoder) {
    const nlohmann::json front = serve({"0-1", "--model", model, "--give-weights"});
    // One that never had the file: it is named as `model info` shows it.
    const nlohmann::json info = run({"model", "info", "--model", model, "--json"}).json();
    EXPECT_EQ(front["model"], info["content_hash"]);
    const std::string name = front["model"];
    const std::string one = front["address"];
    const nlohmann::json back =
        serve({"1-2", "--model", name, "--from", one, "--weights-dir", model + "/weights"});
    const std::string two = back["address"];
    for (const std::vector<std::string>& types :
         {std::vector<std::string>{}, {"--wire", "f16"}, {"--wire", "i8", "--kv", "f16"}}) {
        std::vector<std::string> over{"--server", one, "--server", two,
                                      "--audit",  "1", "--book",   model + "/book"};
        over.insert(over.end(), types.begin(), types.end());
        const Outcome outcome = generate(over);
        ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
        const nlohmann::json object = outcome.json();
        EXPECT_EQ(object["digest"], digest(types));
        EXPECT_EQ(object["hops"].size(), 2U);
        ASSERT_EQ(object["audits"].size(), 2U);
        for (const auto& audit : object["audits"]) EXPECT_EQ(audit["finding"], "right") << audit;
    }
    EXPECT_NE(digest({"--wire", "f16"}), digest({}));
    // The encoder's layers, too.
    const nlohmann::json reads = serve({"0-1", "--model", model, "--encoder"});
    EXPECT_EQ(reads["model"], info["encoder"]["content_hash"]);
    const std::string three = reads["address"];
    const std::vector<std::string> all{
        "--server", one, "--server", two, "--server", three, "--encoder-too", "--wire", "i8"};
    EXPECT_EQ(digest(all), digest({"--wire", "i8"}));
    std::vector<std::string> audited = all;
    audited.insert(audited.end(), {"--audit", "1", "--book", model + "/book"});
    const nlohmann::json audits = generate(audited).json()["audits"];
    ASSERT_EQ(audits.size(), 3U);
    for (const auto& audit : audits) EXPECT_EQ(audit["finding"], "right") << audit;
    EXPECT_THAT(generate({"--server", one, "--server", two, "--encoder-too"}).out,
                HasSubstr("layer 0"));
    EXPECT_THAT(generate({"--encoder-too"}).out, HasSubstr("--encoder-too"));
    EXPECT_EQ(digest({"--server", one, "--server", two, "--draft", "repeat"}), digest({}));
    EXPECT_THAT(generate({"--server", one}).out, HasSubstr("layer 1"));

    write("text.txt", "the cat and the hat and the cat and the hat and the cat");
    const Outcome verified =
        run({"verify", "--server", one, "--server", two, "--model", model, "--tokenizer",
             model + "/tok.bin", "--text", model + "/text.txt", "--book", model + "/book",
             "--exhibits", model, "--rounds", "1", "--json"});
    ASSERT_EQ(verified.code, 0) << verified.out << verified.errors;
    ASSERT_EQ(verified.json()["audits"].size(), 2U);
    for (const auto& audit : verified.json()["audits"]) EXPECT_EQ(audit["finding"], "right");
}

TEST_F(GenerateEncoderDecoder, AServerThatLiesIsConvictedByAFileThatAnybodyCanJudge) {
    const nlohmann::json ready = serve({"0-2", "--model", model, "--lie"});
    write("text.txt", "the cat and the hat and the cat and the hat and the cat");
    const std::string at = ready["address"];
    const Outcome verified = run({"verify", "--server", at, "--model", model, "--tokenizer",
                                  model + "/tok.bin", "--text", model + "/text.txt", "--book",
                                  model + "/book", "--exhibits", model, "--rounds", "1", "--json"});
    EXPECT_EQ(verified.code, 1) << verified.out << verified.errors;
    const nlohmann::json audit = verified.json()["audits"][0];
    ASSERT_EQ(audit["finding"], "convicted") << audit;
    const std::string exhibit = audit["exhibit"];
    EXPECT_EQ(run({"audit", "judge", exhibit, "--model", model}).code, 0);
}

TEST_F(GenerateEncoderDecoder, AuditsByDigitsAreRefusedInWords) {
    write("text.txt", "the cat and the hat and the cat");
    for (const auto& [option, value] : {std::pair{"--kv", "digits"}, {"--attention", "1"}}) {
        const Outcome outcome =
            run({"verify", "--server", "127.0.0.1:1", "--model", model, "--tokenizer",
                 model + "/tok.bin", "--text", model + "/text.txt", "--book", model + "/book",
                 "--exhibits", model, "--rounds", "1", option, value});
        EXPECT_EQ(outcome.code, 1) << option;
        EXPECT_THAT(outcome.errors, HasSubstr("leave --attention out, and --kv digits")) << option;
    }
}

TEST_F(GenerateEncoderDecoder, InfoDescribesBothHalves) {
    const nlohmann::json info = run({"model", "info", "--model", model, "--json"}).json();
    EXPECT_EQ(info["config"]["cross_context"], 12);
    EXPECT_EQ(info["config"]["layers"], 2);
    EXPECT_EQ(info["encoder"]["config"]["layers"], 1);
    EXPECT_EQ(info["encoder"]["begins"], nlohmann::json{2});
    EXPECT_THAT(run({"model", "info", "--model", model}).out, HasSubstr("encoder      dim 8"));
    const Outcome verified = run({"model", "verify", "--model", model});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.errors;
    EXPECT_THAT(verified.out, HasSubstr(info["encoder"]["content_hash"].get<std::string>() + ", "));
}

TEST_F(GenerateEncoderDecoder, EveryOtherCommandRefusesItInWords) {
    write("text.txt", "the cat and the hat and the cat");
    const std::string text = model + "/text.txt";
    const std::vector<std::vector<std::string>> commands{
        {"embed", model, "the cat"},
        {"chat", "--model", model},
        {"eval", "--model", model, "--text", text},
        {"bench", "--model", model},
        {"train", "--init", model, "--text", text, "--out", model + "/out.cairn"},
        {"serve", model},
        {"generate", "--model", model, "--draft", model, "--tokenizer", model + "/tok.bin"},
        {"model", "convert", "--model", model, "--out", model + "/out.gguf"},
        {"model", "convert", "--model", model, "--out", model + "/out.cairn"},
        {"model", "compress", "--model", model, "--out", model + "/out.cairn", "--ratio", "0.5"},
    };
    for (const std::vector<std::string>& command : commands) {
        const Outcome outcome = run(command);
        EXPECT_NE(outcome.code, 0) << command[0];
        if (command[0] == "serve") continue;  // which logs why, and that it has no model
        EXPECT_THAT(outcome.out + outcome.errors, HasSubstr("encoder-decoder")) << command[0];
    }
}

}  // namespace
}  // namespace cairn::cli
