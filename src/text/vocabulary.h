// What a tokenizer is made of, as model files describe it: pieces, scores, merges, special ids.
// The readers of files (GGUF metadata, Hugging Face folders, llama2.c) fill VocabularyParts and
// know nothing of encoding; make_tokenizer judges the parts and builds the tokenizer that they
// describe. The way back, Tokenizer::parts(), is for writers of such files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace cairn::text {

class Tokenizer;

/// What a piece is; the numbers are those of GGUF and SentencePiece.
enum class PieceType : std::uint8_t {
    kNormal = 1,
    kUnknown = 2,      ///< stands for what no piece covers
    kControl = 3,      ///< never made from a user's text: <s>, <|im_start|>
    kUserDefined = 4,  ///< matched whole in any text, before everything else
    kUnused = 5,       ///< has an id, is never made
    kByte = 6,         ///< <0x00> to <0xFF>: one byte
};

/// Whether a piece of this type may be matched whole in a text, before it is cut into words.
inline bool is_matched_whole(PieceType type) {
    return type == PieceType::kControl || type == PieceType::kUserDefined ||
           type == PieceType::kUnknown;
}

/// The metadata of a vocabulary under neutral names; the comments give GGUF's keys
/// (tokenizer.ggml.*). Spelling of pieces and merges is the file's own, but for "bert": that is
/// always vocab.txt's ("##ing"), and bos and eos are the tokens around a text, [CLS] and [SEP].
struct VocabularyParts {
    std::string model;                     ///< .model: "gpt2", "llama", "bert"
    std::string pre;                       ///< .pre: "gpt-2", "llama-bpe", "qwen2", ...
    std::vector<std::string> pieces;       ///< .tokens; the id is the place
    std::vector<float> scores;             ///< .scores; empty, or one for each piece
    std::vector<std::int32_t> types;       ///< .token_type; empty, or one for each piece
    std::vector<std::string> merges;       ///< .merges: "left right", best first
    std::optional<std::uint32_t> bos;      ///< .bos_token_id
    std::optional<std::uint32_t> eos;      ///< .eos_token_id
    std::optional<std::uint32_t> eot;      ///< .eot_token_id
    std::optional<std::uint32_t> unk;      ///< .unknown_token_id
    std::optional<std::uint32_t> pad;      ///< .padding_token_id
    std::optional<std::uint32_t> mask;     ///< .mask_token_id
    std::optional<bool> add_bos;           ///< .add_bos_token
    std::optional<bool> add_eos;           ///< .add_eos_token
    std::optional<bool> add_space_prefix;  ///< .add_space_prefix
    bool prefix_once =
        false;  ///< the blank is put before the whole text only, not after special tokens
    bool prefix_unless_blank = false;         ///< no blank before a text that begins with one
    std::optional<bool> remove_extra_spaces;  ///< .remove_extra_whitespaces
    bool normalise_nfc = false;               ///< only tokenizer.json says it
    std::optional<bool> ignore_merges;        ///< only tokenizer.json says it; else known by .pre
    bool fuse_unk = false;      ///< unknown characters in a row are one token; tokenizer.json only
    std::string chat_template;  ///< .chat_template
    /// AddedFlag bits (added_tokens.h) of the control and user-defined pieces that have any.
    std::map<std::uint32_t, std::uint8_t> added;

    // Only "bert"; what a file does not say is found from its pieces.
    std::optional<bool> lower_case;  ///< .normalizer.lowercase
    std::optional<bool> strip_accents;
    std::optional<bool> clean_text;
    std::optional<bool> space_ideographs;
    std::optional<std::uint32_t> max_word;  ///< characters
};

/// No vocabulary has more pieces, no piece more bytes.
inline constexpr std::uint32_t kMaxPieces = 1U << 20;
inline constexpr std::size_t kMaxPieceBytes = 4096;
inline constexpr std::size_t kMaxChatTemplateBytes = std::size_t{1} << 18;

/// The tokenizer that the parts describe. kUnsupported, naming it, for a model or pre-tokenizer
/// that is not here; kInvalid for parts that contradict each other.
Result<std::unique_ptr<Tokenizer>> make_tokenizer(VocabularyParts parts);

}  // namespace cairn::text
