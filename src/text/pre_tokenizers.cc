#include "text/pre_tokenizers.h"

#include <algorithm>
#include <array>

namespace cairn::text {

namespace {

using enum WordRule;

// The first name of each rule (with and without whole words) is the one that we write into files.
// A byte-level vocabulary without a name dates from the time when GPT-2's was the only rule.
constexpr auto kNames = std::to_array<PreTokenizer>({
    {"gpt-2", kGpt2},
    {"gpt2", kGpt2},
    {"", kGpt2},
    {"phi-2", kGpt2},
    {"mpt", kGpt2},
    {"olmo", kGpt2},
    {"jais", kGpt2},
    {"trillion", kGpt2},
    {"granite-docling", kGpt2},
    {"exaone4", kGpt2},
    {"gigachat", kGpt2},
    {"a.x-4.0", kGpt2},
    {"mellum", kGpt2},
    {"modern-bert", kGpt2},
    {"roberta-bpe", kGpt2},
    {"jina-es", kGpt2},
    {"jina-de", kGpt2},
    {"jina-v1-en", kGpt2},
    {"jina-v2-es", kGpt2},
    {"jina-v2-de", kGpt2},
    {"jina-v2-code", kGpt2},
    {"smollm", kDigits},
    {"starcoder", kDigits},
    {"refact", kDigits},
    {"command-r", kDigits},
    {"codeshell", kDigits},
    {"exaone", kDigits},
    {"minerva-7b", kDigits},
    {"mellum2", kDigits},
    {"llama-bpe", kLlama3, true, true},
    {"llama3", kLlama3, true, true},
    {"llama-v3", kLlama3, true, true},
    {"falcon3", kLlama3, true, true},
    {"falcon-h1", kLlama3, true, true},
    {"pixtral", kLlama3, true, true},
    {"midm-2.0", kLlama3, true, true},
    {"lfm2", kLlama3, true, true},
    {"jina-v5-nano", kLlama3, true, true},
    {"dbrx", kLlama3},
    {"smaug-bpe", kLlama3},
    {"glm4", kLlama3},
    {"chatglm-bpe", kLlama3},
    {"qwen2", kQwen2},
    {"stablelm2", kQwen2},
    {"deepseek-r1-qwen", kQwen2},
    {"megrez", kQwen2},
    {"hunyuan", kQwen2},
    {"solar-open", kQwen2},
    {"grok-2", kQwen2},
    {"kormo", kQwen2},
    {"f2llmv2", kQwen2},
    // Its expression is written differently but matches the same text.
    {"bailingmoe", kQwen2},
    {"bailingmoe2", kQwen2},
    {"llada-moe", kQwen2},
    {"jais-2", kJais2},
    {"deepseek-llm", kDeepSeekLlm},
    {"deepseek-coder", kDeepSeekCoder},
    {"deepseek-v3", kDeepSeek3},
    {"hunyuan-dense", kDeepSeek3},
    {"joyai-llm", kDeepSeek3},
    {"hy_v4", kDeepSeek3},
    {"spark2_5", kSpark},
    {"youtu", kYoutu, true},
    {"falcon", kFalcon},
    {"qwen35", kQwen35},
    {"bloom", kBloom},
    {"gpt3-finnish", kBloom},
    {"poro-chat", kBloom},
    {"viking", kViking},
    {"tekken", kTekken, true, true},
    {"chameleon", kChameleon, false, true},
    {"gpt-4o", kGpt4o},
    {"llama4", kGpt4o},
    {"kanana2", kGpt4o},
    {"talkie", kGpt4o},
    {"minimax-m2", kGpt4o},
    {"granite-embed-multi-97m", kGpt4o, true},
    {"tiny_aya", kTinyAya},
    {"cohere2moe", kTinyAya},
    {"kimi-k2", kKimi},
    {"superbpe", kSuperBpe},
    {"seed-coder", kSeedCoder},
    {"ufakzeka", kUfakzeka},
    {"afmoe", kAfmoe},
    {"laguna", kLaguna},
    {"exaone-moe", kExaoneMoe},
    {"minicpm5", kMiniCpm5, true},
    {"default", kPunctuated},
    {.name = "gemma4", .add_bos = true, .characters = true},
    {.name = "granite-embed-multi-311m", .add_bos = true, .characters = true},
    {.name = "sarvam-moe", .characters = true},
    {.name = "whitespace",
     .refused = "it cuts text at white space, which its vocabulary cannot spell"},
});

}  // namespace

std::span<const PreTokenizer> pre_tokenizers() { return kNames; }

Result<PreTokenizer> pre_tokenizer(std::string_view name) {
    const std::string rule = "vocabulary: the rule of cutting text named '" + std::string(name);
    for (const PreTokenizer& known : kNames) {
        if (known.name != name) continue;
        if (!known.refused.empty())
            return Error{ErrorCode::kUnsupported,
                         rule + "' is not read: " + std::string(known.refused)};
        return known;
    }
    return Error{ErrorCode::kUnsupported, rule + "' is not known here"};
}

// A rule that has no name for its variant with `whole_words` gets its other name: the flag is lost.
std::string_view pre_tokenizer_name(WordRule rule, bool whole_words) {
    const PreTokenizer* best = nullptr;
    for (const PreTokenizer& known : kNames) {
        if (known.rule != rule || known.characters || !known.refused.empty()) continue;
        if (known.whole_words == whole_words) return known.name;
        if (best == nullptr) best = &known;
    }
    return best->name;
}

}  // namespace cairn::text
