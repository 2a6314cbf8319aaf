// Proves that tokenizer.json files of both kinds are read as Hugging Face's own program reads them
// (Qwen's published cases; small files by hand), and that what is not understood is refused by
// name.
#include "text/tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "text/byte_alphabet.h"
#include "text/json_vocabulary.h"
#include "text/test_vocabulary.h"

namespace cairn::text {
namespace {

using namespace test;
using nlohmann::json;
using testing::HasSubstr;

Result<std::unique_ptr<Tokenizer>> made_from(const json& root, const std::string& config = "") {
    ASSIGN_OR_RETURN(VocabularyParts parts, read_tokenizer_json({root.dump(), config, "", ""}));
    return make_tokenizer(std::move(parts));
}

// Llama's form: SentencePiece's merges by rank, blanks by the normalizer, bytes as fallback.
json sentence_pieces() {
    json vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
    for (int byte = 0; byte < 256; ++byte) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
        vocab[name] = 3 + byte;
    }
    int next = 259;
    for (const char* piece : {"\u2581", "a", "b", "ab", "\u2581ab", "\u2581a"})
        vocab[piece] = next++;
    return {{"added_tokens",
             {{{"id", 1}, {"content", "<s>"}, {"special", true}},
              {{"id", 2}, {"content", "</s>"}, {"special", true}}}},
            {"normalizer",
             {{"type", "Sequence"},
              {"normalizers",
               {{{"type", "Prepend"}, {"prepend", "\u2581"}},
                {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}}}}}},
            {"pre_tokenizer", nullptr},
            {"post_processor",
             {{"type", "TemplateProcessing"},
              {"single",
               {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
                {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}}}},
            {"model",
             {{"type", "BPE"},
              {"unk_token", "<unk>"},
              {"byte_fallback", true},
              {"vocab", vocab},
              {"merges", {"a b", "\u2581 ab", "\u2581 a"}}}}};
}

TEST(TokenizerJson, QwenEncodesThePublishedCases) {
    const std::string file = read_test_data("tokenizers/qwen3-tokenizer.json");
    if (file.empty()) GTEST_SKIP() << "no tokenizers: set CAIRN_TEST_DATA";
    const auto tokenizer = *make_tokenizer(*read_tokenizer_json({file, "", "", ""}));
    const auto texts = read_cases("tokenizers/qwen2.inp");
    const auto ids = read_ids("tokenizers/qwen2.out");
    ASSERT_EQ(texts.size(), 47U);
    ASSERT_EQ(ids.size(), 47U);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(tokenizer->encode(texts[i]), ids[i]) << "case " << i << ": " << texts[i];
        EXPECT_EQ(tokenizer->decode(ids[i]), texts[i]) << "case " << i;
    }
    EXPECT_EQ(tokenizer->vocab_size(), 151669U);
    EXPECT_FALSE(tokenizer->adds_begin());
    EXPECT_EQ(tokenizer->control_token("<|im_end|>"), 151645U);
    EXPECT_TRUE(tokenizer->is_end(151645U));
    // Named between bars: a control token, though the file calls it an ordinary added one.
    EXPECT_GT(tokenizer->encode("<|fim_prefix|>").size(), 1U);
    EXPECT_EQ(tokenizer->encode("<think>"), Tokens{151667U});
    // Normal form C: e and a combining acute are one letter to it.
    EXPECT_EQ(tokenizer->encode("e\u0301"), tokenizer->encode("\u00E9"));
    const Bytes canonical = tokenizer->serialise();
    EXPECT_LT(canonical.size(), kMaxTokenizerBytes);
    EXPECT_EQ((*parse_tokenizer(canonical))->encode(texts[45]), ids[45]);
}

TEST(TokenizerJson, ReadsSentencePieces) {
    const auto tokenizer = made_from(sentence_pieces()).value();
    EXPECT_TRUE(tokenizer->adds_begin());
    EXPECT_EQ(tokenizer->begin_token(), 1U);
    EXPECT_TRUE(tokenizer->is_end(2));
    EXPECT_EQ(tokenizer->encode("ab"), Tokens{263});
    EXPECT_EQ(tokenizer->encode("ab ab"), (Tokens{263, 263}));
    EXPECT_EQ(tokenizer->encode("a\n"), (Tokens{264, 3 + 10}));
    EXPECT_EQ(tokenizer->encode_prompt("ab"), (Tokens{1, 263}));
    EXPECT_EQ(tokenizer->decode(tokenizer->encode("<s> \u00FC")), "<s> \u00FC");
}

