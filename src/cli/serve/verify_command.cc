#include "cli/serve/verify_command.h"

#include <chrono>
#include <memory>
#include <ostream>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/shell_word.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/serve/attention_audit.h"
#include "cli/serve/attention_command.h"
#include "cli/serve/attention_heads.h"
#include "cli/serve/servers_command.h"
#include "console/interrupt.h"
#include "console/json_line.h"
#include "serve/exhibit_file.h"
#include "serve/source_reader.h"
#include "serve/verifier.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kLookMs = 100;  // at Ctrl-C, between rounds

Json layers_json(model::LayerRange layers) { return Json::array({layers.begin, layers.end}); }

/// Shows audits as they come, and keeps the books.
class Watch {
  public:
    Watch(const VerifyRequest& request, const serve::ModelSnapshot& model,
          const tensor::Compute& compute, trust::AuditBook& book, std::ostream& out)
        : request_(request), model_(model), compute_(compute), book_(book), out_(out) {}

    bool told(const serve::AuditReport& report, const console::Interrupt& interrupt) {
        std::string exhibit;
        if (report.examined.exhibit) {
            ++liars_;
            const auto path = serve::write_exhibit(request_.exhibits, *report.examined.exhibit);
            if (!path.ok()) {
                failure_ = path.error();
                return false;
            }
            exhibit = *path;
        }
        // The file knows more than we do: another program may have found something meanwhile.
        auto kept = trust::AuditBook::change(request_.book, [&](trust::AuditBook& there) {
            if (!report.examined.finding) return;
            there.enter(report.server, serve::page_of(report.address, model_.hash, report.layers),
                        *report.examined.finding, report.examined.sentence, SystemClock().wall_ms(),
                        request_.trust.rules());
        });
        if (!kept.ok()) {
            failure_ = kept.error();
            return false;
        }
        book_ = std::move(*kept);
        std::optional<AttentionFound> attention;
        if (!request_.attention.empty() || !request_.keep.empty()) {
            auto found = audit_attention({request_.attention, request_.keep}, report, model_,
                                         compute_, [&] { return interrupt.raised(); });
            if (!found.ok()) {
                failure_ = found.error();
                return false;
            }
            if (found->refused) ++refused_;
            attention = std::move(*found);
        }
        show(report, exhibit, attention);
        return out_.good() && !interrupt.raised();
    }

    std::size_t liars() const { return liars_; }
    /// Proofs that did not hold.
    std::size_t refused() const { return refused_; }
    const Json& audits() const { return audits_; }
    Status status() const { return failure_ ? Status(*failure_) : ok_status(); }

  private:
    void show(const serve::AuditReport& report, const std::string& exhibit,
              const std::optional<AttentionFound>& attention) {
        const std::string_view finding = trust::finding_name(report.examined.finding);
        if (request_.json) {
            audits_.push_back({{"server", report.address},
                               {"key", to_hex(report.server)},
                               {"layers", layers_json(report.layers)},
                               {"finding", finding},
                               {"sentence", report.examined.sentence},
                               {"rows", report.rows},
                               {"bytes_kept", report.bytes},
                               {"replay_seconds", static_cast<double>(report.replay_us) * 1e-6},
                               {"exhibit", exhibit}});
            if (attention) audits_.back()["attention"] = attention_json(*attention);
            return;
        }
        out_ << fmt::format("{} {}  {:<10} {}\n", report.address, short_hex(report.server), finding,
                            report.examined.sentence);
        if (!exhibit.empty())
            out_ << fmt::format("    anyone can judge it: cairn audit judge {} --model {}\n",
                                shell_word(exhibit), shell_word(request_.model));
        if (attention && !attention->sentence.empty())
            out_ << fmt::format("    attention {}\n", attention->sentence);
        if (attention)
            for (const std::string& file : {attention->session_file, attention->proof_file})
                if (!file.empty()) out_ << fmt::format("    kept: {}\n", file);
        out_ << std::flush;
    }

    const VerifyRequest& request_;
    const serve::ModelSnapshot& model_;
    const tensor::Compute& compute_;
    trust::AuditBook& book_;
    std::ostream& out_;
    Json audits_ = Json::array();
    std::size_t liars_ = 0, refused_ = 0;
    std::optional<Error> failure_;
};

