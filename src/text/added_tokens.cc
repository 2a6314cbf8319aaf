#include "text/added_tokens.h"

#include <algorithm>

#include "text/piece_index.h"
#include "text/unicode.h"

namespace cairn::text {

namespace {

bool ends_with_word(std::string_view text) {
    return !text.empty() && is_word_character(last_character(text));
}

bool begins_with_word(std::string_view text) {
    return !text.empty() && is_word_character(first_character(text));
}

bool strips(const Character& character, std::uint8_t flags) {
    return character.kind == CharClass::kSpace &&
           (character.code != ' ' || (flags & kKeepBlanks) == 0);
}

std::size_t without_last_spaces(std::string_view text, std::uint8_t flags) {
    while (!text.empty()) {
        const Character last = last_character(text);
        if (!strips(last, flags)) break;
        text.remove_suffix(last.length);
    }
    return text.size();
}

std::size_t first_spaces(std::string_view text, std::uint8_t flags) {
    std::size_t end = 0;
    while (end < text.size()) {
        const Character next = first_character(text.substr(end));
        if (!strips(next, flags)) break;
        end += next.length;
    }
    return end;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<Entry> entries) {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return a.control != b.control ? a.control : a.token < b.token;
    });
    for (Entry& entry : entries) {
        Set& set = (entry.flags & kNormalised) != 0 ? normalised_ : raw_;
        set.only_controls = set.only_controls && entry.control;
        set.entries.push_back(std::move(entry));
    }
    for (Set* set : {&raw_, &normalised_}) {
        std::vector<SpecialPieces::Entry> texts;
        for (std::uint32_t i = 0; i < set->entries.size(); ++i)
            texts.push_back({set->entries[i].text, i});
        set->texts = SpecialPieces(std::move(texts));
    }
}

std::vector<AddedTokens::Span> AddedTokens::Set::split(std::string_view text,
                                                       std::span<const Stretch> stretches) const {
    std::vector<Span> spans;
    const bool none = std::none_of(stretches.begin(), stretches.end(),
                                   [](const Stretch& stretch) { return stretch.control; });
    if (none && only_controls && !text.empty()) return {{0, text.size(), kNoToken}};
    std::size_t done = 0;  // text before it is in a span
    std::size_t part = 0;
    const auto is_match = [&](std::size_t at, std::size_t length, std::uint32_t entry) {
        while (part + 1 < stretches.size() && stretches[part].end <= at) ++part;
        // A control token's name that crosses the border of a part does not count.
        return !entries[entry].control || at + length <= stretches[part].end;
    };
    for (std::size_t from = 0;;) {
        const SpecialPieces::Match match = texts.find(text, from, is_match);
        if (match.length == 0) break;
        std::size_t begin = match.at;
        std::size_t end = from = match.at + match.length;
        const Entry& entry = entries[match.token];
        if (entry.control && !stretches[part].control) continue;
        if ((entry.flags & kSingleWord) != 0 &&
            (ends_with_word(text.substr(0, begin)) || begins_with_word(text.substr(end))))
            continue;
        if ((entry.flags & kLeftStrip) != 0)
            begin = std::max(without_last_spaces(text.substr(0, begin), entry.flags), done);
        if ((entry.flags & kRightStrip) != 0) end += first_spaces(text.substr(end), entry.flags);
        if (done < begin) spans.push_back({done, begin, kNoToken});
        if (begin < end) spans.push_back({begin, end, entry.token});
        done = end;
    }
    if (done < text.size()) spans.push_back({done, text.size(), kNoToken});
    return spans;
}

// Where the borders of the parts lie in the normal form of the text that begins at `begin`: each at
// the length of the normal form of the text before it.
std::vector<AddedTokens::Stretch> AddedTokens::normalised_stretches(
    std::string_view text, bool first, std::size_t begin, std::span<const Stretch> stretches,
    const Normalise& normalise) const {
    // Borders only matter to control tokens, and only where there are several parts.
    const bool controls = std::any_of(normalised_.entries.begin(), normalised_.entries.end(),
                                      [](const Entry& entry) { return entry.control; });
    if (!controls || stretches.size() == 1) return {{std::string_view::npos, stretches[0].control}};
    std::vector<Stretch> mapped;
    for (const Stretch& stretch : stretches) {
        if (stretch.end <= begin) continue;
        const std::size_t length = std::min(stretch.end - begin, text.size());
        mapped.push_back({normalise(text.substr(0, length), first).size(), stretch.control});
        if (length == text.size()) break;
    }
    return mapped;
}

Tokens AddedTokens::encode(std::span<const TextPart> parts, const Normalise& normalise,
                           const Encode& encode) const {
    std::string joined;
    std::vector<Stretch> stretches;
    std::size_t size = 0;
    for (const TextPart& part : parts) {
        if (parts.size() > 1) joined += part.text;
        stretches.push_back({size += part.text.size(), part.special == Special::kAllow});
    }
    const std::string_view text = parts.size() == 1 ? parts[0].text : joined;
    Tokens out;
    out.reserve(text.size() / 4 + 8);
    for (const Span& span : raw_.split(text, stretches)) {
        if (span.token != kNoToken) {
            out.push_back(span.token);
            continue;
        }
        const std::string_view stretch = text.substr(span.begin, span.end - span.begin);
        const bool first = span.begin == 0;
        if (normalised_.entries.empty()) {
            encode(normalise(stretch, first), first, out);
            continue;
        }
        const auto borders = normalised_stretches(stretch, first, span.begin, stretches, normalise);
        const std::string_view normal = normalise(stretch, first);
        for (const Span& inner : normalised_.split(normal, borders)) {
            if (inner.token != kNoToken)
                out.push_back(inner.token);
            else
                encode(normal.substr(inner.begin, inner.end - inner.begin),
                       first && inner.begin == 0, out);
        }
    }
    return out;
}

}  // namespace cairn::text
