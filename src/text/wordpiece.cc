#include "text/wordpiece.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/encoding.h"
#include "text/interruption.h"
#include "text/unicode.h"

namespace cairn::text {

namespace {

constexpr std::string_view kMagic = "CAIRNWPC";
constexpr std::string_view kInner = "##";
constexpr std::uint32_t kMaxWordCharacters = 4096;
constexpr unsigned kAllFlags = 63;

bool is_text(PieceType type) {
    return type == PieceType::kNormal || type == PieceType::kUserDefined;
}

bool has_flags(const WordPieces::Piece& piece) { return piece.added != 0; }

// Punctuation that follows a word without a blank, in English at least.
bool closes(std::string_view piece) {
    return piece == "." || piece == "," || piece == "!" || piece == "?" || piece == "'";
}

std::size_t count_characters(std::string_view word) {
    std::size_t count = 0;
    for (; !word.empty(); ++count) word.remove_prefix(first_character(word).length);
    return count;
}

std::optional<std::uint32_t> read_id(Reader& reader) {
    const std::uint32_t id = reader.u32();
    return id == kNoToken ? std::nullopt : std::optional(id);
}

}  // namespace

Result<std::unique_ptr<WordPieceTokenizer>> WordPieceTokenizer::create(WordPieces vocabulary) {
    std::unique_ptr<WordPieceTokenizer> tokenizer(new WordPieceTokenizer(std::move(vocabulary)));
    RETURN_IF_ERROR(tokenizer->check());
    RETURN_IF_ERROR(tokenizer->index());
    return tokenizer;
}

Status WordPieceTokenizer::check() const {
    const WordPieces& v = vocabulary_;
    if (v.pieces.empty() || v.pieces.size() > kMaxPieces)
        return invalid(
            fmt::format("vocabulary: {} pieces, allowed are 1 to {}", v.pieces.size(), kMaxPieces));
    if (v.max_word == 0 || v.max_word > kMaxWordCharacters)
        return invalid(fmt::format("vocabulary: words of {} characters, allowed are 1 to {}",
                                   v.max_word, kMaxWordCharacters));
    std::size_t file_size = 64;
    for (std::size_t id = 0; id < v.pieces.size(); ++id) {
        const auto& [spelling, type, added] = v.pieces[id];
        file_size += (added != 0 ? 10 : 5) + spelling.size();
        if (spelling.size() > kMaxPieceBytes)
            return invalid(
                fmt::format("vocabulary: piece {} is longer than {} bytes", id, kMaxPieceBytes));
        if (type == PieceType::kByte)
            return invalid(fmt::format("vocabulary: piece {} is a byte", id));
        if (added > kAllAddedFlags || (added != 0 && !is_matched_whole(type)))
            return invalid(fmt::format("vocabulary: piece {} has flags that mean nothing", id));
    }
    if (file_size > kMaxTokenizerBytes)
        return Error{ErrorCode::kFull,
                     fmt::format("vocabulary: it takes more than {} bytes", kMaxTokenizerBytes)};
    for (const auto& id : {std::optional(v.unk), v.cls, v.sep, v.pad, v.mask})
        if (id && *id >= v.pieces.size())
            return invalid(fmt::format("vocabulary: special token {} does not exist", *id));
    bool marked = v.pieces[v.unk].type == PieceType::kUnknown;
    for (const auto& id : {v.cls, v.sep, v.pad, v.mask})
        marked = marked && (!id || id == v.unk || v.pieces[*id].type == PieceType::kControl);
    if (!marked) return invalid("vocabulary: a special token is a piece of text");
    // A word that cannot be spelled must not begin or end a text.
    for (const auto& id : {v.cls, v.sep, v.mask})
        if (id == v.unk)
            return Error{ErrorCode::kUnsupported,
                         fmt::format("vocabulary: its unknown token '{}' is a control token that "
                                     "text must never become",
                                     v.pieces[v.unk].spelling)};
    if ((v.add_cls && !v.cls) || (v.add_sep && !v.sep))
        return invalid("vocabulary: it has no token that begins or ends a text");
    return ok_status();
}

Status WordPieceTokenizer::index() {
    const auto& pieces = vocabulary_.pieces;
    first_ = inner_ = control_names_ = PieceIndex(pieces.size());
    std::vector<AddedTokens::Entry> entries;
    for (std::uint32_t id = 0; id < pieces.size(); ++id) {
        const std::string_view spelling = pieces[id].spelling;
        const PieceType type = pieces[id].type;
        if (type == PieceType::kControl || type == PieceType::kUnknown)
            control_names_.insert(spelling, id);
        const std::uint8_t flags = pieces[id].added;
        if (is_matched_whole(type) && !spelling.empty()) {
            const bool normal = (flags & kNormalised) != 0;
            std::string text =
                normal ? bert_clean(spelling, vocabulary_.cleaning) : std::string(spelling);
            if (text.empty())
                return Error{ErrorCode::kUnsupported,
                             fmt::format("vocabulary: nothing is left of the added token '{}' when "
                                         "it is normalised",
                                         spelling)};
            entries.push_back({std::move(text), id, type != PieceType::kUserDefined, flags});
        }
        if (!is_text(type) || (flags & kNotOfModel) != 0) continue;
        const bool inside = spelling.starts_with(kInner) && spelling.size() > kInner.size();
        const std::string_view text = inside ? spelling.substr(kInner.size()) : spelling;
        if (text.empty()) continue;
        (inside ? inner_ : first_).insert(text, id);
        longest_ = std::max(longest_, text.size());
    }
    added_ = AddedTokens(std::move(entries));
    return ok_status();
}

std::uint32_t WordPieceTokenizer::vocab_size() const {
    return static_cast<std::uint32_t>(vocabulary_.pieces.size());
}

std::optional<std::uint32_t> WordPieceTokenizer::end_token() const {
    return vocabulary_.add_sep ? vocabulary_.sep : std::nullopt;
}

Tokens WordPieceTokenizer::encode(std::string_view text, Special special) const {
    const TextPart part{text, special};
    return encode_parts({&part, 1});
}

Tokens WordPieceTokenizer::encode_parts(std::span<const TextPart> parts) const {
    std::string clean;
    return added_.encode(
        parts,
        [&](std::string_view text, bool) -> std::string_view {
            return clean = bert_clean(text, vocabulary_.cleaning);
        },
        [&](std::string_view text, bool, Tokens& out) { encode_clean(text, out); });
}

void WordPieceTokenizer::encode_clean(std::string_view text, Tokens& out) const {
    GoesOn goes_on;
    for (std::string_view rest = text; !rest.empty() && goes_on();) {
        const std::string_view word = rest.substr(0, next_bert_word(rest));
        rest.remove_prefix(word.size());
        if (first_character(word).kind != CharClass::kSpace) encode_word(word, out);
    }
}

void WordPieceTokenizer::encode_word(std::string_view word, Tokens& out) const {
    const std::size_t before = out.size();
    if (word.size() > vocabulary_.max_word && count_characters(word) > vocabulary_.max_word)
        return out.push_back(vocabulary_.unk);
    for (std::size_t at = 0; at < word.size();) {
        const PieceIndex& index = at == 0 ? first_ : inner_;
        std::size_t length = std::min(word.size() - at, longest_);
        std::uint32_t token = kNoToken;
        for (; length > 0; --length) {
            // Pieces are looked for at the borders of characters only.
            const bool border = at + length == word.size() ||
                                (static_cast<unsigned char>(word[at + length]) & 0xC0U) != 0x80U;
            if (border) token = index.find(word.substr(at, length));
            if (token != kNoToken) break;
        }
        if (token == kNoToken) {
            out.resize(before);
            return out.push_back(vocabulary_.unk);
        }
        out.push_back(token);
        at += length;
    }
}

std::string WordPieceTokenizer::piece(std::uint32_t previous, std::uint32_t token) const {
    const auto& pieces = vocabulary_.pieces;
    if (token >= pieces.size() || !is_text(pieces[token].type)) return {};
    const std::string& spelling = pieces[token].spelling;
    if (spelling.starts_with(kInner) && spelling.size() > kInner.size())
        return spelling.substr(kInner.size());
    const bool glued = previous >= pieces.size() || previous == begin_token() ||
                       pieces[previous].spelling == "'" || closes(spelling);
    return glued ? spelling : ' ' + spelling;
}

std::optional<std::uint32_t> WordPieceTokenizer::control_token(std::string_view name) const {
    const std::uint32_t id = control_names_.find(name);
    return id == kNoToken ? std::nullopt : std::optional(id);
}

std::string WordPieceTokenizer::name(std::uint32_t token) const {
    return token < vocab_size() ? vocabulary_.pieces[token].spelling : std::string();
}

Bytes WordPieceTokenizer::serialise() const {
    const WordPieces& v = vocabulary_;
    const bool flags[] = {v.cleaning.clean,
                          v.cleaning.ideographs,
                          v.cleaning.strip_accents,
                          v.cleaning.lower_case,
                          v.add_cls,
                          v.add_sep};
    unsigned bits = 0;
    for (unsigned i = 0; i < std::size(flags); ++i) bits |= (flags[i] ? 1U : 0U) << i;
    Writer writer;
    writer.raw(as_bytes(kMagic));
    const auto flagged = std::count_if(v.pieces.begin(), v.pieces.end(), has_flags);
    writer.u32(flagged > 0 ? 2 : 1);
    writer.u8(static_cast<std::uint8_t>(bits));
    writer.u32(v.max_word);
    for (const auto& id : {std::optional(v.unk), v.cls, v.sep, v.pad, v.mask})
        writer.u32(id.value_or(kNoToken));
    writer.count(v.pieces.size());
    for (const WordPieces::Piece& piece : v.pieces) {
        writer.u8(static_cast<std::uint8_t>(piece.type));
        writer.text(piece.spelling);
    }
    if (flagged == 0) return std::move(writer).take();
    writer.count(static_cast<std::size_t>(flagged));
    for (std::uint32_t id = 0; id < v.pieces.size(); ++id) {
        if (!has_flags(v.pieces[id])) continue;
        writer.u32(id);
        writer.u8(v.pieces[id].added);
    }
    return std::move(writer).take();
}

Result<std::unique_ptr<WordPieceTokenizer>> WordPieceTokenizer::parse(ByteView file) {
    if (file.size() > kMaxTokenizerBytes) return invalid("vocabulary: the file is too large");
    Reader reader(file);
    if (as_text(reader.raw(kMagic.size())) != kMagic)
        return invalid("vocabulary: not a Cairn word piece file");
    const std::uint32_t version = reader.u32();
    if (version != 1 && version != 2)
        return Error{ErrorCode::kUnsupported,
                     "vocabulary: made by another version of this program"};
    WordPieces v;
    const unsigned bits = reader.u8();
    if (bits > kAllFlags) return invalid("vocabulary: a flag has no meaning");
    bool* const flags[] = {&v.cleaning.clean,
                           &v.cleaning.ideographs,
                           &v.cleaning.strip_accents,
                           &v.cleaning.lower_case,
                           &v.add_cls,
                           &v.add_sep};
    for (unsigned i = 0; i < std::size(flags); ++i) *flags[i] = (bits >> i & 1U) != 0;
    v.max_word = reader.u32();
    v.unk = reader.u32();
    for (auto* id : {&v.cls, &v.sep, &v.pad, &v.mask}) *id = read_id(reader);
    v.pieces.resize(reader.count(kMaxPieces, 5));
    for (WordPieces::Piece& piece : v.pieces) {
        const std::uint8_t type = reader.u8();
        if (type < 1 || type > 6) return invalid("vocabulary: a piece's type has no meaning");
        piece.type = static_cast<PieceType>(type);
        piece.spelling = reader.text(kMaxPieceBytes);
    }
    std::uint32_t next = 0;
    const std::size_t flagged = version == 2 ? reader.count(kMaxPieces, 5) : 0;
    if (version == 2 && flagged == 0) return invalid("vocabulary: not the version that says it");
    for (std::size_t i = 0; i < flagged && !reader.failed(); ++i) {
        const std::uint32_t id = reader.u32();
        const std::uint8_t bits_of_id = reader.u8();
        if (id < next || id >= v.pieces.size() || bits_of_id == 0)
            return invalid("vocabulary: an added token's flags have no meaning");
        v.pieces[id].added = bits_of_id;
        next = id + 1;
    }
    RETURN_IF_ERROR(reader.finish());
    return create(std::move(v));
}

}  // namespace cairn::text
