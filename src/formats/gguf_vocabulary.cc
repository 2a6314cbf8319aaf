// tokenizer.ggml.*: keys of a GGUF file as VocabularyParts.
#include <algorithm>

#include "formats/gguf_model.h"
#include "text/added_tokens.h"

namespace cairn::formats {

namespace {

constexpr std::string_view kWordBegin = "\xE2\x96\x81";

Result<std::optional<std::uint32_t>> id(const GgufHeader& header, const char* key) {
    if (!header.has(key)) return std::optional<std::uint32_t>();
    // Some writers say "none" as -1 or 2^32 - 1.
    const auto number = header.number(key);
    if (!number.ok() || *number >= text::kMaxPieces) return std::optional<std::uint32_t>();
    return std::optional(*number);
}

Result<std::optional<bool>> choice(const GgufHeader& header, const char* key) {
    if (!header.has(key)) return std::optional<bool>();
    ASSIGN_OR_RETURN(const bool value, header.flag(key, false));
    return std::optional(value);
}

// GGUF writes U+2581 before pieces that begin a word and nothing before those inside; a vocab.txt
// has it the other way. Names in brackets stay.
Status read_words(const GgufHeader& header, text::VocabularyParts& parts) {
    ASSIGN_OR_RETURN(const auto cls, id(header, "tokenizer.ggml.cls_token_id"));
    ASSIGN_OR_RETURN(const auto sep, id(header, "tokenizer.ggml.seperator_token_id"));
    if (cls) parts.bos = cls;
    if (sep) parts.eos = sep;
    ASSIGN_OR_RETURN(const auto add_sep, choice(header, "tokenizer.ggml.add_sep_token"));
    if (add_sep) parts.add_eos = add_sep;
    const auto control = static_cast<std::int32_t>(text::PieceType::kControl);
    parts.types.resize(parts.pieces.size(), static_cast<std::int32_t>(text::PieceType::kNormal));
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

// GGUF cannot store the flags of added tokens. llama.cpp knows those of a few models by their name:
// Phi-3's control tokens strip the space after them, some mask tokens the space before them.
void add_known_flags(const std::string& model_name, text::VocabularyParts& parts) {
    const auto strip = [&](std::string_view name, std::uint8_t flags) {
        const auto found = std::find(parts.pieces.begin(), parts.pieces.end(), name);
        if (found == parts.pieces.end()) return;
        const auto id = static_cast<std::uint32_t>(found - parts.pieces.begin());
        if (flags == 0)
            parts.added.erase(id);
        else
            parts.added[id] = flags;
    };
    for (const char* pre : {"jina-v2-de", "jina-v2-es", "jina-v2-code"})
        if (parts.pre == pre) strip("<mask>", text::kLeftStrip);
    if (parts.pre == "modern-bert" || model_name.find("modern-bert") != std::string::npos)
        strip("[MASK]", text::kLeftStrip);
    if (model_name.find("phi-3") == std::string::npos &&
        model_name.find("phi3") == std::string::npos)
        return;
    for (std::uint32_t id = 0; id < parts.types.size(); ++id)
        if (parts.types[id] == static_cast<std::int32_t>(text::PieceType::kControl) ||
            parts.types[id] == static_cast<std::int32_t>(text::PieceType::kUserDefined))
            parts.added[id] = text::kRightStrip;
    strip("</s>", text::kRightStrip);
    for (const char* name : {"<unk>", "<s>", "<|endoftext|>"}) strip(name, 0);
}

Result<text::VocabularyParts> with_own_flags(const GgufHeader& header,
                                             text::VocabularyParts parts) {
    ASSIGN_OR_RETURN(const auto pairs, header.integers(kAddedTokensKey, 2 * text::kMaxPieces));
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
        const bool known =
            pairs[i] >= 0 && static_cast<std::size_t>(pairs[i]) < parts.pieces.size();
        if (!known || pairs[i + 1] <= 0 || pairs[i + 1] > text::kAllAddedFlags)
            return invalid(std::string(kAddedTokensKey) + " names no token, or no flags");
        parts.added[static_cast<std::uint32_t>(pairs[i])] = static_cast<std::uint8_t>(pairs[i + 1]);
    }
    if (pairs.size() % 2 != 0) return invalid(std::string(kAddedTokensKey) + " has half a pair");
    return parts;
}

}  // namespace

Result<text::VocabularyParts> gguf_vocabulary(const GgufHeader& header) {
    text::VocabularyParts parts;
    ASSIGN_OR_RETURN(parts.model, header.text("tokenizer.ggml.model", ""));
    if (parts.model.empty() || parts.model == "none")
        return not_found("the file has no vocabulary");
    ASSIGN_OR_RETURN(parts.pre, header.text("tokenizer.ggml.pre", ""));
    ASSIGN_OR_RETURN(parts.pieces,
                     header.texts("tokenizer.ggml.tokens", text::kMaxPieces, text::kMaxPieceBytes));
    ASSIGN_OR_RETURN(parts.scores, header.reals("tokenizer.ggml.scores", text::kMaxPieces));
    ASSIGN_OR_RETURN(parts.types, header.integers("tokenizer.ggml.token_type", text::kMaxPieces));
    ASSIGN_OR_RETURN(parts.merges, header.texts("tokenizer.ggml.merges", text::kMaxPieces,
                                                2 * text::kMaxPieceBytes + 1));
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
    if (parts.chat_template.size() > text::kMaxChatTemplateBytes)
        return invalid("tokenizer.chat_template is too long");
    if (parts.model == "bert") RETURN_IF_ERROR(read_words(header, parts));
    ASSIGN_OR_RETURN(std::string name, header.text("general.name", ""));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (header.has(kAddedTokensKey)) return with_own_flags(header, std::move(parts));
    add_known_flags(name, parts);
    return parts;
}

}  // namespace cairn::formats
