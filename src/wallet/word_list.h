// BIP39's 2048 English words, sorted; no two share their first four letters. The table is made at
// build time (cmake/embed_words.cmake).
#pragma once

#include <array>
#include <string_view>

namespace cairn::wallet {

inline constexpr std::size_t kWords = 2048;
extern const std::array<std::string_view, kWords> kWordList;

}  // namespace cairn::wallet
