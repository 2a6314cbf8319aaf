#include "lab/made_text.h"

#include <array>
#include <vector>

#include "base/random.h"

namespace cairn::lab {
namespace {

constexpr std::size_t kWords = 800;
constexpr std::size_t kShared = 40;  ///< words that all languages have
constexpr std::size_t kSuccessors = 6;
constexpr std::uint64_t kSharedSeed = 7;

struct Word {
    std::string spelling;
    std::array<std::size_t, kSuccessors> next{};
};

std::string make_word(SeededRandom& random) {
    static const char* const kBegin[] = {"b", "br", "d", "f", "g",  "h",  "k",  "l",  "m",
                                         "n", "p",  "r", "s", "st", "sh", "th", "tr", "w"};
    static const char* const kMiddle[] = {"a", "e", "i", "o", "u", "ea", "ou", "ai"};
    static const char* const kEnd[] = {"", "n", "r", "s", "t", "nd", "ll", "ck"};
    std::string word;
    for (std::uint64_t left = 1 + random.below(3); left > 0; --left) {
        word += kBegin[random.below(std::size(kBegin))];
        word += kMiddle[random.below(std::size(kMiddle))];
        if (left == 1) word += kEnd[random.below(std::size(kEnd))];
    }
    return word;
}

/// Small numbers are likelier: the product of two even draws.
std::size_t common(SeededRandom& random, std::size_t count) {
    return static_cast<std::size_t>(random.below(count) * random.below(count) / count);
}

std::vector<Word> make_language(std::uint64_t language) {
    SeededRandom shared(kSharedSeed), own(1000 + language);
    std::vector<Word> words(kWords);
    for (std::size_t i = 0; i < kWords; ++i) {
        words[i].spelling = make_word(i < kShared ? shared : own);
        for (std::size_t& next : words[i].next) next = common(own, kWords);
    }
    return words;
}

}  // namespace

std::string made_text(std::uint64_t language, std::uint64_t seed, std::size_t bytes) {
    static const char* const kLineBegins[] = {"", "  * ", "- ", "> "};
    static const char* const kSeparators[] = {" ", " ", "_", ", "};
    const std::size_t style = language % std::size(kLineBegins);
    const std::vector<Word> words = make_language(language);
    SeededRandom random(seed);
    std::string text;
    std::size_t word = 0;
    while (text.size() < bytes) {
        text += kLineBegins[style];
        for (std::uint64_t left = 4 + random.below(9); left > 0; --left) {
            text += words[word].spelling;
            text += left > 1 ? kSeparators[style] : ".\n";
            word = random.below(8) == 0 ? common(random, kWords)
                                        : words[word].next[common(random, kSuccessors)];
        }
    }
    text.resize(bytes);
    return text;
}

}  // namespace cairn::lab
