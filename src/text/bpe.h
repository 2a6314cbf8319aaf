// Byte-level byte-pair encoding: every byte is a token, and a list of merges, learnt from text,
// joins frequent neighbours. Ids: 0..255 bytes, 256 the text boundary, 257 + i the result of merge
// i. Text is first cut into short words (text/words.h) and merges never cross their borders.
//
// File: magic "CAIRNBPE", u32 version 1, u32 count, then the two u32 parts of each merge.
#pragma once

#include <functional>

#include "text/piece_index.h"
#include "text/tokenizer.h"

namespace cairn::text {

inline constexpr std::uint32_t kTextBoundary = 256;
inline constexpr std::uint32_t kFirstMerge = 257;
inline constexpr std::uint32_t kMaxBpeVocab = 1U << 18;

struct Merge {
    std::uint32_t left = 0;
    std::uint32_t right = 0;
    bool operator==(const Merge&) const = default;
};

class BpeTokenizer final : public Tokenizer {
  public:
    /// Checks every rule of the format: parts known before the merge, none twice, none the
    /// boundary, pieces at most 128 bytes, vocabulary at most kMaxBpeVocab.
    static Result<std::unique_ptr<BpeTokenizer>> create(std::vector<Merge> merges);
    static Result<std::unique_ptr<BpeTokenizer>> parse(ByteView file);

    std::uint32_t vocab_size() const override;
    std::uint32_t begin_token() const override { return kTextBoundary; }
    bool is_end(std::uint32_t token) const override { return token == kTextBoundary; }
    /// No control token has a name, so Special::kPlain and kAllow give the same tokens.
    using Tokenizer::encode;
    Tokens encode(std::string_view text, Special special) const override;
    std::string piece(std::uint32_t previous, std::uint32_t token) const override;
    Bytes serialise() const override;
    /// A byte-level vocabulary with the same ids. It names GPT-2's word rule, the nearest one that
    /// other programs know: they decode to the same text, and encode most texts to the same tokens.
    VocabularyParts parts() const override;

    const std::vector<Merge>& merges() const { return merges_; }

  private:
    explicit BpeTokenizer(std::vector<Merge> merges) : merges_(std::move(merges)) {}
    void encode_word(std::string_view word, Tokens& out) const;

    std::vector<Merge> merges_;
    std::vector<std::string> pieces_;
    MergeTable joins_;  // the rank of a merge is its token
};

/// Called now and then with (merges learnt, merges wanted).
using BpeProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Learns merges from the texts until the vocabulary has `vocab` tokens (257 to kMaxBpeVocab) or
/// no pair occurs twice. Deterministic: the most frequent pair first, ties to the lowest ids.
Result<std::unique_ptr<BpeTokenizer>> train_bpe(std::span<const std::string_view> texts,
                                                std::uint32_t vocab,
                                                const BpeProgress& progress = {});

}  // namespace cairn::text
