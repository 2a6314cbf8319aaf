// Cutting a text at its added tokens: control tokens and the pieces that a vocabulary's makers
// defined, which are matched whole before anything else is done to a text. Each has the flags that
// a tokenizer.json gives it, and they mean what they mean to Hugging Face's tokenizers library:
//
//   1. Tokens that are not kNormalised are looked for in the text as it is. The leftmost match
//      wins, of those the longest; what is between matches is text.
//   2. Each stretch of text is normalised, and the others, normalised in the same way, are looked
//      for in it.
//   3. kSingleWord: a match next to a word character (is_word_character) does not count, and the
//      search goes on behind it. kLeftStrip, kRightStrip: the match takes the white space next to
//      it; a later match within that space still counts, unless it is all of that space.
//
// Where a text may make no control token (Special::kPlain), the name of one is ordinary text.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/special_pieces.h"
#include "text/tokenizer.h"

namespace cairn::text {

/// Bits of Vocabulary::Piece::added and VocabularyParts::added.
enum AddedFlag : std::uint8_t {
    kLeftStrip = 1,
    kRightStrip = 2,
    kSingleWord = 4,
    kNormalised = 8,
    kNotOfModel = 16,  ///< not in the model's own vocabulary: no merge and no word produces it
    kKeepBlanks = 32,  ///< kNormalised only: strips take no blanks, which are U+2581 by then
};
inline constexpr std::uint8_t kAllAddedFlags = 63;

class AddedTokens {
  public:
    struct Entry {
        std::string text;  ///< what is looked for; in normal form if the token is kNormalised
        std::uint32_t token = 0;
        bool control = false;
        std::uint8_t flags = 0;
    };

    AddedTokens() = default;
    AddedTokens(AddedTokens&&) = default;
    AddedTokens& operator=(AddedTokens&&) = default;
    /// Among entries with the same text, control tokens come first, then the lowest number.
    explicit AddedTokens(std::vector<Entry> entries);

    /// Gives the normal form of a stretch of text; `first` says that it begins the whole text. The
    /// result must stay valid until the next call.
    using Normalise = std::function<std::string_view(std::string_view text, bool first)>;
    /// Appends the tokens of normalised text without added tokens. `first`: it begins the text.
    using Encode = std::function<void(std::string_view text, bool first, Tokens& out)>;

    /// Encodes the parts, joined.
    Tokens encode(std::span<const TextPart> parts, const Normalise& normalise,
                  const Encode& encode) const;

  private:
    // One part of the text, which ends at `end`, and whether it may make control tokens.
    struct Stretch {
        std::size_t end = 0;
        bool control = false;
    };
    struct Span {
        std::size_t begin = 0;
        std::size_t end = 0;
        std::uint32_t token = 0;  // kNoToken: text
    };
    struct Set {
        std::vector<Entry> entries;
        SpecialPieces texts;        // numbered by their place in entries
        bool only_controls = true;  // then text that may make none need not be searched
        std::vector<Span> split(std::string_view text, std::span<const Stretch> stretches) const;
    };

    std::vector<Stretch> normalised_stretches(std::string_view text, bool first, std::size_t begin,
                                              std::span<const Stretch> stretches,
                                              const Normalise& normalise) const;

    Set raw_;
    Set normalised_;
};

}  // namespace cairn::text
