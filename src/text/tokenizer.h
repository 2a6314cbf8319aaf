// Tokenizer: text to token ids and back. Four kinds stand behind one interface: our own byte-level
// BPE (text/bpe.h), the vocabularies that the world's language models come with, byte-level
// or scored (text/vocabulary_tokenizer.h), those of its encoders (text/wordpiece.h),
// and llama2.c's tokenizer.bin (text/llama2c_tokenizer.h).
// Consensus never runs a tokenizer (texts are token arrays there), but a network names its
// tokenizer by the hash of serialise(), so encodings are canonical.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace cairn::text {

using Tokens = std::vector<std::uint32_t>;

struct VocabularyParts;

/// Whether the names of control tokens in a text make those tokens. What users and web pages write
/// is encoded plain, so that it can never end a turn or begin one in another's name.
enum class Special { kPlain, kAllow };

/// A part of a text that is encoded as a whole: the frame of a chat, say, around a user's words.
struct TextPart {
    std::string_view text;
    Special special = Special::kPlain;
};

class Tokenizer {
  public:
    virtual ~Tokenizer() = default;

    virtual std::uint32_t vocab_size() const = 0;
    /// The token that begins a text (and separates documents in training data).
    virtual std::uint32_t begin_token() const = 0;
    /// Whether generation stops at this token.
    virtual bool is_end(std::uint32_t token) const = 0;
    /// Whether a text that a model continues begins with begin_token() by the vocabulary's
    /// convention.
    virtual bool adds_begin() const { return true; }
    /// What ends a text that an encoder reads, by the vocabulary's convention.
    virtual std::optional<std::uint32_t> end_token() const { return std::nullopt; }
    /// Whether decode() gives every text back as it was.
    virtual bool is_lossless() const { return true; }
    /// Any bytes at all; no begin token is added. Thread-safe.
    virtual Tokens encode(std::string_view text, Special special) const = 0;
    Tokens encode(std::string_view text) const { return encode(text, Special::kPlain); }
    /// Encodes the joined parts as one text. Only parts that allow it make control tokens, and no
    /// control token crosses the border of a part.
    virtual Tokens encode_parts(std::span<const TextPart> parts) const;
    /// The bytes of one token, which may be part of a character. `previous` is the token before
    /// it, or begin_token() at the start. Empty for special tokens and ids out of range.
    virtual std::string piece(std::uint32_t previous, std::uint32_t token) const = 0;
    /// The control token of that name ("<s>", "<|im_end|>"), if there is one.
    virtual std::optional<std::uint32_t> control_token(std::string_view name) const;
    /// What people call a token: a control token's name, else its bytes.
    virtual std::string name(std::uint32_t token) const { return piece(begin_token(), token); }
    /// The model's chat template as its file has it; may be empty.
    virtual std::string_view chat_template() const { return {}; }
    /// The canonical file.
    virtual Bytes serialise() const = 0;
    /// For writers of other formats: GGUF metadata, tokenizer.json.
    virtual VocabularyParts parts() const = 0;

    /// A text to continue: the begin token where the vocabulary wants it or the text is empty,
    /// then the text.
    Tokens encode_prompt(std::string_view text, Special special = Special::kPlain) const;
    /// A text that is complete, for an encoder: begin and end token where the vocabulary wants
    /// them.
    Tokens encode_whole(std::string_view text) const;
    /// All the bytes; decode(encode(text)) == text where is_lossless().
    std::string decode(std::span<const std::uint32_t> tokens) const;
};

/// Decodes token by token and holds incomplete UTF-8 back, so that what it returns can be shown
/// at once. Bytes that can never become a character become U+FFFD.
class StreamDecoder {
  public:
    explicit StreamDecoder(const Tokenizer& tokenizer)
        : tokenizer_(tokenizer), previous_(tokenizer.begin_token()) {}

    /// The text that is complete after this token; may be empty.
    std::string push(std::uint32_t token);
    /// What is still held back.
    std::string finish();

  private:
    std::string take_complete(bool last);

    const Tokenizer& tokenizer_;
    std::uint32_t previous_;
    std::string held_;
};

/// A tokenizer in its canonical form is at most this long, a tokenizer.json at most four times
/// that.
inline constexpr std::size_t kMaxTokenizerBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxTokenizerJsonBytes = 4 * kMaxTokenizerBytes;

/// Reads any kind in its canonical form, telling them apart by content.
Result<std::unique_ptr<Tokenizer>> parse_tokenizer(ByteView file);

}  // namespace cairn::text
