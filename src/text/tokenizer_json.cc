#include "text/tokenizer_json.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/json_depth.h"
#include "text/added_tokens.h"
#include "text/json_added.h"
#include "text/json_post_processor.h"
#include "text/json_vocabulary.h"
#include "text/pre_tokenizers.h"
#include "text/tokenizer.h"
#include "text/vocabulary_tokenizer.h"
#include "text/word_rule_forms.h"
#include "text/wordpiece.h"
#include "text/wordpiece_json.h"

namespace cairn::text {

namespace {

using nlohmann::json;

constexpr std::string_view kBlank = "\xE2\x96\x81";

class JsonReader {
  public:
    explicit JsonReader(const json& root) : root_(root), model_(member(root, "model")) {}

    Result<VocabularyParts> read() {
        if (!model_.is_object() || !member(model_, "vocab").is_object())
            return unsupported_json("it has no model with a vocabulary of names and numbers");
        const std::string type = text_of(model_, "type");
        if (type == "WordPiece") return read_wordpiece_json(root_);
        if (type != "BPE" && !(type.empty() && model_.contains("merges")))
            return unsupported_json("models of type '" + type +
                                    "' are not known here, only BPE and WordPiece");
        for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
            if (!text_of(model_, affix).empty())
                return unsupported_json(std::string(affix) + " is not known here");
        RETURN_IF_ERROR(read_json_pieces(root_, parts_));
        RETURN_IF_ERROR(read_merges());
        RETURN_IF_ERROR(read_pre_tokenizer());
        RETURN_IF_ERROR(read_normalizer());
        if (parts_.model == "llama") {
            mark_bytes();
            settle_blanks();
            keep_blanks();
        }
        RETURN_IF_ERROR(read_post_processor(root_, parts_));
        const std::string unk = text_of(model_, "unk_token");
        if (!unk.empty()) parts_.unk = find(unk);
        parts_.ignore_merges = flag_of(model_, "ignore_merges", false);
        parts_.fuse_unk = flag_of(model_, "fuse_unk", false);
        return std::move(parts_);
    }

  private:
    std::optional<std::uint32_t> find(const std::string& piece) const {
        return id_of(parts_, piece);
    }

    Status read_merges() {
        const json& merges = member(model_, "merges");
        if (!merges.is_array() || merges.size() > 4 * std::size_t{kMaxPieces})
            return invalid("tokenizer.json: no list of merges, or too long a one");
        for (const json& merge : merges) {
            if (merge.is_string()) {
                parts_.merges.push_back(merge.get<std::string>());
            } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                       merge[1].is_string()) {
                parts_.merges.push_back(merge[0].get<std::string>() + ' ' +
                                        merge[1].get<std::string>());
            } else {
                return invalid("tokenizer.json: a merge is neither text nor a pair");
            }
        }
        return ok_status();
    }

    Status read_pre_tokenizer() {
        const auto steps = steps_of(member(root_, "pre_tokenizer"), "pretokenizers");
        const bool byte_level = std::any_of(steps.begin(), steps.end(), [](const json& step) {
            return step.is_object() && text_of(step, "type") == "ByteLevel";
        });
        parts_.model = byte_level ? "gpt2" : "llama";
        parts_.add_space_prefix = false;
        return byte_level ? read_byte_level(steps) : read_metaspace(steps);
    }

    Status read_byte_level(const std::vector<json>& steps) {
        for (const json& step : steps)
            if (step.is_object() && flag_of(step, "add_prefix_space", false))
                return unsupported_json("a blank before every text of bytes (add_prefix_space)");
        const auto rule = word_rule_of_steps(steps);
        if (!rule)
            return unsupported_json("the rule of cutting text " + shown(json(steps)) +
                                    " is not known here");
        parts_.ignore_merges = flag_of(model_, "ignore_merges", false);
        parts_.pre = pre_tokenizer_name(*rule, *parts_.ignore_merges);
        return ok_status();
    }

