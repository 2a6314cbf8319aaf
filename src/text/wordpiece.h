// WordPiece, the tokenizer of BERT-style encoders: a text is cleaned and cut into words
// (text/bert_text.h), and each word is spelled greedily with the longest pieces that fit;
// pieces inside a word begin with "##". A word that cannot be spelled is [UNK]. Cleaning drops
// what models of this kind do not see (letter case, accents, which white space it was), so
// decode(encode(text)) gives a simplified text, not the original.
//
// File: magic "CAIRNWPC" · u32 version · u8 flags (clean 1, ideographs 2, strip accents 4, lower
// case 8, begin 16, end 32) · u32 characters of the longest word · u32 unk, cls, sep, pad, mask
// (2^32 - 1: none) · u32 count of pieces, each u8 type, u32 length, bytes · of version 2 u32 count
// of added tokens with flags, each u32 id (rising), u8 flags (not 0). Version 2 is for vocabularies
// that have such flags, so that one vocabulary has one spelling.
#pragma once

#include "text/added_tokens.h"
#include "text/bert_text.h"
#include "text/piece_index.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace cairn::text {

/// A vocabulary in canonical form; pieces are spelled as in a vocab.txt.
struct WordPieces {
    struct Piece {
        std::string spelling;
        PieceType type = PieceType::kNormal;  ///< not kByte
        std::uint8_t added = 0;  ///< AddedFlag's bits; 0 for pieces that are not matched whole
    };

    BertCleaning cleaning;
    std::uint32_t max_word = 100;  ///< characters; a longer word is [UNK]
    bool add_cls = true;           ///< a whole text begins with cls
    bool add_sep = true;           ///< and ends with sep
    std::uint32_t unk = 0;
    std::optional<std::uint32_t> cls, sep, pad, mask;
    std::vector<Piece> pieces;
};

class WordPieceTokenizer final : public Tokenizer {
  public:
    /// kInvalid for a vocabulary that contradicts itself or breaks a bound.
    static Result<std::unique_ptr<WordPieceTokenizer>> create(WordPieces vocabulary);
    static Result<std::unique_ptr<WordPieceTokenizer>> parse(ByteView file);

    std::uint32_t vocab_size() const override;
    std::uint32_t begin_token() const override { return vocabulary_.cls.value_or(0); }
    bool adds_begin() const override { return vocabulary_.add_cls; }
    std::optional<std::uint32_t> end_token() const override;
    bool is_end(std::uint32_t token) const override { return vocabulary_.sep == token; }
    bool is_lossless() const override { return false; }
    using Tokenizer::encode;
    Tokens encode(std::string_view text, Special special) const override;
    Tokens encode_parts(std::span<const TextPart> parts) const override;
    /// Includes the blank between words, but none before closing punctuation or near apostrophes.
    std::string piece(std::uint32_t previous, std::uint32_t token) const override;
    std::optional<std::uint32_t> control_token(std::string_view name) const override;
    std::string name(std::uint32_t token) const override;
    Bytes serialise() const override;
    VocabularyParts parts() const override;

    const WordPieces& vocabulary() const { return vocabulary_; }

  private:
    explicit WordPieceTokenizer(WordPieces vocabulary) : vocabulary_(std::move(vocabulary)) {}
    Status check() const;
    Status index();
    void encode_clean(std::string_view text, Tokens& out) const;
    void encode_word(std::string_view word, Tokens& out) const;

    WordPieces vocabulary_;
    PieceIndex first_;         // of pieces that begin a word
    PieceIndex inner_;         // of those that go on, without their "##"
    std::size_t longest_ = 0;  // bytes, of either
    AddedTokens added_;
    PieceIndex control_names_;
};

/// The vocabulary that the parts describe; .model is "bert".
Result<WordPieces> word_pieces_of(const VocabularyParts& parts);

/// A vocab.txt, one piece a line, as parts. kInvalid unless it has [UNK].
Result<VocabularyParts> read_vocab_txt(std::string_view text);
/// Whether a text file that is neither JSON nor anything else known can be a vocab.txt.
bool looks_like_vocab_txt(std::string_view text);

}  // namespace cairn::text
