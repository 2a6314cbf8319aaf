// What the readers of a tokenizer.json share, whatever its model: access to members that may be
// absent or of another type, lists of steps, and the table of pieces.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "text/vocabulary.h"

namespace cairn::text {

/// Members of an object. If absent, null or of another type: "", `otherwise`, null for member().
std::string text_of(const nlohmann::json& object, const char* key);
bool flag_of(const nlohmann::json& object, const char* key, bool otherwise);
const nlohmann::json& member(const nlohmann::json& object, const char* key);

/// For messages, cut to 200 bytes.
std::string shown(const nlohmann::json& value);
/// kUnsupported, "tokenizer.json: ...".
Error unsupported_json(const std::string& what);

/// One step as a list, or all steps of a "Sequence"; `list` is the key under which it holds them.
std::vector<nlohmann::json> steps_of(const nlohmann::json& step, const char* list);

/// model.vocab, then added_tokens.
Status read_json_pieces(const nlohmann::json& root, VocabularyParts& parts);
/// added_tokens and model.vocab as read_json_pieces() reads them.
void write_json_pieces(const VocabularyParts& parts, nlohmann::json& added, nlohmann::json& vocab);

/// The lowest id of a piece, none for an empty one. Looks at every piece: for many, PieceIds.
std::optional<std::uint32_t> id_of(const VocabularyParts& parts, std::string_view piece);

/// id_of for many pieces, of parts that grow meanwhile: whoever adds a piece to them says so.
class PieceIds {
  public:
    explicit PieceIds(const VocabularyParts& parts);
    std::optional<std::uint32_t> find(const std::string& piece) const;
    /// A piece that find() does not know.
    void add(const std::string& piece, std::uint32_t id) { ids_.emplace(piece, id); }

  private:
    std::unordered_map<std::string, std::uint32_t> ids_;
};

}  // namespace cairn::text