    Status read_metaspace(const std::vector<json>& steps) {
        for (const json& step : steps) {
            const std::string type = step.is_object() ? text_of(step, "type") : "";
            if (type == "Metaspace" && text_of(step, "replacement") == kBlank &&
                !flag_of(step, "split", true)) {
                const std::string scheme = text_of(step, "prepend_scheme");
                parts_.add_space_prefix =
                    scheme.empty() ? flag_of(step, "add_prefix_space", true) : scheme != "never";
                parts_.prefix_once = scheme == "first";
                parts_.prefix_unless_blank = *parts_.add_space_prefix;
            } else if (type == "Split" && text_of(member(step, "pattern"), "String") == " ") {
                // The normalizer has replaced all blanks by U+2581, so this step cuts nothing.
            } else {
                return unsupported_json("the pre-tokenizer " + shown(step) + " is not known here");
            }
        }
        return ok_status();
    }

    Status read_normalizer() {
        for (const json& step : steps_of(member(root_, "normalizer"), "normalizers")) {
            const std::string type = step.is_object() ? text_of(step, "type") : "";
            const bool pieces = parts_.model == "llama";
            if (type == "NFC") {
                parts_.normalise_nfc = true;
            } else if (pieces && type == "Prepend" && text_of(step, "prepend") == kBlank) {
                parts_.add_space_prefix = true;
                parts_.prefix_once = parts_.prefix_unless_blank = false;
            } else if (pieces && type == "Replace" && text_of(step, "content") == kBlank &&
                       text_of(member(step, "pattern"), "String") == " ") {
                blanks_are_normalised_ = true;  // our own encoder keeps blanks as they are
            } else {
                return unsupported_json("the normalizer " + shown(step) + " is not known here");
            }
        }
        return ok_status();
    }

    void mark_bytes() {
        if (!flag_of(model_, "byte_fallback", false)) return;
        for (int byte = 0; byte < 256; ++byte)
            if (const auto id = find(fmt::format("<0x{:02X}>", byte)))
                parts_.types[*id] = static_cast<std::int32_t>(PieceType::kByte);
    }

    // Where blanks are U+2581 in normalised text, tokens that are found there do not strip them.
    void keep_blanks() {
        if (!blanks_are_normalised_) return;
        for (auto& [id, flags] : parts_.added)
            if ((flags & kNormalised) != 0 && (flags & (kLeftStrip | kRightStrip)) != 0)
                flags |= kKeepBlanks;
    }

    // Our encoder never takes U+2581 in a text for a blank. An added token that contains U+2581 can
    // thus only match in normalised text, where it is a blank; else it is left to the merges.
    void settle_blanks() {
        for (std::uint32_t id = 0; id < parts_.pieces.size(); ++id) {
            if (parts_.types[id] != static_cast<std::int32_t>(PieceType::kUserDefined) ||
                parts_.pieces[id].find(kBlank) == std::string::npos)
                continue;
            const auto found = parts_.added.find(id);
            const unsigned flags = found != parts_.added.end() ? found->second : 0U;
            if ((flags & kNormalised) != 0 && blanks_are_normalised_) continue;
            const bool of_model = (flags & kNotOfModel) == 0;
            parts_.types[id] =
                static_cast<std::int32_t>(of_model ? PieceType::kNormal : PieceType::kUnused);
            parts_.added.erase(id);
        }
    }

    const json& root_;
    const json& model_;
    VocabularyParts parts_;
    bool blanks_are_normalised_ = false;
};

Result<json> parse_object(const std::string& text, const char* name) {
    if (text.size() > kMaxTokenizerJsonBytes)
        return invalid(fmt::format("{} is longer than {} bytes", name, kMaxTokenizerJsonBytes));
    RETURN_IF_ERROR(check_json_depth(text, name));
    json object = json::parse(text, nullptr, false);
    if (!object.is_object()) return invalid(std::string(name) + " is not a JSON object");
    return object;
}

// "bos_token": "<s>" or {"content": "<s>"}.
std::string token_name(const json& config, const char* key) {
    const json& value = member(config, key);
    return value.is_object() ? text_of(value, "content") : text_of(config, key);
}

std::string template_of(const json& config) {
    const json& value = member(config, "chat_template");
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) return {};
    for (const json& item : value)
        if (item.is_object() && text_of(item, "name") == "default")
            return text_of(item, "template");
    return {};
}

