#include "text/vocabulary.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "text/byte_alphabet.h"
#include "text/pre_tokenizers.h"
#include "text/vocabulary_tokenizer.h"
#include "text/wordpiece.h"

namespace cairn::text {

namespace {

constexpr std::string_view kBlank = "\xE2\x96\x81";  // U+2581

std::string with_blanks(std::string_view spelling) {
    std::string text;
    text.reserve(spelling.size());
    while (!spelling.empty()) {
        const bool blank = spelling.starts_with(kBlank);
        text += blank ? ' ' : spelling[0];
        spelling.remove_prefix(blank ? kBlank.size() : 1);
    }
    return text;
}

std::string without_blanks(std::string_view text) {
    std::string spelling;
    for (const char c : text) {
        if (c == ' ')
            spelling += kBlank;
        else
            spelling += c;
    }
    return spelling;
}

// "<0x0A>" -> "\n".
std::optional<std::string> byte_of(std::string_view spelling) {
    unsigned value = 0;
    if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling[5] != '>')
        return std::nullopt;
    const auto [end, error] = std::from_chars(spelling.data() + 3, spelling.data() + 5, value, 16);
    if (error != std::errc() || end != spelling.data() + 5) return std::nullopt;
    return std::string(1, static_cast<char>(value));
}

// Names between bars are control tokens whatever a file calls them: <|fim_prefix|>.
bool looks_like_control(std::string_view piece) {
    return piece.size() > 4 &&
           ((piece.starts_with("<|") && piece.ends_with("|>")) ||
            (piece.starts_with("<\xEF\xBD\x9C") && piece.ends_with("\xEF\xBD\x9C>")));
}

// <s>, [SEP]: a spelling that hardly occurs in ordinary text.
bool is_bracketed(std::string_view piece) {
    return piece.size() > 2 && ((piece.starts_with('<') && piece.ends_with('>')) ||
                                (piece.starts_with('[') && piece.ends_with(']')));
}

PieceType type_of(const VocabularyParts& parts, std::size_t id, PieceType type) {
    const std::string& spelling = parts.pieces[id];
    const bool ends = parts.bos == id || parts.eos == id || parts.eot == id;
    if (type == PieceType::kUserDefined && looks_like_control(spelling)) type = PieceType::kControl;
    // Tokens that begin or end a text are control tokens, even if the file gives no types.
    if (type == PieceType::kNormal && ends && is_bracketed(spelling)) type = PieceType::kControl;
    // Many files list the unknown token as a control token. That holds if it also begins or ends a
    // text; otherwise ordinary text may become it.
    if (parts.unk == id && (type == PieceType::kNormal || type == PieceType::kControl) && !ends)
        type = PieceType::kUnknown;
    return type;
}

Result<Vocabulary::Piece> read_piece(const VocabularyParts& parts, std::size_t id,
                                     bool byte_level) {
    const std::string& spelling = parts.pieces[id];
    const std::int32_t number = parts.types.empty() ? 1 : parts.types[id];
    if (number < 0 || number > 6)
        return invalid(fmt::format("vocabulary: token {} has type {}", id, number));
    // Type 0 is GGUF's "undefined": such a piece is never made.
    PieceType type =
        type_of(parts, id, number == 0 ? PieceType::kUnused : static_cast<PieceType>(number));
    // gemma4's vocabularies do not mark their byte pieces as such.
    const bool is_byte = type == PieceType::kByte || (type == PieceType::kNormal &&
                                                      parts.model != "llama" && byte_of(spelling));
    if (is_byte && !byte_level) {
        auto byte = byte_of(spelling);
        if (!byte) return invalid(fmt::format("vocabulary: token {} is no byte", id));
        return Vocabulary::Piece{std::move(*byte), PieceType::kByte};
    }
    if (type == PieceType::kByte) type = PieceType::kNormal;
    if (type != PieceType::kNormal && type != PieceType::kUserDefined)
        return Vocabulary::Piece{spelling, type};
    if (!byte_level) return Vocabulary::Piece{with_blanks(spelling), type};
    // User-defined pieces are spelled plainly. Any other piece that is not in the byte alphabet can
    // never be made from a text.
    if (type == PieceType::kUserDefined) return Vocabulary::Piece{spelling, type};
    auto bytes = unspell_bytes(spelling);
    return bytes ? Vocabulary::Piece{std::move(*bytes), type}
                 : Vocabulary::Piece{spelling, PieceType::kUnused};
}

Status read_merges(const VocabularyParts& parts, Vocabulary& vocabulary) {
    PieceIndex spellings(parts.pieces.size());
    for (std::uint32_t id = 0; id < parts.pieces.size(); ++id)
        spellings.insert(parts.pieces[id], id);
    const auto is_text = [&](std::uint32_t id) {
        const auto& piece = vocabulary.pieces[id];
        return piece.type == PieceType::kNormal ||
               (piece.type == PieceType::kUserDefined && (piece.added & kNotOfModel) == 0);
    };
    std::string joined;
    for (const std::string& merge : parts.merges) {
        const std::size_t blank = merge.find(' ', 1);
        if (blank == std::string::npos)
            return invalid("vocabulary: a merge without two parts: " + merge);
        const std::uint32_t left = spellings.find(std::string_view(merge).substr(0, blank));
        const std::uint32_t right = spellings.find(std::string_view(merge).substr(blank + 1));
        joined.assign(merge, 0, blank).append(merge, blank + 1);
        const std::uint32_t made = spellings.find(joined);
        if (left == kNoToken || right == kNoToken || made == kNoToken)
            return invalid("vocabulary: a merge of or into no token: " + merge);
        // Some files have merges that make control tokens; those are left out.
        if (is_text(left) && is_text(right) && is_text(made))
            vocabulary.merges.push_back({left, right});
    }
    return ok_status();
}

// Whether llama.cpp adds a begin token where the file does not say.
bool adds_bos(const VocabularyParts& parts) {
    if (parts.model == "llama" || parts.model == "gemma4") return true;
    const auto pre = pre_tokenizer(parts.pre);
    return pre.ok() && pre->add_bos && parts.bos;
}

Status set_kind(const VocabularyParts& parts, Vocabulary& vocabulary) {
    if (parts.model == "gpt2") {
        vocabulary.kind = Vocabulary::Kind::kByteLevel;
        ASSIGN_OR_RETURN(const PreTokenizer pre, pre_tokenizer(parts.pre));
        if (pre.characters) {
            vocabulary.kind = Vocabulary::Kind::kRanked;
            return ok_status();
        }
        vocabulary.rule = pre.rule;
        vocabulary.whole_words = parts.ignore_merges.value_or(pre.whole_words);
        return ok_status();
    }
    if (parts.model == "gemma4") {
        vocabulary.kind = Vocabulary::Kind::kRanked;
        return ok_status();
    }
    if (parts.model != "llama")
        return Error{ErrorCode::kUnsupported,
                     "vocabulary: tokenizers of kind '" + parts.model + "' are not known here"};
    if (parts.remove_extra_spaces.value_or(false))
        return Error{ErrorCode::kUnsupported,
                     "vocabulary: it removes spaces from text, which is not possible here"};
    vocabulary.kind = parts.scores.empty() ? Vocabulary::Kind::kRanked : Vocabulary::Kind::kScored;
    vocabulary.whole_words = parts.ignore_merges.value_or(false);
    using Prefix = Vocabulary::Prefix;
    if (parts.add_space_prefix.value_or(true)) {
        if (parts.prefix_unless_blank)
            vocabulary.prefix =
                parts.prefix_once ? Prefix::kFirstUnlessBlank : Prefix::kEachUnlessBlank;
        else
            vocabulary.prefix = parts.prefix_once ? Prefix::kFirst : Prefix::kEach;
    }
    return ok_status();
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_tokenizer(VocabularyParts parts) {
    const std::size_t count = parts.pieces.size();
    if (count == 0 || count > kMaxPieces)
        return invalid(
            fmt::format("vocabulary: {} tokens, allowed are 1 to {}", count, kMaxPieces));
    if ((!parts.types.empty() && parts.types.size() != count) ||
        (!parts.scores.empty() && parts.scores.size() != count))
        return invalid("vocabulary: as many types and scores as tokens, or none");
    if (parts.model == "bert") {
        ASSIGN_OR_RETURN(WordPieces pieces, word_pieces_of(parts));
        ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> made,
                         WordPieceTokenizer::create(std::move(pieces)));
        return made;
    }
    Vocabulary vocabulary;
    RETURN_IF_ERROR(set_kind(parts, vocabulary));
    const bool byte_level = vocabulary.kind == Vocabulary::Kind::kByteLevel;
    vocabulary.nfc = parts.normalise_nfc;
    vocabulary.fuse_unk = parts.fuse_unk;
    vocabulary.add_bos = parts.add_bos.value_or(adds_bos(parts));
    vocabulary.add_eos = parts.add_eos.value_or(false);
    vocabulary.bos = parts.bos;
    vocabulary.eos = parts.eos;
    vocabulary.eot = parts.eot;
    vocabulary.unk = parts.unk;
    vocabulary.pad = parts.pad;
    vocabulary.chat_template = std::move(parts.chat_template);
    vocabulary.pieces.reserve(count);
    for (std::size_t id = 0; id < count; ++id) {
        ASSIGN_OR_RETURN(Vocabulary::Piece piece, read_piece(parts, id, byte_level));
        if (const auto flags = parts.added.find(static_cast<std::uint32_t>(id));
            flags != parts.added.end() && piece.type != PieceType::kNormal &&
            piece.type != PieceType::kUnused && piece.type != PieceType::kByte)
            piece.added = flags->second;
        vocabulary.pieces.push_back(std::move(piece));
    }
    if (vocabulary.kind == Vocabulary::Kind::kScored)
        vocabulary.scores = std::move(parts.scores);
    else
        RETURN_IF_ERROR(read_merges(parts, vocabulary));
    ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> made,
                     VocabularyTokenizer::create(std::move(vocabulary)));
    return made;
}