TEST(TokenizerJson, ConfigNamesTokensAndTemplate) {
    const auto tokenizer =
        made_from(sentence_pieces(), R"({"bos_token": {"content": "</s>"}, "add_bos_token": false,
                                         "chat_template": [{"name": "tool", "template": "x"},
                                                           {"name": "default", "template": "y"}]})")
            .value();
    EXPECT_EQ(tokenizer->begin_token(), 2U);
    EXPECT_FALSE(tokenizer->adds_begin());
    EXPECT_EQ(tokenizer->chat_template(), "y");
}

TEST(TokenizerJson, TextsEndWhereTheGenerationConfigSays) {
    const auto with = [](const std::string& generation) -> Result<std::unique_ptr<Tokenizer>> {
        TokenizerJson files;
        files.tokenizer = sentence_pieces().dump();
        files.generation = generation;
        ASSIGN_OR_RETURN(VocabularyParts parts, read_tokenizer_json(files));
        return make_tokenizer(std::move(parts));
    };
    EXPECT_FALSE((*with("{}"))->is_end(263));
    for (const char* ends : {R"({"eos_token_id": 263})", R"({"eos_token_id": [2, 263]})"}) {
        const auto tokenizer = with(ends);
        ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
        EXPECT_TRUE((*tokenizer)->is_end(263)) << ends;
        EXPECT_TRUE((*tokenizer)->is_end(2)) << ends;
    }
    EXPECT_THAT(with(R"({"eos_token_id": [2, 263, 262]})").error().message, HasSubstr("262"));
    EXPECT_THAT(with(R"({"eos_token_id": 265})").error().message, HasSubstr("eos_token_id 265"));
    EXPECT_THAT(with(R"({"eos_token_id": "</s>"})").error().message, HasSubstr("eos_token_id"));
}

TEST(TokenizerJson, WithoutAGenerationConfigTextsEndWhereTheConfigSays) {
    TokenizerJson files;
    files.tokenizer = sentence_pieces().dump();
    files.model_config = R"({"eos_token_id": 263})";
    EXPECT_TRUE((*make_tokenizer(*read_tokenizer_json(files)))->is_end(263));
    files.generation = "{}";
    EXPECT_FALSE((*make_tokenizer(*read_tokenizer_json(files)))->is_end(263));
}

json template_of(const json& single, const json& special_tokens) {
    return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", special_tokens}};
}

TEST(TokenizerJson, AddsWhatThePostProcessorListsOrRefusesIt) {
    const json s = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
    const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    const json ids_1 = {{"<s>", {{"id", "<s>"}, {"ids", {1}}, {"tokens", {"<s>"}}}}};
    const json ids_2 = {{"<s>", {{"id", "<s>"}, {"ids", {2}}, {"tokens", {"<s>"}}}}};
    const json ids_both = {{"<s>", {{"id", "<s>"}, {"ids", {1, 2}}, {"tokens", {"<s>"}}}}};
    const auto with = [](const json& step, const std::string& config = "") {
        json root = sentence_pieces();
        root["post_processor"] = step;
        return made_from(root, config);
    };
    const json bytes = {{"type", "ByteLevel"}, {"trim_offsets", true}};
    const json both = {{"type", "Sequence"},
                       {"processors", {bytes, template_of({s, text, s}, ids_1)}}};
    EXPECT_EQ((*with(template_of({s, text}, ids_1)))->encode_prompt("ab"), (Tokens{1, 263}));
    EXPECT_EQ((*with(template_of({s, text}, ids_2)))->encode_prompt("ab"), (Tokens{2, 263}));
    EXPECT_EQ((*with(both))->begin_token(), 1U);
    for (const char* type : {"RobertaProcessing", "BertProcessing"})
        EXPECT_EQ((*with({{"type", type}, {"cls", {"<s>", 1}}, {"sep", {"</s>", 2}}}))
                      ->encode_prompt("ab"),
                  (Tokens{1, 263}));
    const json first = template_of({s, text}, ids_1);
    for (const json& step :
         {template_of({s, s, text}, ids_1), template_of({s, text}, ids_both),
          template_of({s, text, text}, ids_1), template_of({s}, ids_1),
          template_of("<s> $A", ids_1), template_of({"<s>", "$A"}, ids_1),
          template_of(json::array(), ids_1),
          json{{"type", "Sequence"}, {"processors", {first, first}}},
          json{{"type", "RobertaProcessing"}, {"cls", {"<s>", 9999}}, {"sep", {"</s>", 2}}},
          json{{"type", "BertProcessing"}}, json{{"type", "Another"}}, json("ByteLevel")})
        EXPECT_THAT(with(step).error().message, HasSubstr("post_processor")) << step;
    EXPECT_THAT(with(first, R"({"bos_token": "</s>"})").error().message,
                HasSubstr("make them agree"));
    EXPECT_TRUE(with(first, R"({"bos_token": "</s>", "add_bos_token": false})").ok());
}

