#include "text/json_vocabulary.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "text/added_tokens.h"
#include "text/json_added.h"

namespace cairn::text {

using nlohmann::json;

namespace {

Status put(const json& id, const std::string& piece, PieceType type, VocabularyParts& parts) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= kMaxPieces)
        return invalid("tokenizer.json: token '" + piece + "' has no number that it can have");
    const auto at = id.get<std::size_t>();
    if (parts.pieces.size() <= at) {
        parts.pieces.resize(at + 1);
        parts.types.resize(at + 1, static_cast<std::int32_t>(PieceType::kUnused));
    }
    parts.pieces[at] = piece;
    parts.types[at] = static_cast<std::int32_t>(type);
    return ok_status();
}

// An added token that the model's own vocabulary has is that token.
Status read_added_token(const json& token, const json& vocab, VocabularyParts& parts) {
    const std::string content = text_of(token, "content");
    if (content.empty()) return ok_status();
    const json& id = member(token, "id");
    const auto known = vocab.find(content);
    if (known != vocab.end() && *known != id)
        return invalid("tokenizer.json: the added token '" + content + "' has number " + shown(id) +
                       ", the vocabulary says " + shown(*known));
    std::uint8_t flags = added_flags(token);
    if (known == vocab.end()) {
        flags |= kNotOfModel;
        const std::uint64_t at = id.is_number_unsigned() ? id.get<std::uint64_t>() : kMaxPieces;
        if (at < parts.pieces.size() && !parts.pieces[at].empty() && parts.pieces[at] != content)
            return invalid("tokenizer.json: the added token '" + content + "' has the number of '" +
                           parts.pieces[at] + "'");
    }
    const bool special = flag_of(token, "special", false);
    RETURN_IF_ERROR(
        put(id, content, special ? PieceType::kControl : PieceType::kUserDefined, parts));
    if (flags != 0)
        parts.added[id.get<std::uint32_t>()] = flags;
    else
        parts.added.erase(id.get<std::uint32_t>());
    return ok_status();
}

bool has_type(const VocabularyParts& parts, std::size_t id, PieceType type) {
    return id < parts.types.size() && parts.types[id] == static_cast<std::int32_t>(type);
}

}  // namespace

std::string text_of(const json& object, const char* key) {
    const json& value = member(object, key);
    return value.is_string() ? value.get<std::string>() : std::string();
}

bool flag_of(const json& object, const char* key, bool otherwise) {
    const json& value = member(object, key);
    return value.is_boolean() ? value.get<bool>() : otherwise;
}

const json& member(const json& object, const char* key) {
    static const json null;
    const auto found = object.find(key);
    return found != object.end() ? *found : null;
}

std::string shown(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 200);
}

Error unsupported_json(const std::string& what) {
    return Error{ErrorCode::kUnsupported, "tokenizer.json: " + what};
}

std::vector<json> steps_of(const json& step, const char* list) {
    if (!step.is_object()) return {};
    if (text_of(step, "type") != "Sequence") return {step};
    const json& inner = member(step, list);
    return inner.is_array() ? inner.get<std::vector<json>>() : std::vector<json>();
}

Status read_json_pieces(const json& root, VocabularyParts& parts) {
    const json& vocab = member(member(root, "model"), "vocab");
    if (vocab.size() > kMaxPieces) return invalid("tokenizer.json: too many tokens");
    for (const auto& [piece, id] : vocab.items())
        RETURN_IF_ERROR(put(id, piece, PieceType::kNormal, parts));
    const json& added = member(root, "added_tokens");
    if (!added.is_array()) return ok_status();
    for (const json& token : added) {
        if (!token.is_object()) return invalid("tokenizer.json: an added token is no object");
        RETURN_IF_ERROR(read_added_token(token, vocab, parts));
    }
    return ok_status();
}

void write_json_pieces(const VocabularyParts& parts, json& added, json& vocab) {
    added = json::array();
    vocab = json::object();
    for (std::size_t id = 0; id < parts.pieces.size(); ++id) {
        const bool special =
            has_type(parts, id, PieceType::kControl) || has_type(parts, id, PieceType::kUnknown);
        const auto found = parts.added.find(static_cast<std::uint32_t>(id));
        const unsigned flags = found != parts.added.end() ? found->second : 0U;
        const bool is_added = special || has_type(parts, id, PieceType::kUserDefined);
        if (is_added)
            added.push_back({{"id", id},
                             {"content", parts.pieces[id]},
                             {"single_word", (flags & kSingleWord) != 0},
                             {"lstrip", (flags & kLeftStrip) != 0},
                             {"rstrip", (flags & kRightStrip) != 0},
                             {"normalized", (flags & kNormalised) != 0},
                             {"special", special}});
        // The library numbers added tokens that the vocabulary lacks from its size on.
        const bool in_vocabulary =
            is_added ? (flags & kNotOfModel) == 0 : !has_type(parts, id, PieceType::kUnused);
        if (in_vocabulary && !vocab.contains(parts.pieces[id])) vocab[parts.pieces[id]] = id;
    }
}

std::optional<std::uint32_t> id_of(const VocabularyParts& parts, std::string_view piece) {
    const auto found = std::find(parts.pieces.begin(), parts.pieces.end(), piece);
    if (piece.empty() || found == parts.pieces.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - parts.pieces.begin());
}

PieceIds::PieceIds(const VocabularyParts& parts) {
    ids_.reserve(parts.pieces.size());
    for (std::uint32_t id = 0; id < parts.pieces.size(); ++id)
        if (!parts.pieces[id].empty()) ids_.emplace(parts.pieces[id], id);
}

std::optional<std::uint32_t> PieceIds::find(const std::string& piece) const {
    const auto found = ids_.find(piece);
    return found != ids_.end() ? std::optional(found->second) : std::nullopt;
}

}  // namespace cairn::text