// Whether a piece is written to files in plain spelling: control tokens, and those user-defined
// pieces that are matched before normalisation and that no merge makes.
static bool is_verbatim(const Vocabulary& v, const Vocabulary::Piece& piece) {
    if (piece.type != PieceType::kUserDefined) return piece.type == PieceType::kControl;
    const bool merged = v.kind == Vocabulary::Kind::kRanked && (piece.added & kNotOfModel) == 0;
    return (piece.added & kNormalised) == 0 && !merged;
}

VocabularyParts VocabularyTokenizer::parts() const {
    const Vocabulary& v = vocabulary_;
    const bool byte_level = v.kind == Vocabulary::Kind::kByteLevel;
    VocabularyParts parts;
    parts.model = byte_level ? "gpt2" : "llama";
    parts.pre = byte_level ? pre_tokenizer_name(v.rule, v.whole_words) : "default";
    for (const Vocabulary::Piece& piece : v.pieces) {
        parts.types.push_back(static_cast<std::int32_t>(piece.type));
        if (piece.added != 0)
            parts.added[static_cast<std::uint32_t>(parts.types.size() - 1)] = piece.added;
        if (piece.type == PieceType::kByte)
            parts.pieces.push_back(
                fmt::format("<0x{:02X}>", static_cast<unsigned char>(piece.bytes[0])));
        else if (byte_level && piece.type == PieceType::kNormal)
            parts.pieces.push_back(spell_bytes(piece.bytes));
        else if (byte_level || is_verbatim(v, piece))
            parts.pieces.push_back(piece.bytes);
        else
            parts.pieces.push_back(without_blanks(piece.bytes));
    }
    parts.scores = v.scores;
    for (const Merge& merge : v.merges)
        parts.merges.push_back(parts.pieces[merge.left] + ' ' + parts.pieces[merge.right]);
    parts.bos = v.bos;
    parts.eos = v.eos;
    parts.eot = v.eot;
    parts.unk = v.unk;
    parts.pad = v.pad;
    parts.add_bos = v.add_bos;
    parts.add_eos = v.add_eos;
    if (!byte_level) parts.add_space_prefix = v.prefix != Vocabulary::Prefix::kNever;
    using Prefix = Vocabulary::Prefix;
    parts.prefix_once = v.prefix == Prefix::kFirst || v.prefix == Prefix::kFirstUnlessBlank;
    parts.prefix_unless_blank =
        v.prefix == Prefix::kEachUnlessBlank || v.prefix == Prefix::kFirstUnlessBlank;
    parts.fuse_unk = v.fuse_unk;
    parts.normalise_nfc = v.nfc;
    parts.ignore_merges = v.whole_words;
    parts.chat_template = v.chat_template;
    return parts;
}

}  // namespace cairn::text
