// Proves that the normal forms are the library's, that what is no UTF-8 has none, and that any
// number of marks behind a letter costs no more than other text.
#include "text/normal_form.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>

#include "text/bert_text.h"
#include "text/unicode.h"

namespace cairn::text {
namespace {

std::string ours(std::string_view text, NormalForm form) {
    std::string out;
    return append_normal(text, form, out) ? out : "none";
}

std::string theirs(const std::string& text, int form) {
    utf8proc_uint8_t* made = nullptr;
    const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &made,
                                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | form));
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(made, &std::free);
    return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(length)};
}

void append(std::string& text, std::uint32_t code) {
    utf8proc_uint8_t bytes[4];
    const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
    text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
}

void expect_same(const std::string& text) {
    ASSERT_EQ(ours(text, NormalForm::kComposed), theirs(text, UTF8PROC_COMPOSE));
    ASSERT_EQ(ours(text, NormalForm::kDecomposed), theirs(text, UTF8PROC_DECOMPOSE));
}

TEST(NormalForm, IsTheLibrarysForEveryCharacterAlone) {
    for (std::uint32_t code = 1; code < 0x110000; ++code) {
        if (code >= 0xD800 && code < 0xE000) continue;
        std::string text = "a";
        append(text, code);
        expect_same(text + "\u0316");
        if (HasFatalFailure()) return;
    }
}

TEST(NormalForm, IsTheLibrarysForMarksInAnyOrder) {
    // Letters that compose, marks of many classes, parts of Hangul.
    const std::uint32_t codes[] = {'a',   'o',   0xC5,    0x3B1,  0x1100, 0x1161, 0x11A8, 0xAC00,
                                   0x300, 0x301, 0x307,   0x316,  0x323,  0x327,  0x345,  0x5B0,
                                   0x64B, 0x93C, 0x1D165, 0x302A, 0x344,  0x1E69, 0x1E9B, ' '};
    std::mt19937 chance(7);
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::size_t length = chance() % 24; length > 0; --length)
            append(text, codes[chance() % std::size(codes)]);
        expect_same(text);
        if (HasFatalFailure()) return;
    }
}

TEST(NormalForm, OfBytesThatAreNoTextThereIsNone) {
    std::string out = "kept";
    EXPECT_FALSE(append_normal("a\xE4\xB8", NormalForm::kComposed, out));
    EXPECT_EQ(out, "kept");
}

// 128 KB, which were read in minutes, while everybody else waited.
TEST(NormalForm, ManyMarksBehindALetterAreReadAtOnce) {
    std::string text = "a";
    for (int i = 0; i < 32'000; ++i) text += "\u0301";
    for (int i = 0; i < 32'000; ++i) text += "\u0316";
    const auto began = std::chrono::steady_clock::now();
    std::string storage;
    EXPECT_EQ(normalise_nfc(text, storage).size(), 2U + 2 * 63'999);
    EXPECT_EQ(
        bert_clean(text,
                   {.clean = true, .ideographs = true, .strip_accents = true, .lower_case = true}),
        "a");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

}  // namespace
}  // namespace cairn::text
