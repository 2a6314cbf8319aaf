#include "text/default_system.h"

namespace cairn::text {

namespace {

/// The literal whose first character is `text[at]`, in quotes of that kind: its words, and where it
/// ends. A template without an end of the literal ends it.
struct Literal {
    std::string words;
    std::size_t end;
};

Literal literal_at(std::string_view text, std::size_t at, char quote) {
    Literal literal{"", at};
    for (; literal.end < text.size() && text[literal.end] != quote; ++literal.end) {
        char c = text[literal.end];
        if (c == '\\' && literal.end + 1 < text.size()) {
            c = text[++literal.end];
            if (c == 'n') c = '\n';
        }
        literal.words += c;
    }
    return literal;
}

}  // namespace

std::string default_system_message(std::string_view chat_template, std::string_view before,
                                   std::string_view after) {
    // What follows the end of the turn may stand in a literal of its own.
    while (after.ends_with('\n')) after.remove_suffix(1);
    if (before.empty() || after.empty()) return "";
    for (std::size_t at = 0; at < chat_template.size(); ++at) {
        const char quote = chat_template[at];
        if (quote != '\'' && quote != '"') continue;
        const Literal literal = literal_at(chat_template, at + 1, quote);
        const std::size_t begin = literal.words.find(before);
        if (begin != literal.words.npos) {
            const std::size_t first = begin + before.size();
            const std::size_t end = literal.words.find(after, first);
            if (end != literal.words.npos && end > first)
                return literal.words.substr(first, end - first);
        }
        at = literal.end;
    }
    return "";
}

}  // namespace cairn::text
