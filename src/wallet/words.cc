#include "wallet/words.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/keys.h"
#include "wallet/word_list.h"

namespace cairn::wallet {
namespace {

constexpr std::size_t kBitsPerWord = 11;
constexpr std::uint32_t kRounds = 2048;
/// More than 24 words need, with room for extra spaces.
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxShown = 20;

bool bit_of(ByteView bytes, std::size_t i) { return (bytes[i / 8] >> (7 - i % 8) & 1) != 0; }

/// Without the number that it has on paper: "legal" for "1.legal", nothing for "1.".
std::string without_number(const std::string& word) {
    const std::size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
    if (digits == 0) return word;
    const bool mark = digits < word.size() &&
                      std::string_view(".):").find(word[digits]) != std::string_view::npos;
    return word.substr(digits + (mark ? 1 : 0));
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> words;
    bool inside = false;
    for (const char letter : text) {
        const bool space = letter == ' ' || (letter >= '\t' && letter <= '\r');
        if (!space && !inside) words.emplace_back();
        if (!space)
            words.back() +=
                letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
        inside = !space;
    }
    for (std::string& word : words) word = without_number(word);
    std::erase(words, "");
    return words;
}

Error unknown_word(std::size_t index, const std::string& word) {
    static const std::vector<std::string> known(kWordList.begin(), kWordList.end());
    std::string message = "word " + std::to_string(index + 1) + ", '" +
                          printable_line(word.substr(0, kMaxShown)) +
                          "', is none of the 2048 words";
    if (const auto nearest = nearest_word(word, known))
        message += "; the nearest is '" + *nearest + "'";
    return invalid(std::move(message));
}

struct Free {
    void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

Result<crypto::SecretBytes> decomposed(std::string_view text) {
    utf8proc_uint8_t* made = nullptr;
    const utf8proc_ssize_t size =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                     static_cast<utf8proc_ssize_t>(text.size()), &made,
                     static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT));
    const std::unique_ptr<utf8proc_uint8_t, Free> guard(made);
    if (size < 0) return invalid("words and passphrase must be UTF-8 text");
    crypto::SecretBytes bytes(Bytes(made, made + size));
    crypto::wipe({made, static_cast<std::size_t>(size)});
    return bytes;
}

}  // namespace

bool is_word_count(std::size_t count) { return count >= 12 && count <= 24 && count % 3 == 0; }

crypto::SecretBytes new_entropy(std::size_t words, Random& random) {
    CHECK(is_word_count(words));
    crypto::SecretBytes entropy(Bytes(words / 3 * 4));
    random.fill(entropy.bytes);
    return entropy;
}

std::string words_of(ByteView entropy) {
    const std::size_t count = entropy.size() / 4 * 3;
    CHECK(entropy.size() % 4 == 0 && is_word_count(count));
    crypto::SecretBytes all(Bytes(entropy.begin(), entropy.end()));
    all.bytes.push_back(crypto::sha256(entropy).bytes[0]);
    std::string words;
    for (std::size_t word = 0; word < count; ++word) {
        std::size_t index = 0;
        for (std::size_t bit = 0; bit < kBitsPerWord; ++bit)
            index = index << 1 | (bit_of(all.view(), word * kBitsPerWord + bit) ? 1 : 0);
        if (word > 0) words += ' ';
        words += kWordList[index];
    }
    return words;
}

std::string on_paper(std::string_view words) {
    std::string text;
    std::size_t number = 0;
    for (const std::string& word : split(words)) {
        const bool ends_line = ++number % 4 == 0;
        text += fmt::format("{:>4} ", number);
        text += ends_line ? word + "\n" : fmt::format("{:<10}", word);
    }
    return text;
}

Result<crypto::SecretBytes> entropy_of(std::string_view text) {
    if (text.size() > kMaxText) return invalid("this is more than 24 words");
    const std::vector<std::string> words = split(text);
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto* const found = std::ranges::lower_bound(kWordList, words[i]);
        if (found == kWordList.end() || *found != words[i]) return unknown_word(i, words[i]);
        indices.push_back(static_cast<std::size_t>(found - kWordList.begin()));
    }
    if (!is_word_count(words.size()))
        return invalid("these are " + std::to_string(words.size()) +
                       " words; a wallet has 12, 15, 18, 21 or 24");
    crypto::SecretBytes all(Bytes(words.size() / 3 * 4 + 1));
    for (std::size_t i = 0; i < indices.size() * kBitsPerWord; ++i)
        if ((indices[i / kBitsPerWord] >> (kBitsPerWord - 1 - i % kBitsPerWord) & 1) != 0)
            all.bytes[i / 8] |= static_cast<std::uint8_t>(1 << (7 - i % 8));
    const std::size_t size = all.bytes.size() - 1;
    crypto::SecretBytes entropy(Bytes(all.bytes.begin(), all.bytes.end() - 1));
    const std::size_t spare = 8 - size / 4;  // a checksum of one bit for each four bytes
    if (all.bytes[size] >> spare != crypto::sha256(entropy.view()).bytes[0] >> spare)
        return invalid(
            "every word is in the list, but their checksum is wrong: one is not the right word, or "
            "two changed places");
    return entropy;
}

Result<crypto::SecretBytes> seed_of(std::string_view words, std::string_view passphrase) {
    ASSIGN_OR_RETURN(const crypto::SecretBytes sentence, decomposed(words));
    ASSIGN_OR_RETURN(const crypto::SecretBytes more, decomposed(passphrase));
    constexpr std::string_view kPrefix = "mnemonic";
    crypto::SecretBytes salt(Bytes(kPrefix.size() + more.bytes.size()));
    std::ranges::copy(more.bytes, std::ranges::copy(kPrefix, salt.bytes.begin()).out);
    crypto::Hash512 seed = crypto::pbkdf2_sha512(sentence.view(), salt.view(), kRounds);
    crypto::SecretBytes result(Bytes(seed.bytes.begin(), seed.bytes.end()));
    crypto::wipe(seed.bytes);
    return result;
}

}  // namespace cairn::wallet
