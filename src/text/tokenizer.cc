#include "text/tokenizer.h"

#include "text/bpe.h"
#include "text/llama2c_tokenizer.h"
#include "text/vocabulary_tokenizer.h"
#include "text/wordpiece.h"

namespace cairn::text {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What the bytes at the start of `text` are: a whole character of `length` bytes, the beginning of
// one, or never one (skip one byte).
enum class Utf8 { kWhole, kPartial, kInvalid };

struct Utf8Start {
    Utf8 kind;
    std::size_t length;
};

Utf8Start utf8_start(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {Utf8::kWhole, 1};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4) return {Utf8::kInvalid, 1};
    // The second byte's range refuses overlong forms, surrogates and what lies above U+10FFFF.
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < length; ++i) {
        if (i == text.size()) return {Utf8::kPartial, i};
        if (byte(i) < (i == 1 ? low : 0x80U) || byte(i) > (i == 1 ? high : 0xBFU))
            return {Utf8::kInvalid, 1};
    }
    return {Utf8::kWhole, length};
}

}  // namespace

std::string Tokenizer::decode(std::span<const std::uint32_t> tokens) const {
    std::string text;
    std::uint32_t previous = begin_token();
    for (const std::uint32_t token : tokens) {
        text += piece(previous, token);
        previous = token;
    }
    return text;
}

std::optional<std::uint32_t> Tokenizer::control_token(std::string_view) const {
    return std::nullopt;
}

Tokens Tokenizer::encode_parts(std::span<const TextPart> parts) const {
    std::string text;
    for (const TextPart& part : parts) text += part.text;
    return encode(text, Special::kPlain);
}

Tokens Tokenizer::encode_prompt(std::string_view text, Special special) const {
    Tokens tokens = encode(text, special);
    if (adds_begin() || tokens.empty()) tokens.insert(tokens.begin(), begin_token());
    return tokens;
}

Tokens Tokenizer::encode_whole(std::string_view text) const {
    Tokens tokens = encode_prompt(text);
    if (const auto end = end_token()) tokens.push_back(*end);
    return tokens;
}

std::string StreamDecoder::push(std::uint32_t token) {
    held_ += tokenizer_.piece(previous_, token);
    previous_ = token;
    return take_complete(false);
}

std::string StreamDecoder::finish() { return take_complete(true); }

std::string StreamDecoder::take_complete(bool last) {
    std::string text;
    std::size_t at = 0;
    while (at < held_.size()) {
        const Utf8Start start = utf8_start(std::string_view(held_).substr(at));
        if (start.kind == Utf8::kPartial && !last) break;
        if (start.kind == Utf8::kWhole)
            text.append(held_, at, start.length);
        else
            text += kReplacement;
        at += start.length;
    }
    held_.erase(0, at);
    return text;
}

Result<std::unique_ptr<Tokenizer>> parse_tokenizer(ByteView file) {
    if (as_text(file).starts_with("CAIRNBPE")) {
        ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> bpe, BpeTokenizer::parse(file));
        return bpe;
    }
    if (as_text(file).starts_with("CAIRNVOC")) {
        ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> vocabulary, VocabularyTokenizer::parse(file));
        return vocabulary;
    }
    if (as_text(file).starts_with("CAIRNWPC")) {
        ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> words, WordPieceTokenizer::parse(file));
        return words;
    }
    ASSIGN_OR_RETURN(std::unique_ptr<Tokenizer> pieces, Llama2cTokenizer::parse(file));
    return pieces;
}

}  // namespace cairn::text
