#include "text/word_rules.h"

#include "base/check.h"
#include "text/word_scan.h"
#include "text/word_stages.h"

namespace cairn::text {

namespace {

constexpr WordStage stage_of(WordScanner scan) { return {.scan = scan}; }
constexpr WordStage stage_of(ContextScanner scan) { return {.scan_after = scan}; }

template <auto... Stages>
std::span<const WordStage> stages() {
    static_assert(sizeof...(Stages) <= kMaxStages);
    static constexpr WordStage list[] = {stage_of(Stages)...};
    return list;
}

// Qwen 2's and its relatives'.
constexpr Llama3Options kQwen2Options{.digits = 1};

std::span<const WordStage> mixed_stages(WordRule rule) {
    switch (rule) {
        case WordRule::kDeepSeekLlm:
            return stages<single_newline, cased_letters, wide_punctuation, last_spaces,
                          east_asian_letters, number_alone>();
        case WordRule::kDeepSeekCoder:
            return stages<single_newline, spaced_letters, spaced_punctuation, east_asian_letters,
                          number_alone>();
        case WordRule::kDeepSeek3:
            return stages<number_threes, kana_and_ideographs, deepseek_word<true>>();
        case WordRule::kSpark:
            return stages<number_threes, kana_and_ideographs, deepseek_word<false>, number_alone>();
        case WordRule::kAfmoe:
            return stages<numbers_from_end, eastern_scripts, deepseek_word<true>>();
        case WordRule::kYoutu:
            return stages<east_asian_blocks, cased_word<CasedOptions{.digits = 1}>>();
        case WordRule::kFalcon:
            return stages<falcon_punctuation<true>, gpt2_word<false>, three_digits>();
        case WordRule::kPunctuated:
            return stages<falcon_punctuation<false>, gpt2_word<false>, numbers, three_digits>();
        case WordRule::kViking:
            return stages<bloom_word, number_alone>();
        case WordRule::kChameleon:
            return stages<sentinel, image_token, tab_or_blanks, number_alone, mark_alone,
                          gpt2_word<false>>();
        case WordRule::kTinyAya:
            return stages<digits_before_border, cased_word<CasedOptions{}>>();
        case WordRule::kSuperBpe:
            return stages<numbers, digits_from_end>();
        case WordRule::kLaguna:
            return stages<lines, llama3_word<kQwen2Options>>();
        case WordRule::kMiniCpm5:
            return stages<number_threes, llama3_word<Llama3Options{.digits = kAnyDigits}>>();
        default:
            break;
    }
    CHECK(false);
    return {};
}

}  // namespace

std::span<const WordStage> stages_of(WordRule rule) {
    switch (rule) {
        case WordRule::kGpt2:
            return stages<gpt2_word<false>>();
        case WordRule::kDigits:
            return stages<gpt2_word<true>>();
        case WordRule::kLlama3:
            return stages<llama3_word<Llama3Options{}>>();
        case WordRule::kQwen2:
            return stages<llama3_word<kQwen2Options>>();
        case WordRule::kJais2:
            return stages<llama3_word<Llama3Options{.doubling_spaces = true}>>();
        case WordRule::kSeedCoder:
            return stages<llama3_word<Llama3Options{.digits = 1, .newlines = false}>>();
        case WordRule::kUfakzeka:
            return stages<llama3_word<Llama3Options{.digits = 1, .contractions = false}>>();
        case WordRule::kQwen35:
            return stages<qwen35_word>();
        case WordRule::kBloom:
            return stages<bloom_word>();
        case WordRule::kTekken:
            return stages<cased_word<CasedOptions{.digits = 1, .contractions = false}>>();
        case WordRule::kGpt4o:
            return stages<cased_word<CasedOptions{}>>();
        case WordRule::kKimi:
            return stages<cased_word<CasedOptions{.slashes = false, .han_apart = true}>>();
        case WordRule::kExaoneMoe:
            return stages<exaone_word>();
        default:
            return mixed_stages(rule);
    }
}

}  // namespace cairn::text
