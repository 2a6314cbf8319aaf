#include "text/word_rule_forms.h"

#include <algorithm>
#include <array>
#include <string>

#include <nlohmann/json.hpp>

#include "text/json_vocabulary.h"

namespace cairn::text {

namespace {

using nlohmann::json;
using enum WordRule;

// What a step does to cut text. With the library's "Isolated", both the matches and the text
// between them are words.
struct Step {
    enum Kind { kNone, kSplit, kEachDigit, kDigitRuns, kPunctuation, kGpt2Cut, kUnknown };
    Kind kind = kNone;
    std::string_view pattern{};  // kSplit only

    bool operator==(const Step&) const = default;
};
using enum Step::Kind;

struct Form {
    WordRule rule;
    Step steps[kMaxStages];
};

// Expressions as the makers' files have them, those of kKimi and kAfmoe as expressions for what
// llama.cpp does in code.
const Form kForms[] = {
    {kGpt2, {{kGpt2Cut}}},
    {kDigits, {{kEachDigit}, {kGpt2Cut}}},
    {kLlama3,
     {{kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| )~"
               R"~(?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kQwen2,
     {{kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s)~"
               R"~(\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kQwen2,
     {{kSplit, R"~('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\)~"
               R"~(p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)~"}}},
    {kJais2,
     {{kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| )~"
               R"~(?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s)~"
               R"~({128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{)~"
               R"~(4}(?!\S)|\s{1,2}(?!\S)|\s{1})~"}}},
    {kDeepSeekLlm,
     {{kSplit, R"~([\r\n])~"},
      {kSplit,
       R"~(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-)~"
       R"~(ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂ)~"
       R"~(ℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ)~"
       R"~(-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)~"},
      {kSplit, R"~(\s?[!-/:-~！-／：-～‘-‟　-。]+)~"},
      {kSplit, R"~(\s+$)~"},
      {kSplit, R"~([一-龥ࠀ-一가-퟿]+)~"},
      {kEachDigit}}},
    {kDeepSeekCoder,
     {{kSplit, R"~([\r\n])~"},
      {kSplit, R"~(\s?\p{L}+)~"},
      {kSplit, R"~(\s?\p{P}+)~"},
      {kSplit, R"~([一-龥ࠀ-一가-퟿]+)~"},
      {kEachDigit}}},
    {kDeepSeek3,
     {{kSplit, R"~(\p{N}{1,3})~"},
      {kSplit, R"~([一-龥぀-ゟ゠-ヿ]+)~"},
      {kSplit, R"~([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p)~"
               R"~({S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kSpark,
     {{kSplit, R"~(\p{N}{1,3})~"},
      {kSplit, R"~([一-龥぀-ゟ゠-ヿ]+)~"},
      {kSplit, R"~([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p)~"
               R"~({S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)~"},
      {kSplit, R"~(\p{N})~"}}},
    {kYoutu,
     {{kSplit,
       R"~([가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+)~"},
      {kSplit, R"~([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{)~"
               R"~(Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\)~"
               R"~(p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'v)~"
               R"~(e|'m|'ll|'d)?|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)~"
               R"~()|\s+)~"}}},
    {kFalcon, {{kPunctuation}, {kGpt2Cut}, {kSplit, R"~([0-9][0-9][0-9])~"}}},
    {kQwen35,
     {{kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})~"
               R"~(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kBloom, {{kSplit, R"~( ?[^(\s|[.,!?…。，、।۔،])]+)~"}}},
    {kViking, {{kSplit, R"~( ?[^(\s|[.,!?…。，、।۔،])]+)~"}, {kEachDigit}}},
    {kTekken,
     {{kSplit, R"~([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{)~"
               R"~(Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{L)~"
               R"~(l}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|)~"
               R"~(\s+(?!\S)|\s+)~"}}},
    {kChameleon,
     {{kSplit, R"~(<sentinel:[0-9]+>)~"},
      {kSplit, R"~((IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z)~"},
      {kSplit, R"~(([\t\n]|    |  ))~"},
      {kEachDigit},
      {kSplit, R"~([\p{P}!-/:-@\[-`{-~])~"},
      {kSplit, R"~('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)~"}}},
    {kGpt4o,
     {{kSplit, R"~([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{)~"
               R"~(Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\)~"
               R"~(p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'v)~"
               R"~(e|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+)~"
               R"~((?!\S)|\s+)~"}}},
    {kTinyAya,
     {{kSplit, R"~(\d{1,3}(?=(?:\d{3})*\b))~"},
      {kSplit, R"~([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{)~"
               R"~(Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\)~"
               R"~(p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'v)~"
               R"~(e|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+)~"
               R"~((?!\S)|\s+)~"}}},
    {kKimi,
     {{kSplit, R"~([\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{)~"
               R"~(Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|)~"
               R"~('ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Ha)~"
               R"~(n}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'l)~"
               R"~(l|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\)~"
               R"~(s+)~"}}},
    {kSuperBpe, {{kSplit, R"~(\p{N}+)~"}, {kSplit, R"~((?=(\d{3})+(?!\d)))~"}}},
    {kSeedCoder,
     {{kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[)~"
               R"~(^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kSeedCoder,
     {{kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s)~"
               R"~(\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kUfakzeka,
     {{kSplit, R"~([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n])~"
               R"~(+|\s+(?!\S)|\s+)~"}}},
    {kAfmoe,
     {{kSplit, R"~(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))~"},
      {kSplit,
       R"~([一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+)~"},
      {kSplit, R"~([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p)~"
               R"~({S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kLaguna,
     {{kSplit, R"~([^\n]+|[\n]+)~"},
      {kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s)~"
               R"~(\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kExaoneMoe,
     {{kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \)~"
               R"~(p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)~"
               R"~()|\s+)~"}}},
    {kMiniCpm5,
     {{kSplit, R"~(\p{N}{1,3})~"},
      {kSplit, R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\)~"
               R"~(s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}}},
    {kPunctuated,
     {{kSplit, R"~([\p{P}\$\+<=>\^~\|]+)~"},
      {kSplit, R"~('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)~"},
      {kSplit, R"~(\p{N}+)~"},
      {kSplit, R"~([0-9][0-9][0-9])~"}}},
};

// The text of a pattern, or nothing of a step that cuts in another way.
Step read_step(const json& step, std::string& storage) {
    const std::string type = step.is_object() ? text_of(step, "type") : "";
    if (type == "ByteLevel") return {flag_of(step, "use_regex", true) ? kGpt2Cut : kNone};
    if (type == "Digits")
        return {flag_of(step, "individual_digits", false) ? kEachDigit : kDigitRuns};
    if (type == "Punctuation")
        return {text_of(step, "behavior") == "Contiguous" ? kPunctuation : kUnknown};
    if (type != "Split") return {kUnknown};
    const bool invert = flag_of(step, "invert", false);
    const std::string behavior = text_of(step, "behavior");
    if (behavior != (invert ? "Removed" : "Isolated")) return {kUnknown};
    // Some files have newlines themselves where others write \n.
    storage.clear();
    for (const char c : text_of(member(step, "pattern"), "Regex"))
        storage += c == '\n' ? "\\n" : c == '\r' ? "\\r" : std::string(1, c);
    return storage.empty() ? Step{kUnknown} : Step{kSplit, storage};
}

json byte_level(bool cuts) {
    return {{"type", "ByteLevel"},
            {"add_prefix_space", false},
            {"trim_offsets", false},
            {"use_regex", cuts}};
}

json written(const Step& step) {
    switch (step.kind) {
        case kSplit:
            return {{"type", "Split"},
                    {"pattern", {{"Regex", std::string(step.pattern)}}},
                    {"behavior", "Isolated"},
                    {"invert", false}};
        case kPunctuation:
            return {{"type", "Punctuation"}, {"behavior", "Contiguous"}};
        case kGpt2Cut:
            return byte_level(true);
        default:
            return {{"type", "Digits"}, {"individual_digits", step.kind == kEachDigit}};
    }
}

}  // namespace

std::optional<WordRule> word_rule_of_steps(const std::vector<json>& steps) {
    std::array<std::string, kMaxStages> patterns;
    std::array<Step, kMaxStages> read{};
    std::size_t count = 0;
    bool drops = false;  // text that an expression does not match ("invert")
    for (const json& step : steps) {
        std::string pattern;
        Step one = read_step(step, pattern);
        if (one.kind == kNone) continue;
        if (count == kMaxStages) return std::nullopt;
        drops = drops || flag_of(step, "invert", false);
        if (one.kind == kSplit) one.pattern = patterns[count] = std::move(pattern);
        read[count++] = one;
    }
    const auto* form = std::find_if(std::begin(kForms), std::end(kForms), [&](const Form& known) {
        return std::equal(read.begin(), read.end(), known.steps);
    });
    if (count == 0 || form == std::end(kForms)) return std::nullopt;
    // A rule that drops text is accepted only if its expression matches everything.
    return drops && (count > 1 || form->rule == kBloom) ? std::nullopt : std::optional(form->rule);
}

std::vector<json> steps_of_word_rule(WordRule rule) {
    const Form& form = *std::find_if(std::begin(kForms), std::end(kForms),
                                     [&](const Form& known) { return known.rule == rule; });
    std::vector<json> steps;
    bool cut = false;
    for (const Step& step : form.steps) {
        if (step.kind == kNone) break;
        // ByteLevel replaces the characters, so no expression after it would match.
        cut = cut || step.kind == kGpt2Cut;
        steps.push_back(written(step));
    }
    if (!cut) steps.push_back(byte_level(false));
    return steps;
}

}  // namespace cairn::text
