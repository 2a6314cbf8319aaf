#include "node/create_network.h"

#include <algorithm>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "node/assets.h"
#include "node/calibrate.h"
#include "text/bpe.h"
#include "worth/network_rules.h"

namespace cairn::node {

namespace {

Result<std::string> read_text(const std::string& option, const std::string& file) {
    auto text = read_text_file(file);
    if (!text.ok()) return Error{text.error().code, option + ": " + text.error().message};
    if (text->find_first_not_of(" \t\r\n") == std::string::npos)
        return invalid(option + " " + file + " is empty: give it a text of many pages");
    return text;
}

Result<std::unique_ptr<text::BpeTokenizer>> train_tokenizer(const std::vector<std::string>& files,
                                                            std::uint32_t vocab) {
    std::vector<std::string> texts;
    for (const std::string& file : files) {
        ASSIGN_OR_RETURN(std::string text, read_text("--tokenizer-texts", file));
        texts.push_back(std::move(text));
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const SystemClock clock;
    Progress progress(clock, "learning the tokenizer", vocab - text::kFirstMerge);
    return text::train_bpe(views, vocab,
                           [&](std::uint64_t done, std::uint64_t) { progress.update(done); });
}

// Losses on a text that the rules reward for would prove nothing.
Status check_texts(const NewNetwork& wanted, const std::string& judge, const std::string& report) {
    if (same_file(wanted.judge_file, wanted.report_file) || judge == report)
        return misused(
            "--judge and --report are one text: what is published must be measured on "
            "another than the rules reward");
    return ok_status();
}

// A text too short to draw judge windows from would only fail at the first merge block.
Status check_length(const text::Tokens& tokens, std::uint32_t context, const std::string& file) {
    if (tokens.size() > 2 * static_cast<std::size_t>(context)) return ok_status();
    return invalid(fmt::format("{} has only {} tokens: take a text of many times the context of {}",
                               file, tokens.size(), context));
}

// At first C5 compares updates with the start norm. Where the config leaves it at its default, one
// round of the recipe, on a text that no rule reads, tells what it should be.
Status measure_start_norm(chain::NetworkDefinition& network, const text::Tokens& judge_tokens,
                          const text::Tokens& report_tokens, const tensor::Kernels* kernels,
                          std::size_t threads) {
    const chain::NetworkDefinition defaults;
    if (network.norm_start != defaults.norm_start) return ok_status();
    ASSIGN_OR_RETURN(const Calibration measured,
                     calibrate(network, judge_tokens, report_tokens, kernels, threads));
    network.norm_start = measured.norm_start;
    return chain::validate(network);
}

// Checks that the folder has no network yet, and that network.json would overwrite none of the
// texts.
Status check_place(const NewNetwork& wanted) {
    const std::string target = wanted.directory + "/" + std::string(kNetworkFile);
    RETURN_IF_ERROR(check_no_lost_link(target));
    if (PosixDisk(wanted.directory).exists(std::string(kNetworkFile)))
        return Error{ErrorCode::kRefused,
                     wanted.directory +
                         " has a network.json already, and a network is made once: name another "
                         "--dir, or start its node with `cairn node --dir " +
                         wanted.directory + "`"};
    return check_outputs({{"--dir", target}},
                         {{"--judge", wanted.judge_file}, {"--report", wanted.report_file}});
}

struct Texts {
    std::unique_ptr<text::BpeTokenizer> tokenizer;
    text::Tokens judge;
    text::Tokens report;
};

Result<Texts> read_texts(const NewNetwork& wanted) {
    ASSIGN_OR_RETURN(const std::string judge, read_text("--judge", wanted.judge_file));
    ASSIGN_OR_RETURN(const std::string report, read_text("--report", wanted.report_file));
    RETURN_IF_ERROR(check_texts(wanted, judge, report));
    const std::uint32_t vocab = wanted.definition.architecture.vocab;
    const std::uint32_t context = wanted.definition.architecture.context;
    const std::vector<std::string> learn_from =
        wanted.tokenizer_texts.empty() ? std::vector{wanted.judge_file} : wanted.tokenizer_texts;
    Texts texts;
    ASSIGN_OR_RETURN(texts.tokenizer, train_tokenizer(learn_from, vocab));
    if (texts.tokenizer->vocab_size() != vocab)
        return invalid(
            fmt::format("the texts give a vocabulary of {} only: take longer ones, or --vocab {}",
                        texts.tokenizer->vocab_size(), texts.tokenizer->vocab_size()));
    texts.judge = texts.tokenizer->encode(judge);
    texts.report = texts.tokenizer->encode(report);
    RETURN_IF_ERROR(check_length(texts.judge, context, wanted.judge_file));
    RETURN_IF_ERROR(check_length(texts.report, context, wanted.report_file));
    return texts;
}

}  // namespace

Result<CreatedNetwork> create_network(const NewNetwork& wanted, const tensor::Kernels* kernels,
                                      std::size_t threads) {
    RETURN_IF_ERROR(check_place(wanted));
    chain::NetworkDefinition network = wanted.definition;
    // The preset is valid, so whatever is not comes from the options.
    if (const Status valid = chain::validate(network); !valid.ok())
        return misused(valid.error().message);
    ASSIGN_OR_RETURN(const Texts texts, read_texts(wanted));
    const std::string& folder = wanted.directory;
    const std::size_t cores =
        threads == 0 ? std::max(1U, std::thread::hardware_concurrency()) : threads;
    ASSIGN_OR_RETURN(network.tokenizer_hash,
                     write_tokenizer_asset(folder, texts.tokenizer->serialise()));
    ASSIGN_OR_RETURN(network.judge_hash, write_text_asset(folder, texts.judge));
    ASSIGN_OR_RETURN(network.report_hash, write_text_asset(folder, texts.report));
    RETURN_IF_ERROR(measure_start_norm(network, texts.judge, texts.report, kernels, cores));
    RETURN_IF_ERROR(PosixDisk(folder).write_atomic(std::string(kNetworkFile),
                                                   as_bytes(chain::to_json(network))));
    const model::ParameterLayout layout(worth::model_config(network), 1);
    return CreatedNetwork{network, layout.parameters(), texts.judge.size(), texts.report.size()};
}

}  // namespace cairn::node
