#include "node/create_network.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "base/shell_word.h"
#include "codec/codec.h"
#include "model/layout.h"
#include "node/assets.h"
#include "node/calibrate.h"
#include "text/bpe.h"
#include "worth/network_rules.h"

namespace cairn::node {

namespace {

constexpr std::size_t kMaxNameBytes = 56;  // of 64, with room for a number behind

Result<std::string> read_text(const std::string& option, const std::string& file) {
    auto text = read_text_file(file);
    if (!text.ok()) return text.error().with_prefix(option);
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

// Losses on a text that the rules reward for would prove nothing; a source that is there twice
// would count twice.
Status check_texts(const NewNetwork& wanted, const std::vector<std::string>& judges,
                   const std::vector<std::string>& reports) {
    for (std::size_t i = 0; i < judges.size(); ++i) {
        for (std::size_t j = 0; j < reports.size(); ++j)
            if (same_file(wanted.judge_files[i], wanted.report_files[j]) || judges[i] == reports[j])
                return misused(
                    "--judge and --report are one text: what is published must be measured on "
                    "another than the rules reward");
        for (std::size_t j = 0; j < i; ++j)
            if (judges[i] == judges[j] || reports[i] == reports[j])
                return misused("a text is given twice: each source needs texts of its own");
    }
    return ok_status();
}

Status check_numbers(const NewNetwork& wanted) {
    if (wanted.judge_files.size() != wanted.report_files.size())
        return misused(fmt::format(
            "{} texts for --judge and {} for --report: each source needs one of both, in the same "
            "order",
            wanted.judge_files.size(), wanted.report_files.size()));
    return ok_status();
}

// What a name may have of the file's, and a number behind it if there is one like it already.
std::string source_name(const std::string& file, const std::vector<chain::TextSource>& others) {
    std::string name = std::filesystem::path(file).stem().string().substr(0, kMaxNameBytes);
    for (char& c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_' && c != '.')
            c = '-';
    if (name.empty()) name = "text";
    const std::string first = name;
    const auto is_taken = [&] {
        return std::any_of(others.begin(), others.end(),
                           [&](const chain::TextSource& other) { return other.name == name; });
    };
    for (int number = 2; is_taken(); ++number) name = first + "-" + std::to_string(number);
    return name;
}

// A text too short to draw judge windows from would only fail at the first merge block.
Status check_length(const text::Tokens& tokens, std::uint32_t context, const std::string& file) {
    if (tokens.size() > 2 * static_cast<std::size_t>(context)) return ok_status();
    return invalid(fmt::format("{} has only {} tokens: take a text of many times the context of {}",
                               file, tokens.size(), context));
}

/// A network whose updates are all too large would go on for ever and learn nothing.
Status check_payload(const chain::NetworkDefinition& network) {
    const model::ParameterLayout layout(worth::model_config(network), codec::kTile);
    const std::size_t bytes = codec::payload_size(network.codec, layout.size());
    if (bytes <= network.max_payload_bytes) return ok_status();
    return misused(fmt::format(
        "an update of this model takes {} bytes by this codec, and max_payload_bytes is {}: raise "
        "it (and max_block_bytes), or take a codec that sends less",
        bytes, network.max_payload_bytes));
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
                         shell_word(wanted.directory) + "`"};
    std::vector<NamedPath> texts;
    for (const std::string& file : wanted.judge_files) texts.push_back({"--judge", file});
    for (const std::string& file : wanted.report_files) texts.push_back({"--report", file});
    // Where it cannot be made, the check says why.
    (void)make_private_folder(wanted.directory);
    return check_outputs({{"--dir", target}}, texts);
}

struct Texts {
    std::unique_ptr<text::BpeTokenizer> tokenizer;
    text::Tokens judge;
    text::Tokens report;
    std::vector<chain::TextSource> sources;  ///< empty where there is one
};

Result<std::vector<std::string>> read_all(const std::string& option,
                                          const std::vector<std::string>& files) {
    std::vector<std::string> texts;
    for (const std::string& file : files) {
        ASSIGN_OR_RETURN(std::string text, read_text(option, file));
        texts.push_back(std::move(text));
    }
    return texts;
}

/// Encodes a text, appends it to `all` and gives its length.
Result<std::uint32_t> append_text(const text::Tokenizer& tokenizer, const std::string& text,
                                  std::uint32_t context, const std::string& file,
                                  text::Tokens& all) {
    const text::Tokens tokens = tokenizer.encode(text);
    RETURN_IF_ERROR(check_length(tokens, context, file));
    all.insert(all.end(), tokens.begin(), tokens.end());
    return static_cast<std::uint32_t>(tokens.size());
}

Result<Texts> read_texts(const NewNetwork& wanted) {
    RETURN_IF_ERROR(check_numbers(wanted));
    ASSIGN_OR_RETURN(const auto judges, read_all("--judge", wanted.judge_files));
    ASSIGN_OR_RETURN(const auto reports, read_all("--report", wanted.report_files));
    RETURN_IF_ERROR(check_texts(wanted, judges, reports));
    const std::uint32_t vocab = wanted.definition.architecture.vocab;
    const std::uint32_t context = wanted.definition.architecture.context;
    Texts texts;
    ASSIGN_OR_RETURN(
        texts.tokenizer,
        train_tokenizer(
            wanted.tokenizer_texts.empty() ? wanted.judge_files : wanted.tokenizer_texts, vocab));
    if (texts.tokenizer->vocab_size() != vocab)
        return invalid(
            fmt::format("the texts give a vocabulary of {} only: take longer ones, or --vocab {}",
                        texts.tokenizer->vocab_size(), texts.tokenizer->vocab_size()));
    for (std::size_t i = 0; i < judges.size(); ++i) {
        chain::TextSource source;
        source.name = source_name(wanted.judge_files[i], texts.sources);
        ASSIGN_OR_RETURN(source.judge_tokens, append_text(*texts.tokenizer, judges[i], context,
                                                          wanted.judge_files[i], texts.judge));
        ASSIGN_OR_RETURN(source.report_tokens, append_text(*texts.tokenizer, reports[i], context,
                                                           wanted.report_files[i], texts.report));
        texts.sources.push_back(std::move(source));
    }
    if (texts.sources.size() == 1) texts.sources.clear();
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
    if (const Status shape = model::validate(worth::model_config(network)); !shape.ok())
        return misused(shape.error().message);
    RETURN_IF_ERROR(check_payload(network));
    ASSIGN_OR_RETURN(const Texts texts, read_texts(wanted));
    network.sources = texts.sources;
    if (const Status valid = chain::validate(network); !valid.ok())
        return misused(valid.error().message);
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
