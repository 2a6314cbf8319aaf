#include "lab/lab_network.h"

#include <algorithm>

#include "base/files.h"
#include "lab/made_text.h"
#include "node/assets.h"
#include "node/calibrate.h"
#include "node/network_presets.h"
#include "text/bpe.h"
#include "train/data.h"
#include "worth/network_rules.h"

namespace cairn::lab {
namespace {

constexpr std::size_t kMadeBytes = 400'000;
/// The judge's losses are taken on a quarter of its batch, and a smaller one scatters too much to
/// tell an attack from chance.
constexpr std::uint32_t kLeastJudgeTokens = 4096;

struct RawTexts {
    std::string judge, report;
    std::vector<std::string> trainers;
};

/// Of unlike languages the judge and report texts have a part each.
RawTexts make_texts(bool unlike) {
    RawTexts texts;
    const std::size_t languages = unlike ? kHonest : 1;
    for (std::size_t i = 0; i < languages; ++i) {
        texts.judge += made_text(i, 100 + i, kMadeBytes / languages);
        texts.report += made_text(i, 200 + i, kMadeBytes / languages);
    }
    for (std::size_t i = 0; i <= kHonest; ++i)
        texts.trainers.push_back(made_text(unlike ? i % kHonest : 0, 300 + i, kMadeBytes));
    return texts;
}

Result<RawTexts> read_texts(const LabTexts& from) {
    if (from.judge.empty() || from.report.empty() || from.train.size() < kHonest ||
        from.train.size() > kHonest + 1)
        return misused(
            "texts from files need --judge, --report and --train three times (four times: the "
            "last is the attacker's); without any of them texts are made up");
    RawTexts texts;
    ASSIGN_OR_RETURN(texts.judge, read_text_file(from.judge));
    ASSIGN_OR_RETURN(texts.report, read_text_file(from.report));
    for (const std::string& file : from.train) {
        ASSIGN_OR_RETURN(std::string text, read_text_file(file));
        texts.trainers.push_back(std::move(text));
    }
    if (texts.trainers.size() == kHonest) texts.trainers.push_back(texts.trainers.front());
    return texts;
}

}  // namespace

Result<LabNetwork> make_lab_network(const LabNetworkChoice& choice, std::uint64_t seed,
                                    const tensor::Kernels* kernels) {
    const LabTexts& texts = choice.texts;
    LabNetwork made;
    ASSIGN_OR_RETURN(made.definition, node::network_preset(choice.preset));
    chain::NetworkDefinition& network = made.definition;
    const bool files = !texts.judge.empty() || !texts.report.empty() || !texts.train.empty();
    RawTexts raw;
    if (files) {
        ASSIGN_OR_RETURN(raw, read_texts(texts));
    } else {
        raw = make_texts(texts.kind == "unlike");
    }
    const std::string_view learn_from[] = {raw.judge};
    ASSIGN_OR_RETURN(const auto tokenizer, text::train_bpe(learn_from, network.architecture.vocab));
    made.judge = tokenizer->encode(raw.judge);
    made.report = tokenizer->encode(raw.report);
    for (const std::string& text : raw.trainers) made.trainers.push_back(tokenizer->encode(text));
    const auto fits = [&](const std::vector<std::uint32_t>& tokens, const char* which) -> Status {
        if (tokens.size() > 2 * std::size_t{network.architecture.context}) return ok_status();
        return misused(std::string(which) + ": the text has only " + std::to_string(tokens.size()) +
                       " tokens; take one of many times the context of " +
                       std::to_string(network.architecture.context));
    };
    RETURN_IF_ERROR(fits(made.judge, "--judge"));
    RETURN_IF_ERROR(fits(made.report, "--report"));
    for (const auto& tokens : made.trainers) RETURN_IF_ERROR(fits(tokens, "--train"));
    network.name = "lab";
    if (choice.codec) network.codec = *choice.codec;
    network.weights_seed = seed;
    network.judge_leaf_tokens = std::max(network.judge_leaf_tokens, kLeastJudgeTokens);
    if (choice.local_steps > 0) network.recipe.local_steps = choice.local_steps;
    if (choice.decay_rounds > 0) network.recipe.decay_rounds = choice.decay_rounds;
    network.tokenizer_hash = node::tokenizer_hash(tokenizer->serialise());
    network.judge_hash = worth::token_text_hash(made.judge);
    network.report_hash = worth::token_text_hash(made.report);
    ASSIGN_OR_RETURN(const node::Calibration start,
                     node::calibrate(network, made.judge, made.report, kernels, 1));
    network.norm_start = start.norm_start;
    RETURN_IF_ERROR(chain::validate(network));
    return made;
}

}  // namespace cairn::lab
