// Cutting a text at its added tokens: control tokens and the pieces that a vocabulary's makers
// defined, which are matched whole before anything else is done to a text. Each has the flags that
// a tokenizer.json gives it, and they mean what they mean to Hugging Face's tokenizers library:
//
//   1. Tokens that are not kNormalised are looked for in the text as it is. The leftmost match
//      wins, of those the longest; what is between matches is text.
//   2. Each stretch of text is normalised, and the others, normalised in the same way, are looked
//      for in it.
//   3. kSingleWord: a match beside a word character (is_word_character) is none, and the text that
//      it covers is not looked at again. kLeftStrip, kRightStrip: the white space beside a match
//      belongs to it; a later match within that space still counts, unless it is all of it.
//
// Where a text may make no control token (Special::kPlain), the name of one is text as a whole.
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
    kNotOfModel = 16,  ///< no merge and no word makes it: it is not in the model's own vocabulary
    kKeepBlanks = 32,  ///< of kNormalised: the strips take no U+0020, which is U+2581 by then
};
inline constexpr std::uint8_t kAllAddedFlags = 63;

class AddedTokens {
  public:
    struct Entry {
        std::string text;  ///< what is looked for; of kNormalised ones in its normal form
        std::uint32_t token = 0;
        bool control = false;
        std::uint8_t flags = 0;
    };

    AddedTokens() = default;
    AddedTokens(AddedTokens&&) = default;
    AddedTokens& operator=(AddedTokens&&) = default;
    /// Of equal texts control tokens come first, then the lowest number.
    explicit AddedTokens(std::vector<Entry> entries);

    /// What becomes of a stretch of text: its normal form, given the stretch and whether it is the
    /// begin of the text. The result must stay valid until the next call.
    using Normalise = std::function<std::string_view(std::string_view text, bool first)>;
    /// Appends the tokens of normalised text without added tokens. `first`: it begins the text.
    using Encode = std::function<void(std::string_view text, bool first, Tokens& out)>;

    /// Encodes the parts, joined.
    Tokens encode(std::span<const TextPart> parts, const Normalise& normalise,
                  const Encode& encode) const;

  private:
    // Where a text is in a part: up to `end`, with or without control tokens.
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
        bool only_controls = true;  // so that text which makes none need not be looked at
        std::vector<Span> split(std::string_view text, std::span<const Stretch> stretches) const;
    };

    std::vector<Stretch> normalised_stretches(std::string_view text, bool first, std::size_t begin,
                                              std::span<const Stretch> stretches,
                                              const Normalise& normalise) const;

    Set raw_;
    Set normalised_;
};

}  // namespace cairn::text
