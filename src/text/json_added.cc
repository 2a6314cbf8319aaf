#include "text/json_added.h"

#include <charconv>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "text/added_tokens.h"
#include "text/json_vocabulary.h"

namespace cairn::text {

using nlohmann::json;

namespace {

// An added token as a file describes it; `special` ones become control tokens.
struct Described {
    std::uint32_t id = 0;
    std::string content;
    std::uint8_t flags = 0;
    bool special = false;
};

std::int32_t number_of(PieceType type) { return static_cast<std::int32_t>(type); }

bool is_added(const VocabularyParts& parts, std::uint32_t id) {
    return parts.types[id] == number_of(PieceType::kControl) ||
           parts.types[id] == number_of(PieceType::kUserDefined);
}

void set_flags(VocabularyParts& parts, std::uint32_t id, std::uint8_t flags) {
    if (flags == 0)
        parts.added.erase(id);
    else
        parts.added[id] = flags;
}

Status add_piece(const Described& token, const char* file, PieceIds& ids, VocabularyParts& parts) {
    if (token.id >= kMaxPieces)
        return invalid(fmt::format("{}: token '{}' has number {}, allowed are less than {}", file,
                                   token.content, token.id, kMaxPieces));
    if (parts.pieces.size() <= token.id) {
        parts.pieces.resize(token.id + 1);
        parts.types.resize(token.id + 1, number_of(PieceType::kUnused));
    }
    if (!parts.pieces[token.id].empty())
        return invalid(fmt::format("{} calls token {} '{}', tokenizer.json calls it '{}'", file,
                                   token.id, token.content, parts.pieces[token.id]));
    parts.pieces[token.id] = token.content;
    ids.add(token.content, token.id);
    parts.types[token.id] =
        number_of(token.special ? PieceType::kControl : PieceType::kUserDefined);
    set_flags(parts, token.id, token.flags | kNotOfModel);
    return ok_status();
}

// Hugging Face's library adds the token a second time. That changes its strip and single-word
// flags, but a special token is still matched as before (raw or normalised), any other both ways.
Status merge(const Described& token, const char* file, PieceIds& ids, VocabularyParts& parts) {
    if (token.content.empty()) return ok_status();
    const bool there = token.id < parts.pieces.size() && parts.pieces[token.id] == token.content;
    const auto known = there ? std::optional(token.id) : ids.find(token.content);
    if (!known) return add_piece(token, file, ids, parts);
    if (*known != token.id)
        return invalid(fmt::format("{} says that '{}' is token {}, tokenizer.json that it is {}",
                                   file, token.content, token.id, *known));
    std::uint8_t flags = token.flags;
    bool special = token.special;
    const auto found = parts.added.find(token.id);
    const std::uint8_t before = found != parts.added.end() ? found->second : std::uint8_t{0};
    if (is_added(parts, token.id)) {
        const bool was_special = parts.types[token.id] == number_of(PieceType::kControl);
        if (((flags ^ before) & kNormalised) != 0 && !(special && was_special))
            return Error{ErrorCode::kUnsupported,
                         fmt::format("{} and tokenizer.json do not say the same of '{}': one that "
                                     "it is normalized, one that it is not",
                                     file, token.content)};
        flags = static_cast<std::uint8_t>((flags & ~kNormalised) |
                                          (before & (kNormalised | kNotOfModel)));
        special = special || was_special;
    }
    parts.types[token.id] = number_of(special ? PieceType::kControl : PieceType::kUserDefined);
    set_flags(parts, token.id, flags);
    return ok_status();
}

}  // namespace

std::uint8_t added_flags(const json& token) {
    const bool special = flag_of(token, "special", false);
    unsigned flags = 0;
    if (flag_of(token, "lstrip", false)) flags |= kLeftStrip;
    if (flag_of(token, "rstrip", false)) flags |= kRightStrip;
    if (flag_of(token, "single_word", false)) flags |= kSingleWord;
    if (flag_of(token, "normalized", !special)) flags |= kNormalised;
    return static_cast<std::uint8_t>(flags);
}

Status merge_added_decoder(const json& decoder, VocabularyParts& parts) {
    constexpr const char* kFile = "tokenizer_config.json";
    PieceIds ids(parts);
    for (const auto& [key, token] : decoder.items()) {
        Described described;
        const auto [end, error] =
            std::from_chars(key.data(), key.data() + key.size(), described.id);
        if (error != std::errc() || end != key.data() + key.size() || !token.is_object())
            return invalid(
                fmt::format("{}: added_tokens_decoder has '{}', which is no token's "
                            "number and description",
                            kFile, key.substr(0, 40)));
        described.content = text_of(token, "content");
        described.flags = added_flags(token);
        described.special = flag_of(token, "special", false);
        RETURN_IF_ERROR(merge(described, kFile, ids, parts));
    }
    return ok_status();
}

Status merge_added_names(const json& names, const std::set<std::string>& special,
                         VocabularyParts& parts) {
    PieceIds ids(parts);
    for (const auto& [name, id] : names.items()) {
        if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= kMaxPieces)
            return invalid("added_tokens.json: token '" + name +
                           "' has no number that it can have");
        // tokenizer.json describes it in more detail, so that description stays.
        const auto known = ids.find(name);
        if (known && *known == id.get<std::uint32_t>() && is_added(parts, *known)) continue;
        const bool is_special = special.contains(name);
        const Described described{id.get<std::uint32_t>(), name,
                                  is_special ? std::uint8_t{0} : std::uint8_t{kNormalised},
                                  is_special};
        RETURN_IF_ERROR(merge(described, "added_tokens.json", ids, parts));
    }
    return ok_status();
}

void mark_special(const json& token, const PieceIds& ids, VocabularyParts& parts) {
    const std::string name = token.is_object()   ? text_of(token, "content")
                             : token.is_string() ? token.get<std::string>()
                                                 : std::string();
    const auto id = ids.find(name);
    if (!id || *id >= parts.types.size() || is_added(parts, *id)) return;
    parts.types[*id] = number_of(PieceType::kControl);
    json described = token.is_object() ? token : json::object();
    described["special"] = true;
    set_flags(parts, *id, added_flags(described));
}

}  // namespace cairn::text
