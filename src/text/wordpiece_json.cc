#include "text/wordpiece_json.h"

#include <nlohmann/json.hpp>

#include "text/json_post_processor.h"
#include "text/json_vocabulary.h"

namespace cairn::text {

using nlohmann::json;

namespace {

constexpr const char* kInner = "##";

Status read_normalizer(const json& root, VocabularyParts& parts) {
    // Without one, nothing is done to a text before it is cut.
    parts.clean_text = parts.space_ideographs = parts.lower_case = parts.strip_accents = false;
    const auto steps = steps_of(member(root, "normalizer"), "normalizers");
    if (steps.size() > 1) return unsupported_json("several normalizers before WordPiece");
    for (const json& step : steps) {
        if (!step.is_object() || text_of(step, "type") != "BertNormalizer")
            return unsupported_json("the normalizer " + shown(step) + " is not known here");
        parts.clean_text = flag_of(step, "clean_text", true);
        parts.space_ideographs = flag_of(step, "handle_chinese_chars", true);
        parts.lower_case = flag_of(step, "lowercase", true);
        parts.strip_accents = flag_of(step, "strip_accents", *parts.lower_case);
    }
    return ok_status();
}

Status read_pre_tokenizer(const json& root) {
    const json& step = member(root, "pre_tokenizer");
    if (!step.is_object() || text_of(step, "type") != "BertPreTokenizer")
        return unsupported_json("the pre-tokenizer " + shown(step) +
                                " before WordPiece is not known here");
    return ok_status();
}

}  // namespace

Result<VocabularyParts> read_wordpiece_json(const json& root) {
    const json& model = member(root, "model");
    const json& prefix = member(model, "continuing_subword_prefix");
    if (!prefix.is_null() && prefix != json(kInner))
        return unsupported_json("pieces inside a word that begin with " + shown(prefix));
    VocabularyParts parts;
    parts.model = "bert";
    RETURN_IF_ERROR(read_json_pieces(root, parts));
    RETURN_IF_ERROR(read_normalizer(root, parts));
    RETURN_IF_ERROR(read_pre_tokenizer(root));
    RETURN_IF_ERROR(read_post_processor(root, parts));
    const std::string unk = text_of(model, "unk_token");
    parts.unk = id_of(parts, unk.empty() ? "[UNK]" : unk);
    const json& longest = member(model, "max_input_chars_per_word");
    if (longest.is_number_unsigned() && longest.get<std::uint64_t>() < kMaxPieceBytes)
        parts.max_word = longest.get<std::uint32_t>();
    return parts;
}

json write_wordpiece_json(const VocabularyParts& parts) {
    json root = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
    json vocab;
    write_json_pieces(parts, root["added_tokens"], vocab);
    const std::string unk = parts.unk ? parts.pieces[*parts.unk] : "[UNK]";
    root["normalizer"] = {{"type", "BertNormalizer"},
                          {"clean_text", parts.clean_text.value_or(true)},
                          {"handle_chinese_chars", parts.space_ideographs.value_or(true)},
                          {"strip_accents", parts.strip_accents.value_or(true)},
                          {"lowercase", parts.lower_case.value_or(true)}};
    root["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
    root["post_processor"] = template_processing(parts);
    root["decoder"] = {{"type", "WordPiece"}, {"prefix", kInner}, {"cleanup", true}};
    root["model"] = {{"type", "WordPiece"},
                     {"unk_token", unk},
                     {"continuing_subword_prefix", kInner},
                     {"max_input_chars_per_word", parts.max_word.value_or(100)},
                     {"vocab", std::move(vocab)}};
    return root;
}

}  // namespace cairn::text