void name_tokens(const json& config, VocabularyParts& parts) {
    if (const auto id = id_of(parts, token_name(config, "bos_token"))) parts.bos = id;
    if (const auto id = id_of(parts, token_name(config, "eos_token"))) parts.eos = id;
    if (const auto id = id_of(parts, token_name(config, "pad_token"))) parts.pad = id;
    if (const auto id = id_of(parts, token_name(config, "mask_token"))) parts.mask = id;
    if (parts.model == "bert") {
        if (const auto id = id_of(parts, token_name(config, "cls_token"))) parts.bos = id;
        if (const auto id = id_of(parts, token_name(config, "sep_token"))) parts.eos = id;
    }
    if (!parts.unk) parts.unk = id_of(parts, token_name(config, "unk_token"));
}

// Some of the library's classes add to a text what tokenizer.json says, some what the other files
// call its first and last token.
Status check_same(const VocabularyParts& parts, std::optional<bool> adds,
                  std::optional<std::uint32_t> added, std::optional<std::uint32_t> named,
                  const char* does) {
    if (!adds.value_or(false) || !added || added == named) return ok_status();
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a text {0} with '{1}' in tokenizer.json, with '{2}' in "
                             "tokenizer_config.json or special_tokens_map.json; make them agree",
                             does, parts.pieces[*added], parts.pieces[*named])};
}

// For a tokenizer.json without its companion files: looks for the usual names of these tokens.
void guess_tokens(VocabularyParts& parts) {
    const auto first = [&](std::initializer_list<const char*> names) {
        std::optional<std::uint32_t> id;
        for (const char* name : names)
            if (!id) id = id_of(parts, name);
        return id;
    };
    if (!parts.bos) parts.bos = first({"<|begin_of_text|>", "<s>", "<bos>", "<|endoftext|>"});
    if (!parts.eos) parts.eos = first({"<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>"});
}

Result<VocabularyParts> read_pieces(const TokenizerJson& files) {
    if (files.tokenizer.empty() && !files.vocab.empty()) return read_vocab_txt(files.vocab);
    ASSIGN_OR_RETURN(const json root, parse_object(files.tokenizer, "tokenizer.json"));
    return JsonReader(root).read();
}

// How BERT's own tokenizer, which a vocab.txt belongs to, cleans texts.
void read_cleaning(const json& config, VocabularyParts& parts) {
    const auto take = [&](const char* key, std::optional<bool>& value) {
        if (member(config, key).is_boolean()) value = member(config, key).get<bool>();
    };
    take("do_lower_case", parts.lower_case);
    take("strip_accents", parts.strip_accents);
    take("tokenize_chinese_chars", parts.space_ideographs);
}

// Added tokens of the other files. special_tokens_map.json and added_tokens.json are older than
// added_tokens_decoder, and are ignored where that is present.
Status read_added(const TokenizerJson& files, const json& special, const json& config,
                  VocabularyParts& parts) {
    parts.types.resize(parts.pieces.size(), static_cast<std::int32_t>(PieceType::kNormal));
    const json& decoder = member(config, "added_tokens_decoder");
    const bool old = !decoder.is_object();
    const auto each_special = [&](const auto& visit) {
        for (const json* file : {&config, &special}) {
            if (file == &special && !old) continue;
            for (const auto& [key, value] : file->items()) {
                if (key.ends_with("_token")) visit(value);
                if (key.ends_with("special_tokens") && value.is_array())
                    for (const json& token : value) visit(token);
            }
        }
    };
    if (!old) RETURN_IF_ERROR(merge_added_decoder(decoder, parts));
    if (old && !files.added.empty()) {
        std::set<std::string> names;
        each_special([&](const json& token) {
            names.insert(token.is_object()   ? text_of(token, "content")
                         : token.is_string() ? token.get<std::string>()
                                             : std::string());
        });
        ASSIGN_OR_RETURN(const json added, parse_object(files.added, "added_tokens.json"));
        RETURN_IF_ERROR(merge_added_names(added, names, parts));
    }
    const PieceIds ids(parts);
    each_special([&](const json& token) { mark_special(token, ids, parts); });
    return ok_status();
}

