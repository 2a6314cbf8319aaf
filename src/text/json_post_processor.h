// Which tokens a tokenizer.json puts before and after a text (its post_processor).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "text/vocabulary.h"

namespace cairn::text {

/// Sets bos and eos where it adds them, and add_bos and add_eos. kUnsupported for all that is not
/// [token] text [token].
Status read_post_processor(const nlohmann::json& root, VocabularyParts& parts);

/// The same the other way; null if the vocabulary wants neither.
nlohmann::json template_processing(const VocabularyParts& parts);

}  // namespace cairn::text