/// A model's layers packed for fast products, under the name of its canonical weights.
struct NamedModel {
    std::unique_ptr<LocalModel> local;
    serve::ModelSnapshot snapshot;
};

Result<NamedModel> load_named(const std::string& path, const std::string& tokenizer,
                              const tensor::Compute& compute) {
    NamedModel named;
    ASSIGN_OR_RETURN(named.local, load_local_model(path, tokenizer, Needs::kAnswer));
    ASSIGN_OR_RETURN(named.snapshot,
                     serve::snapshot_of(std::make_shared<const model::Model>(named.local->model)));
    const Hash256 name = named.snapshot.hash;
    named.snapshot = {};
    pack_local_model(compute, *named.local);
    const model::Model& packed = named.local->model;
    named.snapshot = {packed.config, packed.weights, packed.storage, name};
    if (named.local->encoder)
        named.snapshot.encoder = std::make_shared<const serve::SourceReader>(
            serve::source_reader(*std::move(named.local->encoder), named.local->tokenizer.get()));
    return named;
}

/// Those that were named, and those that the node knows to hold layers of the model.
Result<std::vector<std::string>> addresses_of(const VerifyRequest& request, const Hash256& model) {
    std::vector<std::string> addresses = request.servers;
    if (request.servers_of.empty()) return addresses;
    ASSIGN_OR_RETURN(const auto known, known_servers(request.servers_of));
    for (const node::ServerView& server : known)
        if (server.record.model == model) addresses.push_back(server.record.address);
    if (addresses.empty())
        return not_found("of " + std::to_string(known.size()) +
                         " servers that the node knows none holds layers of this model");
    return addresses;
}

void wait(std::uint64_t ms, const console::Interrupt& interrupt) {
    for (std::uint64_t waited = 0; waited < ms && !interrupt.raised(); waited += kLookMs)
        std::this_thread::sleep_for(std::chrono::milliseconds(std::min(kLookMs, ms - waited)));
}

/// What can be known of the request before anybody is asked.
Status check_request(const VerifyRequest& request) {
    if (request.servers.empty() && request.servers_of.empty())
        return misused(
            "name whom to audit: --server HOST:PORT, or a node that knows some: --servers-of DIR");
    if (!request.attention.empty() && !request.kv.empty() && request.kv != "digits")
        return misused(
            "--attention is proved of sessions by digits: leave --kv out, or --kv digits");
    SystemRandom random;
    if (!request.attention.empty())  // in form; which heads there are, the servers' layers say
        RETURN_IF_ERROR(heads_of("--attention", request.attention, {0, model::kMaxLayers},
                                 model::kMaxHeads, random));
    RETURN_IF_ERROR(check_exists("--text", request.text));
    RETURN_IF_ERROR(check_outputs({{"--book", request.book}},
                                  {{"--model", request.model}, {"--text", request.text}}));
    RETURN_IF_ERROR(make_folders(request.exhibits));
    return request.keep.empty() ? ok_status() : make_folders(request.keep);
}

Result<serve::VerifierOptions> verifier_options(const VerifyRequest& request,
                                                const serve::ModelSnapshot& model) {
    serve::VerifierOptions options;
    ASSIGN_OR_RETURN(options.servers, addresses_of(request, model.hash));
    options.rules = request.trust.rules();
    options.texts.max_prompt = request.rows;
    if (!request.kv.empty()) {
        ASSIGN_OR_RETURN(options.kv, tensor::parse_kv_type(request.kv));
    }
    if (!request.attention.empty()) options.kv = tensor::KvType::kDigits;
    if (options.kv == tensor::KvType::kDigits && model.config.crosses())
        return Error{ErrorCode::kUnsupported,
                     request.model +
                         " is an encoder-decoder, whose cross attention is not computed by digits: "
                         "leave --attention out, and --kv digits"};
    options.keep_sessions = !request.attention.empty() || !request.keep.empty();
    return options;
}

}  // namespace

