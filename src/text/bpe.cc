#include "text/bpe.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/encoding.h"
#include "text/byte_alphabet.h"
#include "text/interruption.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"
#include "text/words.h"

namespace cairn::text {

namespace {

constexpr std::string_view kMagic = "CAIRNBPE";
constexpr std::uint32_t kVersion = 1;

}  // namespace

Result<std::unique_ptr<BpeTokenizer>> BpeTokenizer::create(std::vector<Merge> merges) {
    if (merges.size() > kMaxBpeVocab - kFirstMerge)
        return invalid(fmt::format("tokenizer: more than {} tokens", kMaxBpeVocab));
    std::unique_ptr<BpeTokenizer> tokenizer(new BpeTokenizer(std::move(merges)));
    auto& pieces = tokenizer->pieces_;
    pieces.reserve(kFirstMerge + tokenizer->merges_.size());
    for (int byte = 0; byte < 256; ++byte) pieces.emplace_back(1, static_cast<char>(byte));
    pieces.emplace_back();  // the text boundary
    tokenizer->joins_ = MergeTable(tokenizer->merges_.size());
    for (const Merge& merge : tokenizer->merges_) {
        const auto id = static_cast<std::uint32_t>(pieces.size());
        if (merge.left >= id || merge.right >= id || merge.left == kTextBoundary ||
            merge.right == kTextBoundary)
            return invalid(fmt::format("tokenizer: merge {} uses a token that it cannot", id));
        if (pieces[merge.left].size() + pieces[merge.right].size() > kMaxWordBytes)
            return invalid(
                fmt::format("tokenizer: token {} is longer than {} bytes", id, kMaxWordBytes));
        if (!tokenizer->joins_.insert(merge.left, merge.right, {id, id}))
            return invalid(fmt::format("tokenizer: merge {} occurs twice", id));
        pieces.push_back(pieces[merge.left] + pieces[merge.right]);
    }
    return tokenizer;
}

Result<std::unique_ptr<BpeTokenizer>> BpeTokenizer::parse(ByteView file) {
    Reader reader(file);
    if (as_text(reader.raw(kMagic.size())) != kMagic)
        return invalid("tokenizer: not a Cairn tokenizer file");
    if (reader.u32() != kVersion)
        return Error{ErrorCode::kUnsupported,
                     "tokenizer: made by another version of this program; train it again"};
    std::vector<Merge> merges(reader.count(kMaxBpeVocab - kFirstMerge, 8));
    for (Merge& merge : merges) {
        merge.left = reader.u32();
        merge.right = reader.u32();
    }
    RETURN_IF_ERROR(reader.finish());
    return create(std::move(merges));
}

std::uint32_t BpeTokenizer::vocab_size() const {
    return static_cast<std::uint32_t>(pieces_.size());
}

Tokens BpeTokenizer::encode(std::string_view text, Special) const {
    WordCache cache;
    GoesOn goes_on;
    Tokens out;
    out.reserve(text.size() / 3 + 1);
    while (!text.empty() && goes_on()) {
        const std::string_view word = text.substr(0, next_word(text));
        const bool short_enough = word.size() <= WordCache::kMaxBytes;
        const auto key = short_enough ? WordCache::key_of(word, text.size()) : WordCache::Key{};
        text.remove_prefix(word.size());
        if (short_enough && cache.append_known(word, key, out)) continue;
        const std::size_t begin = out.size();
        encode_word(word, out);
        if (short_enough) cache.add(word, key, out, begin);
    }
    return out;
}

// The earliest-learnt merge first, leftmost among equals. Words are short, so a plain scan for the
// lowest rank beats a heap.
void BpeTokenizer::encode_word(std::string_view word, Tokens& out) const {
    std::array<std::uint32_t, kMaxWordBytes> ids;
    std::array<std::uint32_t, kMaxWordBytes> joined;  // what ids[i], ids[i + 1] merge into
    std::size_t count = word.size();
    CHECK(count <= kMaxWordBytes);
    const auto join = [&](std::size_t i) { return joins_.find(ids[i], ids[i + 1]).rank; };
    for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<unsigned char>(word[i]);
    for (std::size_t i = 0; i + 1 < count; ++i) joined[i] = join(i);
    while (count > 1) {
        const auto end = joined.begin() + static_cast<std::ptrdiff_t>(count - 1);
        const auto best = std::min_element(joined.begin(), end);
        if (*best == kNoRank) break;
        const auto at = static_cast<std::size_t>(best - joined.begin());
        ids[at] = *best;
        for (std::size_t i = at + 1; i + 1 < count; ++i) {
            ids[i] = ids[i + 1];
            joined[i - 1] = joined[i];
        }
        --count;
        if (at > 0) joined[at - 1] = join(at - 1);
        if (at + 1 < count) joined[at] = join(at);
    }
    out.insert(out.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
}

std::string BpeTokenizer::piece(std::uint32_t, std::uint32_t token) const {
    return token < pieces_.size() ? pieces_[token] : std::string();
}

Bytes BpeTokenizer::serialise() const {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kVersion);
    writer.count(merges_.size());
    for (const Merge& merge : merges_) {
        writer.u32(merge.left);
        writer.u32(merge.right);
    }
    return std::move(writer).take();
}

VocabularyParts BpeTokenizer::parts() const {
    VocabularyParts parts;
    parts.model = "gpt2";
    parts.pre = "gpt-2";
    for (std::uint32_t id = 0; id < pieces_.size(); ++id) {
        const bool boundary = id == kTextBoundary;
        parts.pieces.push_back(boundary ? "<|endoftext|>" : spell_bytes(pieces_[id]));
        parts.types.push_back(
            static_cast<std::int32_t>(boundary ? PieceType::kControl : PieceType::kNormal));
    }
    for (const Merge& merge : merges_)
        parts.merges.push_back(parts.pieces[merge.left] + ' ' + parts.pieces[merge.right]);
    parts.bos = parts.eos = kTextBoundary;
    parts.add_bos = true;
    return parts;
}

}  // namespace cairn::text