TEST(TokenizerJson, FilesThatNestTooDeepAreRefused) {
    const std::string deep = std::string(200000, '[') + std::string(200000, ']');
    std::string file = sentence_pieces().dump();
    file.insert(1, R"("normalizer":{"type":"X","a":)" + deep + "},");
    for (const TokenizerJson& files :
         {TokenizerJson{file, "", "", ""}, TokenizerJson{sentence_pieces().dump(), file, "", ""},
          TokenizerJson{sentence_pieces().dump(), "", file, ""}})
        EXPECT_THAT(read_tokenizer_json(files).error().message, HasSubstr("more than 100 deep"));
}

TEST(TokenizerJson, RefusesWhatIsNotUnderstood) {
    const auto error_of = [](auto change) {
        json root = sentence_pieces();
        change(root);
        const auto made = made_from(root);
        return made.ok() ? std::string() : made.error().message;
    };
    EXPECT_EQ(error_of([](json&) {}), "");
    EXPECT_THAT(error_of([](json& r) { r["model"]["type"] = "Unigram"; }),
                testing::HasSubstr("Unigram"));
    EXPECT_THAT(error_of([](json& r) {
                    r["normalizer"] = {{"type", "NFKC"}};
                }),
                testing::HasSubstr("NFKC"));
    EXPECT_THAT(error_of([](json& r) {
                    r["pre_tokenizer"] = {{"type", "Whitespace"}};
                }),
                testing::HasSubstr("Whitespace"));
    EXPECT_THAT(error_of([](json& r) { r["model"]["merges"].push_back("a x"); }),
                testing::HasSubstr("a x"));
    EXPECT_NE(error_of([](json& r) { r["model"]["vocab"]["zz"] = -1; }), "");
    EXPECT_NE(error_of([](json& r) { r["model"]["vocab"]["zz"] = 1U << 30; }), "");
    EXPECT_NE(error_of([](json& r) { r.erase("model"); }), "");
    for (const char* text : {"", "{", "[]", "null", "{\"model\": 1}"})
        EXPECT_FALSE(read_tokenizer_json({text, "", "", ""}).ok()) << text;
}

TEST(TokenizerJson, WritesWhatItReads) {
    // Its merges begin with characters, so each must be a token.
    VocabularyParts parts = scored_toy()->parts();
    EXPECT_FALSE(write_tokenizer_json(parts).ok());
    parts.pieces.push_back("\u4E2D");
    parts.types.push_back(1);
    parts.scores.push_back(-100.0F);
    std::vector<std::shared_ptr<Tokenizer>> tokenizers{byte_level_toy(),
                                                       make_tokenizer(parts).value()};
    tokenizers.push_back(made_from(sentence_pieces()).value());
    for (const auto& tokenizer : tokenizers) {
        const auto files = write_tokenizer_json(tokenizer->parts());
        ASSERT_TRUE(files.ok()) << files.error().message;
        const auto again = make_tokenizer(read_tokenizer_json(*files).value()).value();
        for (const char* text : {"abc ab a  caab", "b<|end|>\n\u4E2D\u4E2D<tag>", ""})
            EXPECT_EQ(again->encode(text), tokenizer->encode(text)) << text;
        EXPECT_EQ(again->begin_token(), tokenizer->begin_token());
        EXPECT_EQ(again->adds_begin(), tokenizer->adds_begin());
        EXPECT_EQ(again->chat_template(), tokenizer->chat_template());
    }
}

