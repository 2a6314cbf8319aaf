#include "text/special_pieces.h"

#include <algorithm>

namespace cairn::text {

SpecialPieces::SpecialPieces(std::vector<Entry> entries) : entries_(std::move(entries)) {
    std::erase_if(entries_, [](const Entry& entry) { return entry.text.empty(); });
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const Entry& a, const Entry& b) { return a.text < b.text; });
    entries_.erase(std::unique(entries_.begin(), entries_.end(),
                               [](const Entry& a, const Entry& b) { return a.text == b.text; }),
                   entries_.end());
    for (const Entry& entry : entries_) begins_[static_cast<unsigned char>(entry.text[0])] = true;
}

// Entries that share what has been read so far lie side by side; each byte narrows the range. The
// one that ends here, if any, is the first of it.
SpecialPieces::Match SpecialPieces::find(std::string_view text, std::size_t from,
                                         const IsMatch& is_match) const {
    if (entries_.empty()) return {text.size(), 0, 0};
    for (std::size_t at = from; at < text.size(); ++at) {
        if (!begins_[static_cast<unsigned char>(text[at])]) continue;
        auto first = entries_.begin();
        auto last = entries_.end();
        Match best{text.size(), 0, 0};
        for (std::size_t depth = 0; first != last; ++depth) {
            if (first->text.size() == depth && depth > 0) {
                if (is_match(at, depth, first->token)) best = {at, depth, first->token};
                if (++first == last) break;
            }
            if (at + depth == text.size()) break;
            const auto byte = static_cast<unsigned char>(text[at + depth]);
            const auto at_depth = [&](const Entry& entry) {
                return static_cast<unsigned char>(entry.text[depth]);
            };
            first = std::partition_point(first, last,
                                         [&](const Entry& e) { return at_depth(e) < byte; });
            last = std::partition_point(first, last,
                                        [&](const Entry& e) { return at_depth(e) <= byte; });
        }
        if (best.length > 0) return best;
    }
    return {text.size(), 0, 0};
}

SpecialPieces::Match SpecialPieces::find(std::string_view text, std::size_t from) const {
    return find(text, from, [](std::size_t, std::size_t, std::uint32_t) { return true; });
}

}  // namespace cairn::text
