// The tokenizer of a vocabulary that comes with a model. Two kinds: byte-level BPE (GPT-2, Llama 3,
// Qwen) cuts text by a rule (text/word_rules.h) and merges bytes; SentencePiece's BPE (Llama,
// Mistral, Gemma) merges characters, best score first, and falls back to bytes.
//
// SentencePiece's blank: it puts one before a text (and after each added token), so that a word is
// the same token at the start and elsewhere. decode() takes it away again where it begins a text or
// follows a user-defined piece. Here the blank is a blank throughout: U+2581 in a user's text stays
// U+2581 (as bytes) where SentencePiece would take it for a blank, so decode(encode(text)) == text.
// That does not hold for vocabularies that ask for one of these (is_lossless): normal form C, added
// tokens that take the space next to them, no blank before a text that begins with one, or an
// unknown piece for what cannot be spelled.
//
// File: magic "CAIRNVOC", u32 version 1, then the fields of Vocabulary in order
// (vocabulary_file.cc). One vocabulary has one spelling.
#pragma once

#include <array>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/piece_index.h"
#include "text/vocabulary.h"
#include "text/word_rules.h"

namespace cairn::text {

/// Whether a text ends at a control token of this name, in any vocabulary.
bool is_end_name(std::string_view piece);

/// A vocabulary in canonical form: pieces are the bytes that they stand for (names, for control
/// pieces; one byte each for byte pieces).
struct Vocabulary {
    enum class Kind : std::uint8_t {
        kByteLevel = 1,  ///< merges of bytes, by rank
        kScored = 2,     ///< merges of characters, by the score of what they make
        kRanked = 3,     ///< merges of characters, by rank: SentencePiece's from a tokenizer.json
    };
    /// Where a blank is put: before each stretch of text between added tokens, or only before the
    /// first. The `UnlessBlank` values do so only where the text does not begin with a blank.
    enum class Prefix : std::uint8_t {
        kNever = 0,
        kEach = 1,
        kFirst = 2,
        kEachUnlessBlank = 3,
        kFirstUnlessBlank = 4,
    };

    struct Piece {
        std::string bytes;
        PieceType type = PieceType::kNormal;
        std::uint8_t added = 0;  ///< AddedFlag's bits; 0 for pieces that are not matched whole
    };

    Kind kind = Kind::kByteLevel;
    WordRule rule = WordRule::kGpt2;  ///< kByteLevel only, else kGpt2
    Prefix prefix = Prefix::kNever;   ///< the blank before a text; never for kByteLevel
    bool nfc = false;
    bool whole_words = false;  ///< a word that is a piece is that token, whatever merges say
    bool fuse_unk = false;     ///< unknown characters in a row are one token
    bool add_bos = false;
    bool add_eos = false;
    std::optional<std::uint32_t> bos, eos, eot, unk, pad;
    std::string chat_template;
    std::vector<Piece> pieces;
    std::vector<float> scores;  ///< kScored: one for each piece
    std::vector<Merge> merges;  ///< the others: best first
};

class VocabularyTokenizer final : public Tokenizer {
  public:
    /// kInvalid for a vocabulary that contradicts itself or breaks a bound, kUnsupported for one
    /// that cannot spell every byte.
    static Result<std::unique_ptr<VocabularyTokenizer>> create(Vocabulary vocabulary);
    static Result<std::unique_ptr<VocabularyTokenizer>> parse(ByteView file);

    std::uint32_t vocab_size() const override;
    std::uint32_t begin_token() const override { return begin_; }
    bool adds_begin() const override { return vocabulary_.add_bos; }
    std::optional<std::uint32_t> end_token() const override {
        return vocabulary_.add_eos ? vocabulary_.eos : std::nullopt;
    }
    bool is_lossless() const override;
    bool is_end(std::uint32_t token) const override;
    using Tokenizer::encode;
    Tokens encode(std::string_view text, Special special) const override;
    Tokens encode_parts(std::span<const TextPart> parts) const override;
    std::string piece(std::uint32_t previous, std::uint32_t token) const override;
    std::optional<std::uint32_t> control_token(std::string_view name) const override;
    std::string name(std::uint32_t token) const override;
    std::string_view chat_template() const override { return vocabulary_.chat_template; }
    Bytes serialise() const override;
    VocabularyParts parts() const override;

    const Vocabulary& vocabulary() const { return vocabulary_; }

  private:
    class Encoder;  // the scratch memory of one call

    explicit VocabularyTokenizer(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
    Status check() const;
    Status index_pieces();
    Status index_added();
    Status index_merges();
    void index_scores();
    std::uint32_t symbol_of(std::string_view character) const;
    void find_ends();
    void find_neighbours();
    bool are_neighbours(char32_t left, char32_t right) const;
    std::size_t next_run(std::string_view text) const;
    /// Whether there is an unknown piece that is nothing else (no control token).
    bool has_unknown_piece() const;
    Status check_spelling();
    void append_unspelled(std::string_view character, Tokens& out) const;

    Vocabulary vocabulary_;
    std::uint32_t begin_ = 0;
    Tokens ends_;                             // sorted
    std::array<std::uint32_t, 256> bytes_{};  // the token of each byte
    bool spells_all_ = true;                  // there is one for every byte
    PieceIndex index_;                        // pieces that merging may produce
    std::vector<std::string> extra_symbols_;  // characters that only merges know,
    PieceIndex extra_index_;                  // numbered from vocab_size() on
    MergeTable merges_;
    AddedTokens added_;
    PieceIndex control_names_;
    std::array<std::array<std::uint64_t, 2>, 128> ascii_pairs_{};  // neighbours within some piece
    MergeTable wide_pairs_;                                        // the others
};

}  // namespace cairn::text
