// Finding the pieces that are matched whole, before anything else is done to a text: control
// tokens and those that a vocabulary's makers defined. The longest wins.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::text {

class SpecialPieces {
  public:
    SpecialPieces() = default;
    struct Entry {
        std::string_view text;  ///< its memory must outlive this
        std::uint32_t token = 0;
    };
    /// Of equal texts the first stays; empty ones are never found.
    explicit SpecialPieces(std::vector<Entry> entries);

    struct Match {
        std::size_t at = 0;  ///< text.size() if there is none
        std::size_t length = 0;
        std::uint32_t token = 0;
    };
    /// The first piece in `text` from `from` on that `is_match` accepts, and the longest of those
    /// that begin there. `is_match` is called with ascending `at`.
    using IsMatch = std::function<bool(std::size_t at, std::size_t length, std::uint32_t token)>;
    Match find(std::string_view text, std::size_t from, const IsMatch& is_match) const;
    Match find(std::string_view text, std::size_t from) const;
    bool empty() const { return entries_.empty(); }

  private:
    std::vector<Entry> entries_;  // sorted by text
    std::array<bool, 256> begins_{};
};

}  // namespace cairn::text
