#include "text/words.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::text {

namespace {

enum class CharClass { kLetter, kDigit, kPunctuation, kSpace };

constexpr std::size_t kMaxDigits = 3;

CharClass classify(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))
        return CharClass::kLetter;
    if (byte >= '0' && byte <= '9') return CharClass::kDigit;
    if (byte == ' ' || (byte >= '\t' && byte <= '\r')) return CharClass::kSpace;
    return CharClass::kPunctuation;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The end of the run of the class at `start`.
std::size_t run_end(std::string_view text, std::size_t start) {
    const CharClass run = classify(text[start]);
    const std::size_t limit =
        std::min(text.size(), run == CharClass::kDigit ? start + kMaxDigits : kMaxWordBytes);
    std::size_t end = start + 1;
    while (end < limit && classify(text[end]) == run) ++end;
    if (end == kMaxWordBytes && end < text.size() && is_continuation(text[end])) {
        std::size_t border = end;
        while (border > end - 4 && is_continuation(text[border])) --border;
        if (!is_continuation(text[border])) end = border;
    }
    return end;
}

}  // namespace

std::size_t next_word(std::string_view text) {
    CHECK(!text.empty());
    if (classify(text[0]) != CharClass::kSpace) return run_end(text, 0);
    if (text[0] == ' ' && text.size() > 1 && classify(text[1]) != CharClass::kSpace)
        return run_end(text, 1);
    const std::size_t end = run_end(text, 0);
    // The last blank of a run belongs to the word after it.
    const bool word_follows = end < text.size() && classify(text[end]) != CharClass::kSpace;
    return word_follows && end > 1 && text[end - 1] == ' ' ? end - 1 : end;
}

}  // namespace cairn::text
