#include "node/load_parts.h"

#include "base/files.h"
#include "base/log.h"
#include "base/priority.h"
#include "formats/load.h"
#include "serve/source_reader.h"

namespace cairn::node {
namespace {

Result<std::vector<std::uint32_t>> text_asset(Assets& assets, const Hash256& hash) {
    ASSIGN_OR_RETURN(const auto bytes, assets.get(hash));
    return token_text_from_bytes(*bytes);
}

/// The report text; empty where the network names none.
Result<std::vector<std::uint32_t>> report_text(Assets& assets,
                                               const chain::NetworkDefinition& network) {
    if (network.report_hash.is_zero()) return std::vector<std::uint32_t>();
    ASSIGN_OR_RETURN(auto report, text_asset(assets, network.report_hash));
    std::uint64_t sum = 0;
    for (const std::uint64_t part : network.report_parts()) sum += part;
    if (sum == 0 || sum == report.size()) return report;
    return invalid("the sources have other lengths together than the report text");
}

Result<std::vector<std::uint32_t>> private_tokens(const std::vector<std::string>& files,
                                                  const text::Tokenizer& tokenizer) {
    std::vector<std::uint32_t> tokens;
    for (const std::string& name : files) {
        ASSIGN_OR_RETURN(const std::string text, read_text_file(name));
        tokens.push_back(tokenizer.begin_token());
        const text::Tokens more = tokenizer.encode(text);
        tokens.insert(tokens.end(), more.begin(), more.end());
    }
    log_info("training on {} private tokens", tokens.size());
    return tokens;
}

/// What audits need: the models of files whose servers are audited, and the text as each reads it.
Status load_audits(const NodeVerifying& verifying, NodeParts& parts) {
    std::string text;
    if (!verifying.text_file.empty()) {
        ASSIGN_OR_RETURN(text, read_text_file(verifying.text_file));
        if (parts.tokenizer) parts.chain_audit_text.text = parts.tokenizer->encode(text);
    }
    if (parts.tokenizer) parts.chain_audit_text.bounds = serve::text_bounds(*parts.tokenizer);
    for (const std::string& file : verifying.model_files) {
        ASSIGN_OR_RETURN(formats::LoadedModel loaded,
                         formats::load_writer(file, formats::EncoderDecoders::kTaken));
        AuditedTexts texts;
        std::unique_ptr<text::Tokenizer> tokenizer;
        auto found = formats::find_tokenizer(loaded, file, "");
        // Only a text cannot do without.
        if (!found.ok() && !text.empty()) return found.error();
        if (found.ok()) tokenizer = *std::move(found);
        if (tokenizer) texts = {tokenizer->encode(text), serve::text_bounds(*tokenizer)};
        ASSIGN_OR_RETURN(
            serve::ModelSnapshot snapshot,
            serve::snapshot_of(std::make_shared<const model::Model>(std::move(loaded.model))));
        if (loaded.encoder)
            snapshot.encoder = std::make_shared<const serve::SourceReader>(
                serve::source_reader(*std::move(loaded.encoder), tokenizer.get()));
        parts.audit_texts[snapshot.hash] = std::move(texts);
        parts.judged_by.push_back(std::move(snapshot));
    }
    return ok_status();
}

/// Of a limit that the owner has set, one part is for a copy of the chain's model.
constexpr std::uint64_t kMemoryParts = 16;

}  // namespace

EvidenceOptions evidence_options(const NodeOptions& options, const NodeParts& parts) {
    EvidenceOptions evidence;
    evidence.models = parts.judged_by;
    evidence.limits.needs_newest = options.verifying.has_value();
    if (options.memory_mib > 0) {
        // Others' exhibits are not worth what the chain needs.
        evidence.limits.versions = 1;
        evidence.limits.version_bytes = (options.memory_mib << 20) / kMemoryParts;
    }
    if (options.verifying) {
        evidence.rules = options.verifying->rules;
        evidence.always = true;
    }
    return evidence;
}

AuditorOptions auditor_options(const NodeOptions& options, const NodeParts& parts) {
    AuditorOptions auditing = options.verifying->auditor;
    auditing.texts = parts.audit_texts;
    auditing.chain_text = parts.chain_audit_text;
    auditing.wallet_directory = options.directory;
    return auditing;
}

Result<std::unique_ptr<NodeParts>> load_parts(const NodeOptions& options,
                                              const chain::NetworkDefinition& network,
                                              Assets& assets, const tensor::Kernels* kernels,
                                              std::uint64_t seed) {
    auto parts = std::make_unique<NodeParts>();
    parts->pool = std::make_unique<ThreadPool>(options.threads);
    ASSIGN_OR_RETURN(auto judge, text_asset(assets, network.judge_hash));
    ASSIGN_OR_RETURN(auto report, report_text(assets, network));
    if (!network.tokenizer_hash.is_zero()) {
        ASSIGN_OR_RETURN(const auto bytes, assets.get(network.tokenizer_hash));
        ASSIGN_OR_RETURN(parts->tokenizer, text::parse_tokenizer(*bytes));
        if (parts->tokenizer->vocab_size() > network.architecture.vocab)
            return invalid("the tokenizer that " + network.name + " names has " +
                           std::to_string(parts->tokenizer->vocab_size()) +
                           " tokens, and its model knows " +
                           std::to_string(network.architecture.vocab) +
                           ": nobody can take part in this network");
    }
    ASSIGN_OR_RETURN(parts->model,
                     worth::ChainModel::create(network, judge, {kernels, parts->pool.get()}));
    parts->reader =
        std::make_unique<ChainModelReader>(*parts->model, std::move(report), network.report_parts(),
                                           parts->tokenizer, kernels, options.threads);
    if (options.serving) {
        ASSIGN_OR_RETURN(parts->served,
                         load_served(*options.serving, worth::model_config(network).layers));
    }
    // Those of audits first: with an encoder-decoder's decoder they have its encoder.
    if (options.verifying) RETURN_IF_ERROR(load_audits(*options.verifying, *parts));
    if (parts->served) {
        ASSIGN_OR_RETURN(serve::ModelSnapshot snapshot, serve::snapshot_of(parts->served));
        if (options.verifying && !parts->audit_texts.contains(snapshot.hash)) {
            AuditedTexts& texts = parts->audit_texts[snapshot.hash];
            const auto found =
                formats::find_tokenizer(*parts->served, options.serving->model_file, "");
            if (found.ok()) texts.bounds = serve::text_bounds(**found);
        }
        parts->judged_by.push_back(std::move(snapshot));
    }
    if (options.train.empty()) return parts;
    if (!parts->tokenizer)
        return Error{ErrorCode::kUnsupported, "this network names no tokenizer to train with"};
    ASSIGN_OR_RETURN(auto tokens, private_tokens(options.train, *parts->tokenizer));
    Status made = ok_status();
    run_behind(training_behind(options), [&] {
        auto trainer =
            LocalTrainer::create(network, std::move(tokens), judge, seed, kernels, options.threads);
        if (trainer.ok())
            parts->trainer = *std::move(trainer);
        else
            made = trainer.error();
    });
    RETURN_IF_ERROR(made);
    return parts;
}

}  // namespace cairn::node
