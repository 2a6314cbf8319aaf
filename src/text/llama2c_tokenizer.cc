#include "text/llama2c_tokenizer.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/core.h>

#include "base/encoding.h"
#include "text/vocabulary.h"

namespace cairn::text {

namespace {

constexpr std::uint32_t kFirstByte = 3;
constexpr std::uint32_t kFirstPiece = kFirstByte + 256;
constexpr std::uint32_t kMaxEntries = 1U << 19;
constexpr std::uint32_t kMaxEntryBytes = 1024;

// "<0x0A>" -> 10.
std::optional<char> byte_piece(std::string_view piece) {
    if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    const int high = digit(piece[3]);
    const int low = digit(piece[4]);
    if (high < 0 || low < 0) return std::nullopt;
    return static_cast<char>(high * 16 + low);
}

}  // namespace

Result<std::unique_ptr<Llama2cTokenizer>> Llama2cTokenizer::parse(ByteView file) {
    if (file.size() > kMaxTokenizerBytes) return invalid("tokenizer: file is too large");
    std::unique_ptr<Llama2cTokenizer> tokenizer(new Llama2cTokenizer);
    Reader reader(file);
    tokenizer->longest_ = reader.u32();
    while (!reader.failed() && reader.remaining() > 0) {
        const float score = std::bit_cast<float>(reader.u32());
        std::string text = reader.text(kMaxEntryBytes);
        if (reader.failed()) break;
        if (!std::isfinite(score)) return invalid("tokenizer: a score is not a number");
        if (tokenizer->entries_.size() == kMaxEntries) return invalid("tokenizer: too many tokens");
        tokenizer->entries_.push_back({score, std::move(text)});
    }
    RETURN_IF_ERROR(reader.finish());
    if (tokenizer->entries_.size() < kFirstPiece)
        return invalid(
            "tokenizer: neither a Cairn tokenizer nor a llama2.c tokenizer.bin (too few tokens)");
    for (std::uint32_t byte = 0; byte < 256; ++byte)
        if (byte_piece(tokenizer->entries_[kFirstByte + byte].text) != static_cast<char>(byte))
            return invalid(
                fmt::format("tokenizer: token {} is not byte {}", kFirstByte + byte, byte));
    // Special tokens and bytes are never the result of a merge: typing "<s>" must not make one.
    const auto& entries = tokenizer->entries_;
    if (std::none_of(entries.begin() + kFirstPiece, entries.end(),
                     [](const Entry& entry) { return entry.text == " "; }))
        return invalid("tokenizer: no token for a blank");
    ASSIGN_OR_RETURN(tokenizer->vocabulary_, make_tokenizer(tokenizer->parts()));
    return tokenizer;
}

std::uint32_t Llama2cTokenizer::vocab_size() const {
    return static_cast<std::uint32_t>(entries_.size());
}

Tokens Llama2cTokenizer::encode(std::string_view text, Special special) const {
    return vocabulary_->encode(text, special);
}

Tokens Llama2cTokenizer::encode_parts(std::span<const TextPart> parts) const {
    return vocabulary_->encode_parts(parts);
}

std::optional<std::uint32_t> Llama2cTokenizer::control_token(std::string_view name) const {
    return vocabulary_->control_token(name);
}

std::string Llama2cTokenizer::name(std::uint32_t token) const { return vocabulary_->name(token); }

std::string Llama2cTokenizer::piece(std::uint32_t previous, std::uint32_t token) const {
    if (token < kFirstByte || token >= entries_.size()) return {};
    const std::string& text = entries_[token].text;
    if (token < kFirstPiece) return std::string(1, static_cast<char>(token - kFirstByte));
    if (previous == begin_token() && text.starts_with(' ')) return text.substr(1);
    return text;
}

Bytes Llama2cTokenizer::serialise() const {
    Writer writer;
    writer.u32(longest_);
    for (const Entry& entry : entries_) {
        writer.u32(std::bit_cast<std::uint32_t>(entry.score));
        writer.text(entry.text);
    }
    return std::move(writer).take();
}

VocabularyParts Llama2cTokenizer::parts() const {
    VocabularyParts parts;
    parts.model = "llama";
    parts.pre = "default";
    for (std::uint32_t id = 0; id < entries_.size(); ++id) {
        std::string piece = entries_[id].text;
        for (std::size_t at = 0; (at = piece.find(' ', at)) != std::string::npos;)
            piece.replace(at, 1, "\xE2\x96\x81");  // SentencePiece's spelling of a blank
        parts.pieces.push_back(std::move(piece));
        parts.scores.push_back(entries_[id].score);
        const PieceType type = id == 0            ? PieceType::kUnknown
                               : id < kFirstByte  ? PieceType::kControl
                               : id < kFirstPiece ? PieceType::kByte
                                                  : PieceType::kNormal;
        parts.types.push_back(static_cast<std::int32_t>(type));
    }
    parts.unk = 0;
    parts.bos = 1;
    parts.eos = 2;
    parts.add_bos = true;
    parts.add_space_prefix = true;
    return parts;
}

}  // namespace cairn::text
