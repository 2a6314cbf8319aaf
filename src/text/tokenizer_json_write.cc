// Writing tokenizer.json: the shapes that Hugging Face's own converters write for GPT-2, Qwen and
// Llama.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "text/added_tokens.h"
#include "text/json_post_processor.h"
#include "text/json_vocabulary.h"
#include "text/piece_index.h"
#include "text/pre_tokenizers.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"
#include "text/word_rule_forms.h"
#include "text/wordpiece_json.h"

namespace cairn::text {

namespace {

using nlohmann::json;

const char* const kBlank = "\xE2\x96\x81";

bool has_type(const VocabularyParts& parts, std::size_t id, PieceType type) {
    return !parts.types.empty() && parts.types[id] == static_cast<std::int32_t>(type);
}

json replace_step(const char* from, const char* to) {
    return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

// Scores as merges by rank: every way to make a piece of two others, best piece first.
Result<std::vector<std::string>> merges_of_scores(const VocabularyParts& parts) {
    PieceIndex pieces(parts.pieces.size());
    for (std::uint32_t id = 0; id < parts.pieces.size(); ++id)
        if (has_type(parts, id, PieceType::kNormal) || parts.types.empty())
            pieces.insert(parts.pieces[id], id);
    std::vector<std::uint32_t> order;
    for (std::uint32_t id = 0; id < parts.pieces.size(); ++id)
        if (!parts.pieces[id].empty() && pieces.find(parts.pieces[id]) == id) order.push_back(id);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return parts.scores[a] > parts.scores[b];
    });
    std::vector<std::string> merges;
    for (const std::uint32_t id : order) {
        const std::string& piece = parts.pieces[id];
        for (std::size_t at = 0; at < piece.size();) {
            const std::size_t length = first_character(std::string_view(piece).substr(at)).length;
            if (pieces.find(std::string_view(piece).substr(at, length)) == kNoToken)
                return Error{ErrorCode::kUnsupported,
                             "tokenizer.json cannot say how '" + piece +
                                 "' is made: one of its characters is no token"};
            const std::string left = piece.substr(0, at);
            const std::string right = piece.substr(at);
            if (pieces.find(left) != kNoToken && pieces.find(right) != kNoToken)
                merges.push_back(left + ' ' + right);
            at += length;
        }
    }
    return merges;
}

void set_pieces_of_text(const VocabularyParts& parts, json& root) {
    json steps = json::array();
    const bool prefix = parts.add_space_prefix.value_or(true);
    // If normalised tokens strip blanks, these must become U+2581 late, in the pre-tokenizer.
    const bool strips = std::any_of(parts.added.begin(), parts.added.end(), [](const auto& entry) {
        const unsigned flags = entry.second;
        return (flags & kNormalised) != 0 && (flags & kKeepBlanks) == 0 &&
               (flags & (kLeftStrip | kRightStrip)) != 0;
    });
    const bool metaspace = prefix ? parts.prefix_once || parts.prefix_unless_blank : strips;
    if (prefix && !metaspace) steps.push_back({{"type", "Prepend"}, {"prepend", kBlank}});
    if (!metaspace) steps.push_back(replace_step(" ", kBlank));
    if (parts.normalise_nfc) steps.push_back({{"type", "NFC"}});
    if (!steps.empty()) root["normalizer"] = {{"type", "Sequence"}, {"normalizers", steps}};
    if (metaspace)
        root["pre_tokenizer"] = {{"type", "Metaspace"},
                                 {"replacement", kBlank},
                                 {"prepend_scheme", !prefix             ? "never"
                                                    : parts.prefix_once ? "first"
                                                                        : "always"},
                                 {"split", false}};
    json decoders = {replace_step(kBlank, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
    if (parts.add_space_prefix.value_or(true))
        decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    root["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
}

std::string config_of(const VocabularyParts& parts) {
    const bool bert = parts.model == "bert";
    json config = {{"tokenizer_class", bert ? "BertTokenizer" : "PreTrainedTokenizerFast"},
                   {"add_bos_token", parts.add_bos.value_or(false)},
                   {"add_eos_token", parts.add_eos.value_or(false)},
                   {"clean_up_tokenization_spaces", false}};
    const auto name = [&](const char* key, const std::optional<std::uint32_t>& id) {
        if (id && *id < parts.pieces.size()) config[key] = parts.pieces[*id];
    };
    name(bert ? "cls_token" : "bos_token", parts.bos);
    name(bert ? "sep_token" : "eos_token", parts.eos);
    name("mask_token", parts.mask);
    name("pad_token", parts.pad);
    name("unk_token", parts.unk);
    if (bert) {
        config["do_lower_case"] = parts.lower_case.value_or(true);
        config["strip_accents"] = parts.strip_accents.value_or(true);
        config["tokenize_chinese_chars"] = parts.space_ideographs.value_or(true);
    }
    if (!parts.chat_template.empty()) config["chat_template"] = parts.chat_template;
    return config.dump(2, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Result<TokenizerJson> write_tokenizer_json(const VocabularyParts& parts) {
    if (parts.model == "bert") {
        TokenizerJson files;
        files.tokenizer =
            write_wordpiece_json(parts).dump(-1, ' ', false, json::error_handler_t::replace);
        files.config = config_of(parts);
        return files;
    }
    const bool byte_level = parts.model == "gpt2";
    const auto pre = pre_tokenizer(byte_level ? parts.pre : "");
    if (!pre.ok() || pre->characters || (!byte_level && parts.model != "llama"))
        return Error{ErrorCode::kUnsupported, "tokenizer.json cannot be written for '" +
                                                  parts.model + "', '" + parts.pre + "'"};
    json vocab;
    json added;
    write_json_pieces(parts, added, vocab);
    bool bytes = false;
    for (std::size_t id = 0; id < parts.pieces.size(); ++id)
        bytes = bytes || has_type(parts, id, PieceType::kByte);
    json model = {{"type", "BPE"},
                  {"dropout", nullptr},
                  {"unk_token", nullptr},
                  {"continuing_subword_prefix", nullptr},
                  {"end_of_word_suffix", nullptr},
                  {"fuse_unk", parts.fuse_unk},
                  {"byte_fallback", bytes},
                  {"ignore_merges", parts.ignore_merges.value_or(false)},
                  {"vocab", std::move(vocab)}};
    if (parts.unk && *parts.unk < parts.pieces.size())
        model["unk_token"] = parts.pieces[*parts.unk];
    if (parts.scores.empty()) {
        model["merges"] = parts.merges;
    } else {
        ASSIGN_OR_RETURN(model["merges"], merges_of_scores(parts));
    }
    json root = {{"version", "1.0"},      {"truncation", nullptr},    {"padding", nullptr},
                 {"normalizer", nullptr}, {"pre_tokenizer", nullptr}, {"decoder", nullptr}};
    root["added_tokens"] = std::move(added);
    if (byte_level) {
        if (parts.normalise_nfc) root["normalizer"] = {{"type", "NFC"}};
        const std::vector<json> steps = steps_of_word_rule(pre->rule);
        root["decoder"] = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", false},
                           {"use_regex", true}};
        root["pre_tokenizer"] =
            steps.size() == 1 ? steps[0] : json{{"type", "Sequence"}, {"pretokenizers", steps}};
    } else {
        set_pieces_of_text(parts, root);
    }
    root["post_processor"] = template_processing(parts);
    root["model"] = std::move(model);
    TokenizerJson files;
    files.tokenizer = root.dump(-1, ' ', false, json::error_handler_t::replace);
    files.config = config_of(parts);
    return files;
}

}  // namespace cairn::text
