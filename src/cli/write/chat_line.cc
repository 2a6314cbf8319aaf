#include "cli/write/chat_line.h"

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "base/text.h"

namespace cairn::cli {

namespace {

// Commands without an argument, and commands with one.
const std::vector<std::string> kAlone = {"/reset", "/stats", "/help", "/quit", "/exit"};
const std::vector<std::string> kWithText = {"/system", "/save"};

constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool among(const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

ChatLine command_or_message(const std::string& line) {
    const std::size_t end = line.find_last_not_of(" \t") + 1;
    const std::size_t blank = std::min(line.find(' '), end);
    const std::string word = line.substr(0, blank);
    const bool alone = blank == end;
    if (alone ? among(kAlone, word) || among(kWithText, word) : among(kWithText, word))
        return {ChatLine::Kind::kCommand, word,
                alone ? "" : line.substr(blank + 1, end - blank - 1)};
    const bool is_word = word.size() > 1 && word.find_first_not_of(kLetters, 1) == word.npos;
    if (!alone || !is_word || exists(word)) return {ChatLine::Kind::kMessage, "", line};
    std::vector<std::string> all = kAlone;
    all.insert(all.end(), kWithText.begin(), kWithText.end());
    return {ChatLine::Kind::kMistyped, nearest_word(word, all).value_or(""), word};
}

}  // namespace

ChatLine read_chat_line(const std::string& line) {
    if (!line.starts_with('/')) return {ChatLine::Kind::kMessage, "", line};
    if (!line.starts_with("//")) return command_or_message(line);
    const std::string rest = line.substr(1);
    const bool escaped = command_or_message(rest).kind != ChatLine::Kind::kMessage;
    return {ChatLine::Kind::kMessage, "", escaped ? rest : line};
}

}  // namespace cairn::cli
