// gguf_parts: a vocabulary as llama.cpp demands it.
#include <set>

#include <fmt/core.h>

#include "formats/gguf_writer.h"

namespace cairn::formats {

namespace {

// Ranked merges as scores: an earlier merge scores higher, which is what rank means.
std::vector<float> scores_of_merges(const text::VocabularyParts& parts) {
    std::vector<float> scores(parts.pieces.size(), 0.0F);
    std::map<std::string, std::size_t> ids;
    for (std::size_t id = 0; id < parts.pieces.size(); ++id) ids.emplace(parts.pieces[id], id);
    for (std::size_t rank = 0; rank < parts.merges.size(); ++rank) {
        std::string joined = parts.merges[rank];
        joined.erase(joined.find(' ', 1), 1);
        const auto at = ids.find(joined);
        if (at != ids.end() && scores[at->second] == 0.0F)
            scores[at->second] = -static_cast<float>(rank + 1);
    }
    return scores;
}

// A vocab.txt's spelling as GGUF's: see gguf_vocabulary.cc.
void mark_words(text::VocabularyParts& parts) {
    const auto control = static_cast<std::int32_t>(text::PieceType::kControl);
    for (std::size_t id = 0; id < parts.pieces.size(); ++id) {
        std::string& piece = parts.pieces[id];
        if (parts.types[id] == static_cast<std::int32_t>(text::PieceType::kUnknown))
            parts.types[id] = control;
        if (parts.types[id] == control) continue;
        if (piece.starts_with("##") && piece.size() > 2)
            piece.erase(0, 2);
        else
            piece.insert(0, "\xE2\x96\x81");
    }
}

}  // namespace

text::VocabularyParts gguf_parts(text::VocabularyParts parts, std::uint32_t vocab) {
    parts.types.resize(parts.pieces.size(), static_cast<std::int32_t>(text::PieceType::kNormal));
    if (parts.model == "bert") mark_words(parts);
    if (parts.model == "llama" && parts.scores.empty()) parts.scores = scores_of_merges(parts);
    // Two merges may make the same bytes, and the model may have more rows than there are pieces.
    // llama.cpp refuses equal spellings, so the later piece gets a made-up name and loses its text.
    std::set<std::string_view> seen;
    for (std::size_t id = 0; id < parts.pieces.size(); ++id) {
        if (!parts.pieces[id].empty() && seen.insert(parts.pieces[id]).second) continue;
        parts.pieces[id] = fmt::format("<|same-{}|>", id);
        parts.types[id] = static_cast<std::int32_t>(text::PieceType::kUnused);
    }
    for (std::size_t id = parts.pieces.size(); id < vocab; ++id) {
        parts.pieces.push_back(fmt::format("<|unused-{}|>", id));
        parts.types.push_back(static_cast<std::int32_t>(text::PieceType::kUnused));
        if (!parts.scores.empty()) parts.scores.push_back(0.0F);
    }
    return parts;
}

}  // namespace cairn::formats
