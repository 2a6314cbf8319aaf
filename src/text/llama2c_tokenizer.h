// The tokenizer file of llama2.c (`tokenizer.bin`, `tok512.bin`): scored pieces, encoded by
// merging the best-scored neighbours first, as SentencePiece does (text/vocabulary_tokenizer.h).
// Ids 0, 1, 2 are <unk>, <s>, </s>; 3 + b is byte b; bytes that no piece covers become those.
//
// File: u32 longest piece; per token f32 score, u32 length, bytes. It has no magic and no count.
#pragma once

#include "text/tokenizer.h"

namespace cairn::text {

class Llama2cTokenizer final : public Tokenizer {
  public:
    static Result<std::unique_ptr<Llama2cTokenizer>> parse(ByteView file);

    std::uint32_t vocab_size() const override;
    std::uint32_t begin_token() const override { return 1; }
    bool is_end(std::uint32_t token) const override { return token == 1 || token == 2; }
    /// Text that is not empty gets a leading blank first, which decoding after the begin token
    /// removes again.
    using Tokenizer::encode;
    Tokens encode(std::string_view text, Special special) const override;
    Tokens encode_parts(std::span<const TextPart> parts) const override;
    std::string piece(std::uint32_t previous, std::uint32_t token) const override;
    std::optional<std::uint32_t> control_token(std::string_view name) const override;
    std::string name(std::uint32_t token) const override;
    Bytes serialise() const override;
    VocabularyParts parts() const override;

  private:
    Llama2cTokenizer() = default;

    struct Entry {
        float score;
        std::string text;
    };
    std::uint32_t longest_ = 0;
    std::vector<Entry> entries_;
    std::unique_ptr<Tokenizer> vocabulary_;  // the same pieces; does the encoding
};

}  // namespace cairn::text