Status run_verify(const VerifyRequest& request, std::ostream& out, std::size_t& faults) {
    RETURN_IF_ERROR(check_request(request));
    ASSIGN_OR_RETURN(trust::AuditBook book, trust::AuditBook::read(request.book));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const NamedModel named,
                     load_named(request.model, request.tokenizer, machine->compute()));
    SystemRandom random;
    if (!request.attention.empty())  // before anybody is asked: what the model has not
        RETURN_IF_ERROR(heads_among("--attention", request.attention,
                                    model::all_layers(named.snapshot.config), named.snapshot.config,
                                    random));
    ASSIGN_OR_RETURN(const std::string text, read_text_file(request.text));
    const text::Tokens tokens = named.local->tokenizer->encode(text);

    const SystemClock clock;
    const trust::TrustRules rules = request.trust.rules();
    ASSIGN_OR_RETURN(serve::VerifierOptions options, verifier_options(request, named.snapshot));
    ASSIGN_OR_RETURN(const std::shared_ptr<serve::Purse> purse, open_purse(request.pay));
    options.purse = purse.get();
    options.bounds = serve::text_bounds(*named.local->tokenizer);
    serve::Verifier verifier(named.snapshot, machine->compute(), random, clock, options);
    const console::Interrupt interrupt;
    Watch watch(request, named.snapshot, machine->compute(), book, out);
    std::uint64_t rounds = 0;
    while ((request.rounds == 0 || rounds < request.rounds) && !interrupt.raised()) {
        if (rounds++ > 0) wait(request.interval_ms, interrupt);
        const auto answered = verifier.round(tokens, book, [&](const serve::AuditReport& report) {
            return watch.told(report, interrupt);
        });
        RETURN_IF_ERROR(watch.status());
        RETURN_IF_ERROR(answered);
        if (!out.good()) break;
    }
    faults = watch.liars() + watch.refused();
    if (request.json) {
        out << console::json_line(
            Json{{"rounds", rounds},
                 {"audits", watch.audits()},
                 {"convicted", watch.liars()},
                 {"refused", watch.refused()},
                 {"servers", Json::parse(audited_json(book, rules, clock.wall_ms()))}});
    } else {
        out << '\n';
        print_audited(book, rules, clock.wall_ms(), out);
    }
    return ok_status();
}

Status run_judge(const JudgeRequest& request, std::ostream& out, bool& convicts) {
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(request.exhibit, serve::kMaxExhibitBytes));
    const auto decoded = serve::decode_exhibit(bytes);
    if (!decoded.ok()) return decoded.error().with_prefix(request.exhibit);
    const serve::Exhibit& exhibit = *decoded;
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const auto loaded,
                     formats::load_any(request.model, formats::EncoderDecoders::kTaken));
    ASSIGN_OR_RETURN(serve::ModelSnapshot snapshot,
                     serve::snapshot_of(std::make_shared<const model::Model>(loaded.model)));
    if (loaded.encoder && !snapshot.is_called(exhibit.terms.model)) {
        const auto half = std::make_shared<const model::Model>(loaded.encoder->encoder);
        ASSIGN_OR_RETURN(snapshot, serve::snapshot_of(half));
    }
    const Verdict verdict = serve::judge(exhibit, snapshot, machine->compute());
    convicts = verdict.is_invalid();
    const std::string server = to_hex(exhibit.server);
    const std::string layers = serve::describe(exhibit.receipt.layers);
    std::uint64_t rows = 0;
    for (const auto& push : exhibit.inputs) rows += push.size() / snapshot.config.dim;
    if (request.json) {
        out << console::json_line(Json{{"verdict", convicts             ? "convicts"
                                                   : verdict.is_valid() ? "clears"
                                                                        : "proves nothing"},
                                       {"reason", verdict.reason()},
                                       {"server", server},
                                       {"layers", layers_json(exhibit.receipt.layers)},
                                       {"rows", rows},
                                       {"id", to_hex(serve::exhibit_id(bytes))}});
    } else if (convicts) {
        out << fmt::format("It convicts server {}: {} ({}, {} rows computed again).\n", server,
                           verdict.reason(), layers, rows);
    } else if (verdict.is_valid()) {
        out << fmt::format("It clears server {}: {} rows of {} are right to the bit.\n", server,
                           rows, layers);
    } else {
        out << fmt::format("It proves nothing about server {}: {}.\n", server, verdict.reason());
    }
    return ok_status();
}

