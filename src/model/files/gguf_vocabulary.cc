// tokenizer.ggml.*: keys of a GGUF file as VocabularyParts.
#include "model/files/gguf_model.h"

namespace cairn::model {

namespace {

constexpr std::string_view kWordBegin = "\xE2\x96\x81";

Result<std::optional<std::uint32_t>> id(const GgufHeader& header, const char* key) {
    if (!header.has(key)) return std::optional<std::uint32_t>();
    // Some writers say "none" as -1 or 2^32 - 1.
    const auto number = header.number(key);
    if (!number.ok() || *number >= kMaxPieces) return std::optional<std::uint32_t>();
    return std::optional(*number);
}

Result<std::optional<bool>> choice(const GgufHeader& header, const char* key) {
    if (!header.has(key)) return std::optional<bool>();
    ASSIGN_OR_RETURN(const bool value, header.flag(key, false));
    return std::optional(value);
}

// GGUF writes U+2581 before pieces that begin a word and nothing before those inside; a vocab.txt
// has it the other way. Names in brackets stay.
Status read_words(const GgufHeader& header, VocabularyParts& parts) {
    ASSIGN_OR_RETURN(const auto cls, id(header, "tokenizer.ggml.cls_token_id"));
    ASSIGN_OR_RETURN(const auto sep, id(header, "tokenizer.ggml.seperator_token_id"));
    if (cls) parts.bos = cls;
    if (sep) parts.eos = sep;
    ASSIGN_OR_RETURN(const auto add_sep, choice(header, "tokenizer.ggml.add_sep_token"));
    if (add_sep) parts.add_eos = add_sep;
    const auto control = static_cast<std::int32_t>(PieceType::kControl);
    parts.types.resize(parts.pieces.size(), static_cast<std::int32_t>(PieceType::kNormal));
    for (std::size_t i = 0; i < parts.pieces.size(); ++i) {
        std::string& piece = parts.pieces[i];
        if (parts.types[i] == control) continue;
        if (piece.starts_with(kWordBegin))
            piece.erase(0, kWordBegin.size());
        else if (piece.starts_with('[') && piece.ends_with(']'))
            parts.types[i] = control;
        else
            piece.insert(0, "##");
    }
    parts.scores.clear();
    return ok_status();
}

}  // namespace

Result<VocabularyParts> gguf_vocabulary(const GgufHeader& header) {
    VocabularyParts parts;
    ASSIGN_OR_RETURN(parts.model, header.text("tokenizer.ggml.model", ""));
    if (parts.model.empty() || parts.model == "none")
        return not_found("the file has no vocabulary");
    ASSIGN_OR_RETURN(parts.pre, header.text("tokenizer.ggml.pre", ""));
    ASSIGN_OR_RETURN(parts.pieces,
                     header.texts("tokenizer.ggml.tokens", kMaxPieces, kMaxPieceBytes));
    ASSIGN_OR_RETURN(parts.scores, header.reals("tokenizer.ggml.scores", kMaxPieces));
    ASSIGN_OR_RETURN(parts.types, header.integers("tokenizer.ggml.token_type", kMaxPieces));
    ASSIGN_OR_RETURN(parts.merges,
                     header.texts("tokenizer.ggml.merges", kMaxPieces, 2 * kMaxPieceBytes + 1));
    ASSIGN_OR_RETURN(parts.bos, id(header, "tokenizer.ggml.bos_token_id"));
    ASSIGN_OR_RETURN(parts.eos, id(header, "tokenizer.ggml.eos_token_id"));
    ASSIGN_OR_RETURN(parts.eot, id(header, "tokenizer.ggml.eot_token_id"));
    ASSIGN_OR_RETURN(parts.unk, id(header, "tokenizer.ggml.unknown_token_id"));
    ASSIGN_OR_RETURN(parts.pad, id(header, "tokenizer.ggml.padding_token_id"));
    ASSIGN_OR_RETURN(parts.mask, id(header, "tokenizer.ggml.mask_token_id"));
    ASSIGN_OR_RETURN(parts.lower_case, choice(header, "tokenizer.ggml.normalizer.lowercase"));
    ASSIGN_OR_RETURN(parts.add_bos, choice(header, "tokenizer.ggml.add_bos_token"));
    ASSIGN_OR_RETURN(parts.add_eos, choice(header, "tokenizer.ggml.add_eos_token"));
    ASSIGN_OR_RETURN(parts.add_space_prefix, choice(header, "tokenizer.ggml.add_space_prefix"));
    ASSIGN_OR_RETURN(parts.remove_extra_spaces,
                     choice(header, "tokenizer.ggml.remove_extra_whitespaces"));
    ASSIGN_OR_RETURN(parts.chat_template, header.text("tokenizer.chat_template", ""));
    if (parts.chat_template.size() > kMaxChatTemplateBytes)
        return invalid("tokenizer.chat_template is too long");
    if (parts.model == "bert") RETURN_IF_ERROR(read_words(header, parts));
    return parts;
}

}  // namespace cairn::model
