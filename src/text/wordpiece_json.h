// A tokenizer.json whose model is WordPiece, and the way back. Of the shapes that such a file can
// take the one of BERT is understood: BertNormalizer, BertPreTokenizer, "##" inside words.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "text/vocabulary.h"

namespace cairn::text {

Result<VocabularyParts> read_wordpiece_json(const nlohmann::json& root);
nlohmann::json write_wordpiece_json(const VocabularyParts& parts);

}  // namespace cairn::text