// Byte-level, with one added token.
json bytes_and(const json& token, const json& normalizer = nullptr) {
    json vocab = json::object();
    for (int byte = 0; byte < 256; ++byte)
        vocab[spell_bytes(std::string(1, static_cast<char>(byte)))] = byte;
    return {{"added_tokens", {token}},
            {"normalizer", normalizer},
            {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
            {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", json::array()}}}};
}

json described(const char* content, std::initializer_list<const char*> flags) {
    json token = {{"id", 256}, {"content", content}};
    for (const char* flag : {"lstrip", "rstrip", "single_word", "normalized", "special"})
        token[flag] = false;
    for (const char* flag : flags) token[flag] = true;
    return token;
}

TEST(TokenizerJson, AddedTokensHaveTheirFlags) {
    const auto right = made_from(bytes_and(described("<u>", {"rstrip", "special"}))).value();
    EXPECT_EQ(right->encode("<u>\n a", Special::kAllow), (Tokens{256, 'a'}));
    const auto word = made_from(bytes_and(described("cat", {"single_word"}))).value();
    EXPECT_EQ(word->encode("cat!"), (Tokens{256, '!'}));
    EXPECT_EQ(word->encode("acat"), (Tokens{'a', 'c', 'a', 't'}));
    const auto normal =
        made_from(bytes_and(described("\u00E9x", {"normalized"}), {{"type", "NFC"}})).value();
    EXPECT_EQ(normal->encode("e\u0301x"), Tokens{256});
    // They are written as they were read.
    for (const auto* tokenizer : {&right, &word, &normal}) {
        const auto written = write_tokenizer_json((*tokenizer)->parts()).value();
        const auto again = make_tokenizer(*read_tokenizer_json(written)).value();
        EXPECT_EQ(again->serialise(), (*tokenizer)->serialise());
    }
}

TEST(TokenizerJson, TwoNumbersOfOneTokenAreRefused) {
    json root = bytes_and(described("ab", {}));
    root["model"]["vocab"]["ab"] = 300;
    EXPECT_THAT(made_from(root).error().message, HasSubstr("'ab' has number 256"));
    json other = bytes_and(described("ab", {}));
    other["added_tokens"][0]["id"] = 65;
    EXPECT_THAT(made_from(other).error().message, HasSubstr("has the number of 'A'"));
}

TEST(TokenizerJson, ConfigDescribesAddedTokensAgain) {
    const json root = bytes_and(described("<u>", {}));
    const auto with = [&](const json& token, const char* id = "256") {
        return made_from(root, json{{"added_tokens_decoder", {{id, token}}}}.dump());
    };
    // The library takes what the config says that it strips, and that it is special.
    const auto strips = with(described("<u>", {"rstrip", "special"})).value();
    EXPECT_EQ(strips->encode("<u>  a", Special::kAllow), (Tokens{256, 'a'}));
    EXPECT_EQ(strips->encode("<u>"), (Tokens{'<', 'u', '>'}));
    EXPECT_THAT(with(described("<u>", {"normalized"})).error().message, HasSubstr("'<u>'"));
    EXPECT_THAT(with(described("<v>", {})).error().message, HasSubstr("calls token 256 '<v>'"));
    EXPECT_THAT(with(described("<u>", {}), "257").error().message, HasSubstr("is token 257"));
    EXPECT_THAT(with(described("<u>", {}), "x").error().message, HasSubstr("'x'"));
    const auto more = with(described("<w>", {"lstrip"}), "257").value();
    EXPECT_EQ(more->encode("a <w>"), (Tokens{'a', 257}));
}

TEST(TokenizerJson, OlderFilesNameAddedTokens) {
    TokenizerJson files;
    files.tokenizer = bytes_and(described("<u>", {})).dump();
    files.added = R"({"<pad>": 257, "<more>": 258, "<u>": 256})";
    files.special = R"({"pad_token": {"content": "<pad>", "lstrip": true}})";
    const auto tokenizer = make_tokenizer(*read_tokenizer_json(files)).value();
    EXPECT_EQ(tokenizer->encode("<more><pad>").front(), 258U);
    EXPECT_GT(tokenizer->encode("<pad>").size(), 1U);
    EXPECT_EQ(tokenizer->encode("<pad>", Special::kAllow), Tokens{257});
    files.added = R"({"<pad>": 12})";
    EXPECT_THAT(read_tokenizer_json(files).error().message, HasSubstr("calls token 12"));
}

TEST(TokenizerJson, PieceIdsFindWhatAScanFinds) {
    VocabularyParts parts;
    parts.pieces = {"a", "", "b", "a"};
    PieceIds ids(parts);
    for (const char* piece : {"a", "", "b", "c"}) EXPECT_EQ(ids.find(piece), id_of(parts, piece));
    EXPECT_EQ(ids.find("a"), 0U);
    parts.pieces.push_back("c");
    ids.add("c", 4);
    EXPECT_EQ(ids.find("c"), id_of(parts, "c"));
}

TEST(TokenizerJson, OneFileMayNameManyTokensTwiceOver) {
    // Each that is added later is found, also by the list of special ones, which it is in too.
    TokenizerJson files;
    files.tokenizer = bytes_and(described("<u>", {})).dump();
    json added = json::object(), special = json::array();
    for (int i = 0; i < 3000; ++i) {
        added["<extra " + std::to_string(i) + ">"] = 257 + i;
        special.push_back("<extra " + std::to_string(i) + ">");
    }
    files.added = added.dump();
    files.special = json{{"additional_special_tokens", special}}.dump();
    const auto parts = read_tokenizer_json(files);
    ASSERT_TRUE(parts.ok()) << parts.error().message;
    for (std::uint32_t i = 0; i < 3000; ++i) {
        EXPECT_EQ(parts->pieces[257 + i], "<extra " + std::to_string(i) + ">");
        EXPECT_EQ(parts->types[257 + i], static_cast<std::int32_t>(PieceType::kControl));
    }
}

TEST(TokenizerJson, MetaspacePutsNoSecondBlank) {
    json root = sentence_pieces();
    root["normalizer"] = nullptr;
    for (const char* scheme : {"first", "always"}) {
        root["pre_tokenizer"] = {{"type", "Metaspace"},
                                 {"replacement", "\u2581"},
                                 {"prepend_scheme", scheme},
                                 {"split", false}};
        const auto tokenizer = made_from(root).value();
        EXPECT_EQ(tokenizer->encode("ab"), Tokens{263});
        EXPECT_EQ(tokenizer->encode(" ab"), Tokens{263});
        EXPECT_EQ(tokenizer->encode("<s>ab", Special::kAllow),
                  (Tokens{1, std::string_view(scheme) == "first" ? 262U : 263U}));
        EXPECT_FALSE(tokenizer->is_lossless());
        const auto written = write_tokenizer_json(tokenizer->parts()).value();
        EXPECT_EQ((*make_tokenizer(*read_tokenizer_json(written)))->serialise(),
                  tokenizer->serialise());
    }
}

TEST(TokenizerJson, ABlankFollowsEveryAddedTokenOfPrepend) {
    json root = sentence_pieces();
    root["added_tokens"].push_back(
        {{"id", 265}, {"content", "<t>"}, {"special", false}, {"normalized", false}});
    const auto tokenizer = made_from(root).value();
    EXPECT_EQ(tokenizer->encode("<t>ab"), (Tokens{265, 263}));
    EXPECT_EQ(tokenizer->encode("<t>"), Tokens{265});
    EXPECT_EQ(tokenizer->decode(Tokens{265, 263}), "<t>ab");
    // Found in normalised text, it begins with that blank itself.
    root["added_tokens"].back()["normalized"] = true;
    const auto normal = made_from(root).value();
    EXPECT_EQ(normal->encode("<t>ab"), (Tokens{265, 262}));
    const Tokens within = normal->encode("a<t>");
    EXPECT_EQ(std::count(within.begin(), within.end(), 265U), 0);
}

}  // namespace
}  // namespace cairn::text
