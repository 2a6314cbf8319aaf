// Tokenizer: text to token ids and back. Two kinds stand behind one interface: our own byte-level
// BPE (model/bpe.h) and the scored pieces of llama2.c's tokenizer.bin (model/llama2c_tokenizer.h).
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

namespace cairn::model {

using Tokens = std::vector<std::uint32_t>;

class Tokenizer {
  public:
    virtual ~Tokenizer() = default;

    virtual std::uint32_t vocab_size() const = 0;
    /// The token that begins a text (and separates documents in training data).
    virtual std::uint32_t begin_token() const = 0;
    /// Whether generation stops at this token.
    virtual bool is_end(std::uint32_t token) const = 0;
    /// Any bytes at all; no begin token is added. Thread-safe.
    virtual Tokens encode(std::string_view text) const = 0;
    /// The bytes of one token, which may be part of a character. `previous` is the token before
    /// it, or begin_token() at the start. Empty for special tokens and ids out of range.
    virtual std::string piece(std::uint32_t previous, std::uint32_t token) const = 0;
    /// The canonical file.
    virtual Bytes serialise() const = 0;

    /// All the bytes; decode(encode(text)) == text.
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

/// A tokenizer file is at most this long.
inline constexpr std::size_t kMaxTokenizerBytes = std::size_t{16} << 20;

/// Reads either kind, telling them apart by content.
Result<std::unique_ptr<Tokenizer>> parse_tokenizer(ByteView file);

}  // namespace cairn::model