// Hugging Face's generate() ends a text at the tokens that generation_config.json names, or where
// that is not there config.json, whatever the tokenizer calls its last one.
Status read_ends(const TokenizerJson& files, VocabularyParts& parts) {
    const bool own = !files.generation.empty();
    const char* const file = own ? "generation_config.json" : "config.json";
    const std::string& text = own ? files.generation : files.model_config;
    if (text.empty() || parts.model == "bert") return ok_status();
    ASSIGN_OR_RETURN(const json config, parse_object(text, file));
    json ends = member(config, "eos_token_id");
    if (ends.is_null()) return ok_status();
    if (!ends.is_array()) ends = json::array({ends});
    for (const json& end : ends) {
        if (!end.is_number_unsigned() || end.get<std::uint64_t>() >= parts.pieces.size())
            return invalid(fmt::format("{}: eos_token_id {} is no token of this vocabulary", file,
                                       end.dump()));
        const auto id = end.get<std::uint32_t>();
        const bool control = id < parts.types.size() &&
                             parts.types[id] == static_cast<std::int32_t>(PieceType::kControl);
        if (parts.bos == id || parts.eos == id || parts.eot == id ||
            (control && is_end_name(parts.pieces[id])))
            continue;
        if (parts.eot)
            return Error{ErrorCode::kUnsupported,
                         fmt::format("{}: texts would also end at token {} ({}), more ends than "
                                     "this program keeps; take it out of eos_token_id",
                                     file, id, parts.pieces[id])};
        parts.eot = id;
    }
    return ok_status();
}

}  // namespace

Result<VocabularyParts> read_tokenizer_json(const TokenizerJson& files) {
    ASSIGN_OR_RETURN(VocabularyParts parts, read_pieces(files));
    json special = json::object();
    json config = json::object();
    if (!files.special.empty()) {
        ASSIGN_OR_RETURN(special, parse_object(files.special, "special_tokens_map.json"));
    }
    if (!files.config.empty()) {
        ASSIGN_OR_RETURN(config, parse_object(files.config, "tokenizer_config.json"));
    }
    RETURN_IF_ERROR(read_added(files, special, config, parts));
    const auto begin = parts.bos;
    const auto end = parts.eos;
    name_tokens(special, parts);
    if (!files.config.empty()) {
        name_tokens(config, parts);
        const json& add_bos = member(config, "add_bos_token");
        if (add_bos.is_boolean()) parts.add_bos = add_bos.get<bool>() && parts.bos;
        const json& add_eos = member(config, "add_eos_token");
        if (add_eos.is_boolean()) parts.add_eos = add_eos.get<bool>() && parts.eos;
        parts.chat_template = template_of(config);
        if (files.tokenizer.empty()) read_cleaning(config, parts);
    }
    if (!files.chat_template.empty()) parts.chat_template = files.chat_template;
    RETURN_IF_ERROR(check_same(parts, parts.add_bos, begin, parts.bos, "begins"));
    RETURN_IF_ERROR(check_same(parts, parts.add_eos, end, parts.eos, "ends"));
    guess_tokens(parts);
    RETURN_IF_ERROR(read_ends(files, parts));
    return parts;
}

}  // namespace cairn::text
