#include "text/vocabulary_tokenizer.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "text/unicode.h"

namespace cairn::text {

namespace {

bool mergeable(const Vocabulary::Piece& piece) {
    return piece.type == PieceType::kNormal ||
           (piece.type == PieceType::kUserDefined && (piece.added & kNotOfModel) == 0);
}

// Whether a byte occurs in real texts: not if it is a control character, begins a character of an
// empty or private plane, or is never part of UTF-8. Falcon's and StarCoder's files lack some.
bool is_of_text(std::size_t byte) {
    if (byte < 0x20) return byte == '\t' || byte == '\n' || byte == '\r';
    return byte < 0x7F || (byte >= 0x80 && byte < 0xC0) || (byte >= 0xC2 && byte <= 0xF0);
}

// Names that other programs also treat as the end of a text or turn, where a file gives only one.
constexpr std::string_view kEndNames[] = {
    "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>",     "<|eom_id|>", "<|im_end|>",
    "<|end|>",       "<end_of_turn>",   "</s>",           "<eos>",      "<|eot|>",
    "<|return|>",    "<|user|>",        "<|end_of_turn|>"};

}  // namespace

bool is_end_name(std::string_view piece) {
    return std::find(std::begin(kEndNames), std::end(kEndNames), piece) != std::end(kEndNames);
}

Result<std::unique_ptr<VocabularyTokenizer>> VocabularyTokenizer::create(Vocabulary vocabulary) {
    std::unique_ptr<VocabularyTokenizer> tokenizer(new VocabularyTokenizer(std::move(vocabulary)));
    RETURN_IF_ERROR(tokenizer->check());
    RETURN_IF_ERROR(tokenizer->index_pieces());
    RETURN_IF_ERROR(tokenizer->check_spelling());
    RETURN_IF_ERROR(tokenizer->index_added());
    if (tokenizer->vocabulary_.kind == Vocabulary::Kind::kScored)
        tokenizer->index_scores();
    else
        RETURN_IF_ERROR(tokenizer->index_merges());
    if (tokenizer->vocabulary_.kind != Vocabulary::Kind::kByteLevel) tokenizer->find_neighbours();
    tokenizer->find_ends();
    return tokenizer;
}

Status VocabularyTokenizer::check() const {
    const Vocabulary& v = vocabulary_;
    const bool byte_level = v.kind == Vocabulary::Kind::kByteLevel;
    if (v.pieces.empty() || v.pieces.size() > kMaxPieces)
        return invalid(
            fmt::format("vocabulary: {} pieces, allowed are 1 to {}", v.pieces.size(), kMaxPieces));
    std::size_t file_size = v.chat_template.size() + 64 + 4 * v.scores.size() + 8 * v.merges.size();
    for (std::size_t id = 0; id < v.pieces.size(); ++id) {
        const Vocabulary::Piece& piece = v.pieces[id];
        file_size += (piece.added != 0 ? 10 : 5) + piece.bytes.size();
        if (piece.bytes.size() > kMaxPieceBytes)
            return invalid(
                fmt::format("vocabulary: piece {} is longer than {} bytes", id, kMaxPieceBytes));
        if (piece.type == PieceType::kByte && (byte_level || piece.bytes.size() != 1))
            return invalid(fmt::format("vocabulary: piece {} is no byte", id));
        if (piece.added > kAllAddedFlags || (piece.added != 0 && !is_matched_whole(piece.type)))
            return invalid(fmt::format("vocabulary: piece {} has flags that mean nothing", id));
    }
    if (file_size > kMaxTokenizerBytes)
        return Error{ErrorCode::kFull,
                     fmt::format("vocabulary: it takes more than {} bytes", kMaxTokenizerBytes)};
    for (const auto& id : {v.bos, v.eos, v.eot, v.unk, v.pad})
        if (id && *id >= v.pieces.size())
            return invalid(fmt::format("vocabulary: special token {} does not exist", *id));
    if (v.chat_template.size() > kMaxChatTemplateBytes)
        return invalid("vocabulary: the chat template is too long");
    if (byte_level ? v.prefix != Vocabulary::Prefix::kNever : v.rule != WordRule::kGpt2)
        return invalid("vocabulary: a setting of the other kind");
    const bool scored = v.kind == Vocabulary::Kind::kScored;
    if (v.scores.size() != (scored ? v.pieces.size() : 0) || (scored && !v.merges.empty()))
        return invalid("vocabulary: pieces, scores and merges do not fit each other");
    for (const float score : v.scores)
        if (!std::isfinite(score)) return invalid("vocabulary: a score is not a number");
    for (const Merge& merge : v.merges)
        if (merge.left >= v.pieces.size() || merge.right >= v.pieces.size())
            return invalid("vocabulary: a merge of pieces that do not exist");
    return ok_status();
}

Status VocabularyTokenizer::index_pieces() {
    const auto& pieces = vocabulary_.pieces;
    const bool byte_level = vocabulary_.kind == Vocabulary::Kind::kByteLevel;
    index_ = PieceIndex(pieces.size());
    control_names_ = PieceIndex(pieces.size());
    bytes_.fill(kNoToken);
    for (std::uint32_t id = 0; id < pieces.size(); ++id) {
        const Vocabulary::Piece& piece = pieces[id];
        const std::string& bytes = piece.bytes;
        if (piece.type == PieceType::kByte ||
            (byte_level && mergeable(piece) && bytes.size() == 1)) {
            std::uint32_t& token = bytes_[static_cast<unsigned char>(bytes[0])];
            if (token == kNoToken) token = id;
        }
        if (mergeable(piece) && !bytes.empty()) index_.insert(bytes, id);
        if (piece.type == PieceType::kControl) control_names_.insert(bytes, id);
        if (!byte_level && mergeable(piece) && !is_valid_utf8(bytes))
            return invalid(fmt::format("vocabulary: piece {} is not text", id));
    }
    return ok_status();
}

bool VocabularyTokenizer::has_unknown_piece() const {
    const Vocabulary& v = vocabulary_;
    if (!v.unk || v.unk == v.bos || v.unk == v.eos || v.unk == v.eot) return false;
    const PieceType type = v.pieces[*v.unk].type;
    return type == PieceType::kUnknown || type == PieceType::kUserDefined;
}

// Text that cannot be spelled must not become a token that begins or ends a text, or a turn.
Status VocabularyTokenizer::check_spelling() {
    const Vocabulary& v = vocabulary_;
    const auto lacks = [&](std::size_t byte) { return bytes_[byte] == kNoToken; };
    spells_all_ = std::find(bytes_.begin(), bytes_.end(), kNoToken) == bytes_.end();
    if (spells_all_ || has_unknown_piece()) return ok_status();
    for (std::size_t byte = 0; byte < bytes_.size(); ++byte) {
        if (!lacks(byte) || !is_of_text(byte)) continue;
        const std::string why =
            v.unk ? fmt::format(
                        ", and its unknown token '{}' is a control token that text must "
                        "never become",
                        v.pieces[*v.unk].bytes)
                  : std::string(", and it has no unknown token");
        return Error{ErrorCode::kUnsupported,
                     fmt::format("vocabulary: it cannot spell byte {:#04x}{}", byte, why)};
    }
    return ok_status();
}

// A token that is matched in normalised text is looked for by its own normal form.
Status VocabularyTokenizer::index_added() {
    const Vocabulary& v = vocabulary_;
    std::vector<AddedTokens::Entry> entries;
    std::string storage;
    for (std::uint32_t id = 0; id < v.pieces.size(); ++id) {
        const auto& [bytes, type, flags] = v.pieces[id];
        if (!is_matched_whole(type) || bytes.empty()) continue;
        std::string text = bytes;
        if ((flags & kNormalised) != 0) {
            if (v.nfc) text = normalise_nfc(bytes, storage);
            if (v.prefix == Vocabulary::Prefix::kEach) text.insert(0, 1, ' ');
        }
        entries.push_back({std::move(text), id, type != PieceType::kUserDefined, flags});
    }
    added_ = AddedTokens(std::move(entries));
    return ok_status();
}

Status VocabularyTokenizer::index_merges() {
    const auto& pieces = vocabulary_.pieces;
    merges_ = MergeTable(vocabulary_.merges.size());
    std::string joined;
    for (std::uint32_t rank = 0; rank < vocabulary_.merges.size(); ++rank) {
        const Merge merge = vocabulary_.merges[rank];
        joined = pieces[merge.left].bytes + pieces[merge.right].bytes;
        const std::uint32_t token = index_.find(joined);
        if (token == kNoToken || !mergeable(pieces[merge.left]) || !mergeable(pieces[merge.right]))
            return invalid(fmt::format("vocabulary: merge {} makes no piece", rank));
        if (!merges_.insert(merge.left, merge.right, {rank, token}))
            return invalid(fmt::format("vocabulary: merge {} occurs twice", rank));
    }
    return ok_status();
}

// Scores belong to the result of a merge, not to its parts: each way to cut a piece into two known
// symbols becomes a pair. Equal scores get equal ranks, so that the leftmost merges first.
void VocabularyTokenizer::index_scores() {
    const auto& pieces = vocabulary_.pieces;
    std::vector<float> order(vocabulary_.scores);
    std::sort(order.begin(), order.end(), std::greater<>());
    order.erase(std::unique(order.begin(), order.end()), order.end());

    // Characters that are no piece by themselves but part of one get numbers of their own.
    for (const Vocabulary::Piece& piece : pieces) {
        if (piece.type != PieceType::kNormal) continue;
        for (std::string_view rest = piece.bytes; !rest.empty();) {
            const std::string_view character = rest.substr(0, first_character(rest).length);
            rest.remove_prefix(character.size());
            if (index_.find(character) == kNoToken) extra_symbols_.emplace_back(character);
        }
    }
    std::sort(extra_symbols_.begin(), extra_symbols_.end());
    extra_symbols_.erase(std::unique(extra_symbols_.begin(), extra_symbols_.end()),
                         extra_symbols_.end());
    extra_index_ = PieceIndex(extra_symbols_.size());
    for (std::uint32_t i = 0; i < extra_symbols_.size(); ++i)
        extra_index_.insert(extra_symbols_[i], vocab_size() + i);

    struct Pair {
        std::uint32_t left;
        std::uint32_t right;
        Joined joined;
    };
    std::vector<Pair> pairs;
    for (std::uint32_t id = 0; id < pieces.size(); ++id) {
        const std::string_view bytes = pieces[id].bytes;
        if (pieces[id].type != PieceType::kNormal || bytes.empty() || index_.find(bytes) != id)
            continue;
        const auto rank = static_cast<std::uint32_t>(
            std::lower_bound(order.begin(), order.end(), vocabulary_.scores[id], std::greater<>()) -
            order.begin());
        for (std::size_t at = first_character(bytes).length; at < bytes.size();
             at += announced_length(bytes[at])) {
            const std::uint32_t left = symbol_of(bytes.substr(0, at));
            const std::uint32_t right = symbol_of(bytes.substr(at));
            if (left != kNoToken && right != kNoToken) pairs.push_back({left, right, {rank, id}});
        }
    }
    merges_ = MergeTable(pairs.size());
    for (const Pair& pair : pairs) merges_.insert(pair.left, pair.right, pair.joined);
}

std::uint32_t VocabularyTokenizer::symbol_of(std::string_view character) const {
    const std::uint32_t id = index_.find(character);
    return id != kNoToken || extra_symbols_.empty() ? id : extra_index_.find(character);
}

bool VocabularyTokenizer::is_lossless() const {
    const Vocabulary& v = vocabulary_;
    // A user-defined piece that strips loses that space. With a blank before texts, one that is
    // matched normalised or begins with a blank does not show whose blank it was.
    const bool loses = std::any_of(v.pieces.begin(), v.pieces.end(), [&](const auto& piece) {
        if (piece.type != PieceType::kUserDefined) return false;
        const bool prefixed = v.prefix != Vocabulary::Prefix::kNever;
        return (piece.added & (kLeftStrip | kRightStrip)) != 0 ||
               (prefixed && ((piece.added & kNormalised) != 0 || piece.bytes.starts_with(' ')));
    });
    return !v.nfc && !loses && v.prefix != Vocabulary::Prefix::kEachUnlessBlank &&
           v.prefix != Vocabulary::Prefix::kFirstUnlessBlank && spells_all_;
}

void VocabularyTokenizer::find_ends() {
    const Vocabulary& v = vocabulary_;
    for (const auto& id : {v.bos, v.eos, v.eot})
        if (id) ends_.push_back(*id);
    for (const std::string_view end : kEndNames)
        if (const auto id = control_token(end)) ends_.push_back(*id);
    std::sort(ends_.begin(), ends_.end());
    ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
    const auto first_control = std::find_if(
        v.pieces.begin(), v.pieces.end(),
        [](const Vocabulary::Piece& piece) { return piece.type == PieceType::kControl; });
    begin_ = v.bos   ? *v.bos
             : v.eos ? *v.eos
             : first_control != v.pieces.end()
                 ? static_cast<std::uint32_t>(first_control - v.pieces.begin())
                 : 0;
}

// Merges of characters need no words, but where two characters never stand side by side within a
// piece, nothing can merge across: text is cut there, and what lies between is looked up as a word.
void VocabularyTokenizer::find_neighbours() {
    std::vector<std::pair<char32_t, char32_t>> wide;
    for (const Vocabulary::Piece& piece : vocabulary_.pieces) {
        if (!mergeable(piece) || piece.bytes.empty()) continue;
        std::string_view rest = piece.bytes;
        Character left = first_character(rest);
        for (rest.remove_prefix(left.length); !rest.empty(); rest.remove_prefix(left.length)) {
            const Character right = first_character(rest);
            if (left.code < 128 && right.code < 128)
                ascii_pairs_[left.code][right.code / 64] |= std::uint64_t{1} << (right.code % 64);
            else
                wide.emplace_back(left.code, right.code);
            left = right;
        }
    }
    wide_pairs_ = MergeTable(wide.size());
    for (const auto& [left, right] : wide) wide_pairs_.insert(left, right, {0, 0});
}

std::uint32_t VocabularyTokenizer::vocab_size() const {
    return static_cast<std::uint32_t>(vocabulary_.pieces.size());
}

bool VocabularyTokenizer::is_end(std::uint32_t token) const {
    return std::binary_search(ends_.begin(), ends_.end(), token);
}

std::string VocabularyTokenizer::piece(std::uint32_t previous, std::uint32_t token) const {
    if (token >= vocabulary_.pieces.size()) return {};
    const auto& [bytes, type, flags] = vocabulary_.pieces[token];
    if (type == PieceType::kControl || type == PieceType::kUnknown) return {};
    const auto is_added = [&](std::uint32_t id) {
        return id < vocab_size() && vocabulary_.pieces[id].type == PieceType::kUserDefined;
    };
    const Vocabulary::Prefix prefix = vocabulary_.prefix;
    const bool each =
        prefix == Vocabulary::Prefix::kEach || prefix == Vocabulary::Prefix::kEachUnlessBlank;
    const bool strip = prefix != Vocabulary::Prefix::kNever && type != PieceType::kUserDefined &&
                       (previous == begin_ || (each && is_added(previous))) &&
                       bytes.starts_with(' ');
    return strip ? bytes.substr(1) : bytes;
}

std::optional<std::uint32_t> VocabularyTokenizer::control_token(std::string_view name) const {
    const std::uint32_t id = control_names_.find(name);
    return id == kNoToken ? std::nullopt : std::optional(id);
}

std::string VocabularyTokenizer::name(std::uint32_t token) const {
    return token < vocabulary_.pieces.size() ? vocabulary_.pieces[token].bytes : std::string();
}

}  // namespace cairn::text
