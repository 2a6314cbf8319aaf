#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace cairn {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

Error no_number(std::string_view text, const std::string& what, const char* wanted) {
    return invalid(what + " wants " + wanted + ", not '" + printable_line(text) + "'");
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// How many bytes the character that begins with `first` has; 0 for a byte that begins none.
std::size_t length_of(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    if (first >= 0xF0 && first < 0xF5) return 4;
    return 0;
}

// Of one whole sequence; none for surrogates and overlong spellings.
std::optional<std::uint32_t> code_point(std::string_view bytes) {
    static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    const auto first = static_cast<unsigned char>(bytes[0]);
    if (bytes.size() == 1) return first;
    std::uint32_t value = first & (0x7Fu >> bytes.size());
    for (std::size_t i = 1; i < bytes.size(); ++i) {
        if (!continues(bytes[i])) return std::nullopt;
        value = value << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3Fu);
    }
    const bool surrogate = value >= 0xD800 && value < 0xE000;
    if (value < kLeast[bytes.size()] || value > 0x10FFFF || surrogate) return std::nullopt;
    return value;
}

// Control characters and the marks that change the order in which text is read.
bool acts_on_terminal(std::uint32_t c) {
    if (c == '\n' || c == '\t') return false;
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

// Moves from `text` to `out` what is complete; `at_end`: all of it.
void clean(std::string_view& text, std::string& out, bool at_end) {
    while (!text.empty()) {
        const std::size_t length = length_of(static_cast<unsigned char>(text[0]));
        std::size_t there = 1;
        while (there < length && there < text.size() && continues(text[there])) ++there;
        if (length > there && there == text.size() && !at_end) return;
        const auto c = length == there ? code_point(text.substr(0, there)) : std::nullopt;
        out += c && !acts_on_terminal(*c) ? text.substr(0, there) : kReplacement;
        text.remove_prefix(there);
    }
}

// Damerau's distance with neighbours exchanged, by rows.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before, last(b.size() + 1), now(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = std::min(now[j], before[j - 2] + 1);
        }
        before = last;
        last = now;
    }
    return last[b.size()];
}

}  // namespace

Result<std::uint64_t> parse_whole(std::string_view text, const std::string& what) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure == std::errc::result_out_of_range)
        return invalid(what + " is too large: " + printable_line(text));
    if (failure != std::errc{} || end != text.data() + text.size())
        return no_number(text, what, "a whole number");
    return value;
}

Result<double> parse_real(std::string_view text, const std::string& what) {
    double value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure == std::errc::result_out_of_range)
        return invalid(what + " is out of range: " + printable_line(text));
    if (failure != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return no_number(text, what, "a number");
    return value;
}

std::optional<std::string> nearest_word(std::string_view word,
                                        const std::vector<std::string>& known) {
    constexpr std::size_t kLongest = 64;
    if (word.empty() || word.size() > kLongest) return std::nullopt;
    std::optional<std::string> best;
    std::size_t least = (word.size() + 2) / 3 + 1;
    for (const std::string& candidate : known) {
        if (candidate.size() > kLongest) continue;
        const std::size_t d = distance(word, candidate);
        if (d < least) {
            least = d;
            best = candidate;
        }
    }
    return best;
}

std::size_t valid_utf8_length(std::string_view text) {
    constexpr std::uint64_t kHighBits = 0x8080808080808080U;
    std::size_t at = 0;
    while (at < text.size()) {
        // Most texts are mostly ASCII: eight bytes at a time.
        std::uint64_t word = kHighBits;
        if (text.size() - at >= sizeof word) std::memcpy(&word, text.data() + at, sizeof word);
        if ((word & kHighBits) == 0) {
            at += sizeof word;
            continue;
        }
        const std::size_t length = length_of(static_cast<unsigned char>(text[at]));
        if (length == 0 || length > text.size() - at || !code_point(text.substr(at, length))) break;
        at += length;
    }
    return at;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    clean(text, out, true);
    return out;
}

std::string printable_line(std::string_view text) {
    std::string out = printable(text);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    return out;
}

std::string PrintableStream::next(std::string_view piece) {
    waiting_ += piece;
    std::string_view text = waiting_;
    std::string out;
    clean(text, out, false);
    waiting_ = std::string(text);
    return out;
}

std::string PrintableStream::rest() {
    std::string_view text = waiting_;
    std::string out;
    clean(text, out, true);
    waiting_.clear();
    return out;
}

}  // namespace cairn
