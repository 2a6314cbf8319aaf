// The canonical file of a vocabulary:
//
//   magic "CAIRNVOC" · u32 version · u8 kind, rule, prefix · u8 flags (nfc 1, whole words 2,
//   add_bos 4, add_eos 8, fuse_unk 16) · u32 bos, eos, eot, unk, pad (2^32 - 1: none) · chat
//   template (u32 length, bytes) · u32 count of pieces, each u8 type, u32 length, bytes · of a
//   scored one f32 per piece, of the others u32 count of merges, each two u32 · of version 2 u32
//   count of added tokens with flags, each u32 id (rising), u8 flags (not 0)
//
// Version 2 is only written for what version 1 cannot express (such flags, fuse_unk, rules above 3,
// prefixes above 2), so that one vocabulary has one spelling.
#include <algorithm>
#include <bit>

#include "base/encoding.h"
#include "text/vocabulary_tokenizer.h"

namespace cairn::text {

namespace {

constexpr std::string_view kMagic = "CAIRNVOC";
constexpr std::size_t kMaxMerges = kMaxTokenizerBytes / 8;
constexpr unsigned kNfc = 1;
constexpr unsigned kWholeWords = 2;
constexpr unsigned kAddBos = 4;
constexpr unsigned kAddEos = 8;
constexpr unsigned kFuseUnk = 16;
constexpr std::uint8_t kRulesOfVersion1 = 4;

bool needs_version_2(const Vocabulary& v) {
    return v.fuse_unk || static_cast<std::uint8_t>(v.rule) >= kRulesOfVersion1 ||
           v.prefix > Vocabulary::Prefix::kFirst ||
           std::any_of(v.pieces.begin(), v.pieces.end(),
                       [](const Vocabulary::Piece& piece) { return piece.added != 0; });
}

void read_added(Reader& reader, Vocabulary& v) {
    std::uint32_t next = 0;
    for (std::size_t left = reader.count(kMaxPieces, 5); left > 0 && !reader.failed(); --left) {
        const std::uint32_t id = reader.u32();
        const std::uint8_t flags = reader.u8();
        if (id < next || id >= v.pieces.size() || flags == 0)
            return reader.fail("vocabulary: an added token's flags have no meaning");
        v.pieces[id].added = flags;
        next = id + 1;
    }
}

void write_added(Writer& writer, const Vocabulary& v) {
    const auto has_flags = [](const Vocabulary::Piece& piece) { return piece.added != 0; };
    writer.count(
        static_cast<std::size_t>(std::count_if(v.pieces.begin(), v.pieces.end(), has_flags)));
    for (std::uint32_t id = 0; id < v.pieces.size(); ++id) {
        if (!has_flags(v.pieces[id])) continue;
        writer.u32(id);
        writer.u8(v.pieces[id].added);
    }
}

// A byte that must be from `first` to `last`.
std::uint8_t read_choice(Reader& reader, std::uint8_t first, std::uint8_t last, const char* what) {
    const std::uint8_t value = reader.u8();
    if (value >= first && value <= last) return value;
    reader.fail(std::string("vocabulary: ") + what + " has no meaning");
    return first;
}

std::optional<std::uint32_t> read_id(Reader& reader) {
    const std::uint32_t id = reader.u32();
    return id == kNoToken ? std::nullopt : std::optional(id);
}

Vocabulary read_vocabulary(Reader& reader) {
    Vocabulary v;
    v.kind = static_cast<Vocabulary::Kind>(read_choice(reader, 1, 3, "its kind"));
    v.rule = static_cast<WordRule>(read_choice(reader, 0, kWordRules - 1, "its rule"));
    v.prefix = static_cast<Vocabulary::Prefix>(read_choice(reader, 0, 4, "its prefix"));
    const unsigned flags = read_choice(reader, 0, 31, "a flag");
    v.nfc = (flags & kNfc) != 0;
    v.whole_words = (flags & kWholeWords) != 0;
    v.add_bos = (flags & kAddBos) != 0;
    v.add_eos = (flags & kAddEos) != 0;
    v.fuse_unk = (flags & kFuseUnk) != 0;
    for (auto* id : {&v.bos, &v.eos, &v.eot, &v.unk, &v.pad}) *id = read_id(reader);
    v.chat_template = reader.text(kMaxChatTemplateBytes);
    v.pieces.resize(reader.count(kMaxPieces, 5));
    for (Vocabulary::Piece& piece : v.pieces) {
        piece.type = static_cast<PieceType>(read_choice(reader, 1, 6, "a piece's type"));
        piece.bytes = reader.text(kMaxPieceBytes);
    }
    if (v.kind == Vocabulary::Kind::kScored) {
        if (reader.remaining() / 4 < v.pieces.size()) reader.fail("vocabulary: scores are missing");
        if (reader.failed()) return v;
        v.scores.resize(v.pieces.size());
        for (float& score : v.scores) score = std::bit_cast<float>(reader.u32());
        return v;
    }
    v.merges.resize(reader.count(kMaxMerges, 8));
    for (Merge& merge : v.merges) {
        merge.left = reader.u32();
        merge.right = reader.u32();
    }
    return v;
}

}  // namespace

Result<std::unique_ptr<VocabularyTokenizer>> VocabularyTokenizer::parse(ByteView file) {
    if (file.size() > kMaxTokenizerBytes) return invalid("vocabulary: the file is too large");
    Reader reader(file);
    if (as_text(reader.raw(kMagic.size())) != kMagic)
        return invalid("vocabulary: not a Cairn vocabulary file");
    const std::uint32_t version = reader.u32();
    if (version != 1 && version != 2)
        return Error{ErrorCode::kUnsupported,
                     "vocabulary: made by another version of this program"};
    Vocabulary vocabulary = read_vocabulary(reader);
    if (version == 2 && !reader.failed()) read_added(reader, vocabulary);
    RETURN_IF_ERROR(reader.finish());
    if (needs_version_2(vocabulary) != (version == 2))
        return invalid("vocabulary: not the version that says what it says");
    return create(std::move(vocabulary));
}

Bytes VocabularyTokenizer::serialise() const {
    const Vocabulary& v = vocabulary_;
    Writer writer;
    writer.raw(as_bytes(kMagic));
    const bool version_2 = needs_version_2(v);
    writer.u32(version_2 ? 2 : 1);
    writer.u8(static_cast<std::uint8_t>(v.kind));
    writer.u8(static_cast<std::uint8_t>(v.rule));
    writer.u8(static_cast<std::uint8_t>(v.prefix));
    writer.u8(static_cast<std::uint8_t>((v.nfc ? kNfc : 0) | (v.whole_words ? kWholeWords : 0) |
                                        (v.add_bos ? kAddBos : 0) | (v.add_eos ? kAddEos : 0) |
                                        (v.fuse_unk ? kFuseUnk : 0)));
    for (const auto& id : {v.bos, v.eos, v.eot, v.unk, v.pad}) writer.u32(id.value_or(kNoToken));
    writer.text(v.chat_template);
    writer.count(v.pieces.size());
    for (const Vocabulary::Piece& piece : v.pieces) {
        writer.u8(static_cast<std::uint8_t>(piece.type));
        writer.text(piece.bytes);
    }
    for (const float score : v.scores) writer.u32(std::bit_cast<std::uint32_t>(score));
    if (v.kind != Vocabulary::Kind::kScored) {
        writer.count(v.merges.size());
        for (const Merge& merge : v.merges) {
            writer.u32(merge.left);
            writer.u32(merge.right);
        }
    }
    if (version_2) write_added(writer, v);
    return std::move(writer).take();
}

}  // namespace cairn::text