namespace {

/// What sessions are played, what is kept of them, and what servers are asked besides.
void add_session_options(const Command& command, VerifyRequest& request) {
    command
        .add_option("--rows", request.rows,
                    "Rows of a session, 16 more at most; how many of them come one by one, as "
                    "what is written does, is drawn by chance")
        .check(range(std::uint32_t{1}, std::uint32_t{1} << 16))
        .capture_default_str();
    command
        .add_option("--kv", request.kv,
                    "Cache type of all sessions: f32, f16, bf16, digits (default: drawn by chance)")
        .check(one_of({"f32", "f16", "bf16", "digits"}));
    command.add_option("--attention", request.attention,
                       std::string("Have servers prove the attention of these heads, in sessions "
                                   "by digits: ") +
                           kHeadsHelp);
    command.add_option("--keep", request.keep,
                       "Folder where sessions, and proofs of their attention, are kept, for "
                       "`cairn audit prove`, `check` and `judge`");
}

}  // namespace

void add_verify(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "verify", "Audit layer servers as one of their clients",
        "cairn verify --model a.gguf --server 192.0.2.7:8500 --text valid.txt\n"
        "  cairn verify --model a.gguf --server 192.0.2.7:8500 --text valid.txt --rounds 0 "
        "--interval-ms 60000\n"
        "  cairn verify --model a.gguf --server 192.0.2.7:8500 --text valid.txt --rounds 1 "
        "--attention 4 --keep kept");
    auto request = std::make_shared<VerifyRequest>();
    command.add_option("--model", request->model, "The model that they serve, whole").required();
    command.add_option("--server", request->servers,
                       "HOST:PORT of a server to audit, or KEY@HOST:PORT; again for each");
    command.add_option("--servers-of", request->servers_of,
                       "Those that a running node has heard of: its data directory, or HOST:PORT "
                       "of its API");
    add_pay_options(command, request->pay);
    command.add_option("--text", request->text, "Text file that audits take their prompts from")
        .required();
    add_tokenizer_option(command, request->tokenizer);
    command.add_option("--rounds", request->rounds, "Rounds of audits; 0: until Ctrl-C")
        .check(range(std::uint64_t{0}, std::uint64_t{1'000'000'000}))
        .capture_default_str();
    command.add_option("--interval-ms", request->interval_ms, "Between rounds")
        .check(range(std::uint64_t{0}, std::uint64_t{86'400'000}))
        .capture_default_str();
    command
        .add_option("--rate", request->trust.audit_rate,
                    "Chance that a server that is long trusted is audited in a round")
        .check(range(0.0, 1.0))
        .capture_default_str();
    add_trust_options(command, request->trust);
    command.add_option("--book", request->book, "File that keeps what was found")
        .capture_default_str();
    command.add_option("--exhibits", request->exhibits, "Folder for exhibits of liars")
        .capture_default_str();
    add_session_options(command, *request);
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request, &invocation](std::ostream& out) -> Status {
            std::size_t faults = 0;
            RETURN_IF_ERROR(run_verify(*request, out, faults));
            if (faults > 0) invocation.exit_code = 1;
            return ok_status();
        };
    });
}

void add_audit(const Command& app, Invocation& invocation) {
    const Command group = app.add_subcommand(
        "audit", "Evidence against layer servers, and proofs of their attention");
    group.require_subcommand();
    add_attention_commands(group, invocation);
    const Command command =
        add_command(group, invocation, "judge",
                    "Whether an exhibit convicts (exit code 0) or not (1): computes again what a "
                    "server signed for",
                    "cairn audit judge 0123456789abcdef.exhibit --model a.gguf");
    auto request = std::make_shared<JudgeRequest>();
    command.add_option("exhibit", request->exhibit, "File that `cairn verify` wrote").required();
    command.add_option("--model", request->model, "The model that was served").required();
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request, &invocation](std::ostream& out) -> Status {
            bool convicts = false;
            RETURN_IF_ERROR(run_judge(*request, out, convicts));
            if (!convicts) invocation.exit_code = 1;
            return ok_status();
        };
    });
}

}  // namespace cairn::cli
