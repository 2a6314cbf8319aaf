// Word pieces from what files say of them, and the way back.
#include <algorithm>

#include <fmt/core.h>

#include "text/unicode.h"
#include "text/wordpiece.h"

namespace cairn::text {

namespace {

std::optional<std::uint32_t> find(const std::vector<std::string>& pieces, std::string_view name) {
    const auto found = std::find(pieces.begin(), pieces.end(), name);
    if (found == pieces.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - pieces.begin());
}

// Where a file does not say how its texts are cleaned, its pieces show it: a vocabulary with many
// capitals was not made from lower-case text, one with many accents not from text without accents.
// A few odd pieces may be there by mistake.
bool few(const VocabularyParts& parts, bool (*odd)(std::string_view)) {
    const auto count = std::count_if(parts.pieces.begin(), parts.pieces.end(), odd);
    return static_cast<std::size_t>(count) <= parts.pieces.size() / 100;
}

bool has_capital(std::string_view piece) {
    return !piece.starts_with('[') &&
           std::any_of(piece.begin(), piece.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool has_accent(std::string_view piece) {
    const BertCleaning strip{
        .clean = false, .ideographs = false, .strip_accents = true, .lower_case = false};
    return bert_clean(piece, strip) != piece;
}

}  // namespace

Result<WordPieces> word_pieces_of(const VocabularyParts& parts) {
    WordPieces v;
    v.cleaning.clean = parts.clean_text.value_or(true);
    v.cleaning.ideographs = parts.space_ideographs.value_or(true);
    v.cleaning.lower_case = parts.lower_case ? *parts.lower_case : few(parts, &has_capital);
    v.cleaning.strip_accents = parts.strip_accents
                                   ? *parts.strip_accents
                                   : v.cleaning.lower_case && few(parts, &has_accent);
    v.max_word = parts.max_word.value_or(v.max_word);
    const auto named = [&](const std::optional<std::uint32_t>& id, const char* name) {
        return id ? id : find(parts.pieces, name);
    };
    const auto unk = named(parts.unk, "[UNK]");
    if (!unk)
        return Error{ErrorCode::kUnsupported,
                     "vocabulary: it has no token for words that it cannot spell"};
    v.unk = *unk;
    v.cls = named(parts.bos, "[CLS]");
    v.sep = named(parts.eos, "[SEP]");
    v.pad = named(parts.pad, "[PAD]");
    v.mask = named(parts.mask, "[MASK]");
    v.add_cls = parts.add_bos.value_or(true) && v.cls;
    v.add_sep = parts.add_eos.value_or(true) && v.sep;
    v.pieces.reserve(parts.pieces.size());
    for (std::size_t id = 0; id < parts.pieces.size(); ++id) {
        const std::int32_t number = parts.types.empty() ? 1 : parts.types[id];
        if (number < 0 || number > 6)
            return invalid(fmt::format("vocabulary: token {} has type {}", id, number));
        // Undefined types, and bytes, which words are not made of, are never matched.
        auto type =
            number == 0 || number == 6 ? PieceType::kUnused : static_cast<PieceType>(number);
        if (v.unk == id) type = PieceType::kUnknown;
        for (const auto& special : {v.cls, v.sep, v.pad, v.mask})
            if (special == id && v.unk != id) type = PieceType::kControl;
        const auto flags = parts.added.find(static_cast<std::uint32_t>(id));
        const bool added =
            flags != parts.added.end() && type != PieceType::kNormal && type != PieceType::kUnused;
        v.pieces.push_back({parts.pieces[id], type, added ? flags->second : std::uint8_t{0}});
    }
    return v;
}

VocabularyParts WordPieceTokenizer::parts() const {
    const WordPieces& v = vocabulary_;
    VocabularyParts parts;
    parts.model = "bert";
    parts.pre = "default";
    for (const WordPieces::Piece& piece : v.pieces) {
        parts.pieces.push_back(piece.spelling);
        if (piece.added != 0)
            parts.added[static_cast<std::uint32_t>(parts.types.size())] = piece.added;
        parts.types.push_back(static_cast<std::int32_t>(piece.type));
    }
    parts.unk = v.unk;
    parts.bos = v.cls;
    parts.eos = v.sep;
    parts.pad = v.pad;
    parts.mask = v.mask;
    parts.add_bos = v.add_cls;
    parts.add_eos = v.add_sep;
    parts.clean_text = v.cleaning.clean;
    parts.space_ideographs = v.cleaning.ideographs;
    parts.strip_accents = v.cleaning.strip_accents;
    parts.lower_case = v.cleaning.lower_case;
    parts.max_word = v.max_word;
    return parts;
}

bool looks_like_vocab_txt(std::string_view text) {
    const bool first = text.starts_with("[PAD]") || text.starts_with("[UNK]");
    return (first || text.find("\n[UNK]") != text.npos) && is_valid_utf8(text) &&
           text.find('\0') == text.npos;
}

Result<VocabularyParts> read_vocab_txt(std::string_view text) {
    VocabularyParts parts;
    parts.model = "bert";
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.size() > kMaxPieceBytes)
            return invalid("vocab.txt: a line is longer than a piece may be");
        if (parts.pieces.size() == kMaxPieces) return invalid("vocab.txt: too many lines");
        parts.pieces.emplace_back(line);
    }
    if (!find(parts.pieces, "[UNK]"))
        return invalid("vocab.txt: no line is [UNK], so this is not one");
    return parts;
}

}  // namespace cairn::text
