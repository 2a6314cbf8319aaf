#include "cli/serve/attention_command.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes_text.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/shell_word.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/serve/attention_heads.h"
#include "console/json_line.h"
#include "serve/attention_ask.h"
#include "serve/attention_share.h"
#include "serve/exhibit_file.h"
#include "serve/route.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

/// What was decoded, or an error that names the file: several are given at once.
template <typename T>
Result<T> of_file(const std::string& path, Result<T> decoded) {
    if (!decoded.ok()) return decoded.error().with_prefix(path);
    return decoded;
}

/// What proofs are made from and checked with.
struct SessionAndModel {
    serve::Exhibit session;
    serve::ModelSnapshot model;
};

Result<SessionAndModel> load(const std::string& session, const std::string& model) {
    SessionAndModel both;
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(session, serve::kMaxExhibitBytes));
    ASSIGN_OR_RETURN(both.session, of_file(session, serve::decode_exhibit(bytes)));
    ASSIGN_OR_RETURN(const auto loaded, formats::load_any(model));
    ASSIGN_OR_RETURN(both.model,
                     serve::snapshot_of(std::make_shared<const model::Model>(loaded.model)));
    return both;
}

struct ReadProof {
    serve::AttentionProof proof;
    Hash256 id;
    std::size_t bytes = 0;
};

Result<ReadProof> read_proof(const std::string& path) {
    ReadProof read;
    ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, serve::kMaxAttentionProofBytes));
    ASSIGN_OR_RETURN(read.proof, of_file(path, serve::decode_attention_proof(bytes)));
    read.id = serve::attention_proof_id(bytes);
    read.bytes = bytes.size();
    return read;
}

double seconds_since(const Clock& clock, std::uint64_t began_us) {
    return static_cast<double>(clock.monotonic_us() - began_us) * 1e-6;
}

std::string verdict_word(const Verdict& verdict) {
    return verdict.is_valid() ? "accepted" : verdict.is_invalid() ? "refused" : "undecided";
}

Json about_json(const ReadProof& read) {
    const serve::AttentionProof& proof = read.proof;
    Json heads = Json::array();
    for (const audit::HeadClaim& claim : proof.claims)
        heads.push_back({{"layer", claim.place.layer},
                         {"head", claim.place.head},
                         {"proof_bytes", claim.proof.size()}});
    return {{"proof", to_hex(read.id)},
            {"server", to_hex(proof.server)},
            {"session", to_hex(proof.terms.session)},
            {"model", to_hex(proof.terms.model)},
            {"layers", {proof.receipt.layers.begin, proof.receipt.layers.end}},
            {"rows", proof.claims.front().shifts.size()},
            {"bytes", read.bytes},
            {"heads", std::move(heads)}};
}

/// "4 heads over 48 rows of layers 0-2", as the file says.
std::string about(const serve::AttentionProof& proof) {
    return fmt::format("{} heads over {} rows of {}", proof.claims.size(),
                       proof.claims.front().shifts.size(), serve::describe(proof.receipt.layers));
}

/// Of whom the file says that he signed for it; whether he did is known to who has the session.
std::string names(const serve::AttentionProof& proof) {
    return "server " + short_hex(proof.server);
}

std::string beginning(const Verdict& verdict) {
    return verdict.is_valid()     ? "Accepted"
           : verdict.is_invalid() ? "Refused, " + verdict.reason()
                                  : "Undecided, " + verdict.reason();
}

/// "4 of 12 heads over 48 rows of layers 0-2".
std::string about(const serve::AttentionProof& proof, const serve::ModelSnapshot& model) {
    return fmt::format("{} of {} heads over {} rows of {}", proof.claims.size(),
                       proof.receipt.layers.size() * model.config.heads,
                       proof.claims.front().shifts.size(), serve::describe(proof.receipt.layers));
}

/// What computing the same rows again says, and how long it takes.
struct Replayed {
    Verdict verdict = Verdict::undecided("not computed again");
    double seconds = 0;

    std::string word() const {
        return verdict.is_valid()     ? "right to the bit"
               : verdict.is_invalid() ? "convicts the server"
                                      : "undecided: " + verdict.reason();
    }
};

Replayed replay(const SessionAndModel& both, const tensor::Compute& compute, const Clock& clock) {
    const std::uint64_t began = clock.monotonic_us();
    Replayed replayed{serve::judge(both.session, both.model, compute), 0};
    replayed.seconds = seconds_since(clock, began);
    return replayed;
}

struct Checked {
    serve::AttentionShare share;
    double seconds = 0;         ///< of all of it
    double proofs_seconds = 0;  ///< of the proofs alone
};

Result<Checked> check(const ReadProof& read, const SessionAndModel& both, audit::ShareOf share,
                      const tensor::Compute& compute, const Clock& clock) {
    Checked checked;
    const std::uint64_t began = clock.monotonic_us();
    ASSIGN_OR_RETURN(checked.share, serve::check_attention(read.proof, read.id, both.session,
                                                           both.model, share, compute, clock));
    checked.seconds = seconds_since(clock, began);
    checked.proofs_seconds = proofs_seconds(checked.share);
    return checked;
}

/// The first fault of a share that does not need the others; empty: none.
std::string fault_of(const serve::AttentionShare& share) {
    if (!share.fault.empty()) return share.fault;
    for (const audit::CheckedHead& head : share.heads)
        if (!head.part.fault.empty())
            return fmt::format("layer {}, head {}: {}", head.place.layer, head.place.head,
                               head.part.fault);
    if (!share.fits_receipt)
        return "the layers with what is claimed do not give what the server signed for";
    return {};
}

constexpr const char* kWhatRefusedMeans =
    "A proof that is refused accuses nobody: the server did not sign it. Whether the server was "
    "wrong, computing again says: cairn audit judge {} --model {}\n";

Status show_share(const CheckRequest& request, const ReadProof& read, const Checked& checked,
                  std::ostream& out, bool& holds) {
    const std::string fault = fault_of(checked.share);
    holds = fault.empty();
    const std::string path = request.out.empty()
                                 ? fmt::format("{}.{}-{}.share", request.proof,
                                               checked.share.share + 1, checked.share.shares)
                                 : request.out;
    RETURN_IF_ERROR(write_file(path, serve::encode(checked.share)));
    if (request.json) {
        Json object = about_json(read);
        object.update({{"verdict", holds ? "share" : "refused"},
                       {"reason", fault},
                       {"share", checked.share.share + 1},
                       {"shares", checked.share.shares},
                       {"written", path},
                       {"checked_seconds", checked.seconds},
                       {"proofs_seconds", checked.proofs_seconds}});
        out << console::json_line(object);
        return ok_status();
    }
    out << fmt::format("Share {} of {} of {}: {} ({:.1f} ms, of it {:.1f} ms the proofs).\n",
                       checked.share.share + 1, checked.share.shares, about(read.proof),
                       holds ? "no fault in it" : "refused: " + fault, checked.seconds * 1e3,
                       checked.proofs_seconds * 1e3);
    out << fmt::format(
        "Written to {}; all shares together decide: cairn audit combine {} SHARE "
        "SHARE ...\n",
        path, shell_word(request.proof));
    return ok_status();
}

void show_verdict(const CheckRequest& request, const ReadProof& read,
                  const serve::ModelSnapshot& model, const Checked& checked, const Verdict& verdict,
                  const std::optional<Replayed>& replayed, std::ostream& out) {
    if (request.json) {
        Json object = about_json(read);
        object.update({{"verdict", verdict_word(verdict)},
                       {"reason", verdict.reason()},
                       {"checked_seconds", checked.seconds},
                       {"proofs_seconds", checked.proofs_seconds}});
        if (replayed)
            object["replay"] = {{"verdict", replayed->word()}, {"seconds", replayed->seconds}};
        out << console::json_line(object);
        return;
    }
    // Of a proof that is about another session nobody here knows who signed for that.
    out << fmt::format("{}: {}, which {} {}.\n", beginning(verdict), about(read.proof, model),
                       names(read.proof),
                       checked.share.fault.empty() ? "signed for" : "is said to have signed for");
    out << fmt::format(
        "{} read; checked in {:.1f} ms, of it {:.1f} ms the proofs, the rest the "
        "layers without the attention of these heads.\n",
        bytes_text(read.bytes), checked.seconds * 1e3, checked.proofs_seconds * 1e3);
    if (replayed)
        out << fmt::format("Computed again in {:.1f} ms: {}.\n", replayed->seconds * 1e3,
                           replayed->word());
    if (!verdict.is_valid())
        out << fmt::format(kWhatRefusedMeans, shell_word(request.session),
                           shell_word(request.model));
}

}  // namespace

std::string proof_file_name(const Hash256& id) {
    return to_hex(id.view()).substr(0, 16) + ".attention";
}

double proofs_seconds(const serve::AttentionShare& share) {
    std::uint64_t all_us = 0;
    for (const audit::CheckedHead& head : share.heads) all_us += head.check_us;
    return static_cast<double>(all_us) * 1e-6;
}

Status run_prove(const ProveRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(check_outputs({{"--out", request.out}},
                                  {{"SESSION", request.session}, {"--model", request.model}}));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const SessionAndModel both, load(request.session, request.model));
    SystemRandom random;
    const SystemClock clock;
    ASSIGN_OR_RETURN(const std::vector<audit::HeadPlace> heads,
                     heads_of("--heads", request.heads, both.session.receipt.layers,
                              both.model.config.heads, random));
    const std::uint64_t began = clock.monotonic_us();
    ReadProof made;
    if (request.server.empty()) {
        ASSIGN_OR_RETURN(made.proof, serve::prove_attention(both.session, both.model, heads,
                                                            machine->compute()));
    } else {
        ASSIGN_OR_RETURN(
            made.proof, serve::ask_attention(request.server, both.session, both.model.config, heads,
                                             serve::AskOptions()));
    }
    const double seconds = seconds_since(clock, began);
    const Bytes bytes = serve::encode(made.proof);
    made.id = serve::attention_proof_id(bytes);
    made.bytes = bytes.size();
    const std::string path = request.out.empty() ? proof_file_name(made.id) : request.out;
    RETURN_IF_ERROR(write_file(path, bytes));
    if (request.json) {
        Json object = about_json(made);
        object.update({{"written", path}, {"asked", request.server}, {"seconds", seconds}});
        out << console::json_line(object);
        return ok_status();
    }
    out << fmt::format("{} {}: {} in {:.2f} s, {}, written to {}.\n",
                       request.server.empty() ? "Proved" : "Received, not yet checked: a proof of",
                       about(made.proof, both.model), bytes_text(made.bytes), seconds,
                       request.server.empty() ? "made here" : "from " + request.server, path);
    out << fmt::format("Check it: cairn audit check {} --session {} --model {}\n", shell_word(path),
                       shell_word(request.session), shell_word(request.model));
    return ok_status();
}

Status run_check(const CheckRequest& request, std::ostream& out, bool& holds) {
    audit::ShareOf share;
    if (!request.share.empty()) {
        ASSIGN_OR_RETURN(share, parse_share(request.share));
        if (request.replay) return misused("--replay is of all of it: leave --share out");
    } else if (!request.out.empty()) {
        return misused("--out is for a share: --share I/N");
    }
    RETURN_IF_ERROR(check_outputs(
        {{"--out", request.out}},
        {{"PROOF", request.proof}, {"--session", request.session}, {"--model", request.model}}));
    ASSIGN_OR_RETURN(const ReadProof read, read_proof(request.proof));
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    ASSIGN_OR_RETURN(const SessionAndModel both, load(request.session, request.model));
    const SystemClock clock;
    ASSIGN_OR_RETURN(const Checked checked, check(read, both, share, machine->compute(), clock));
    if (!request.share.empty()) return show_share(request, read, checked, out, holds);
    const Verdict verdict =
        serve::combine_attention(read.proof, read.id, std::span(&checked.share, 1));
    std::optional<Replayed> replayed;
    if (request.replay) replayed = replay(both, machine->compute(), clock);
    // A proof leaves a tolerance, and who asks for the stricter check is told by it.
    holds = verdict.is_valid() && (!replayed || replayed->verdict.is_valid());
    show_verdict(request, read, both.model, checked, verdict, replayed, out);
    return ok_status();
}

Status run_combine(const CombineRequest& request, std::ostream& out, bool& holds) {
    ASSIGN_OR_RETURN(const ReadProof read, read_proof(request.proof));
    std::vector<serve::AttentionShare> shares;
    for (const std::string& path : request.shares) {
        ASSIGN_OR_RETURN(const Bytes bytes, read_file(path, serve::kMaxAttentionShareBytes));
        ASSIGN_OR_RETURN(serve::AttentionShare share,
                         of_file(path, serve::decode_attention_share(bytes)));
        shares.push_back(std::move(share));
    }
    std::ranges::sort(shares, {}, &serve::AttentionShare::share);
    const SystemClock clock;
    const std::uint64_t began = clock.monotonic_us();
    const Verdict verdict = serve::combine_attention(read.proof, read.id, shares);
    const double seconds = seconds_since(clock, began);
    holds = verdict.is_valid();
    if (request.json) {
        Json object = about_json(read);
        object.update({{"verdict", verdict_word(verdict)},
                       {"reason", verdict.reason()},
                       {"shares", shares.size()},
                       {"combined_seconds", seconds}});
        out << console::json_line(object);
    } else {
        out << fmt::format("{}: {}, by {} shares, combined in {:.1f} ms.\n", beginning(verdict),
                           about(read.proof), shares.size(), seconds * 1e3);
        if (holds)
            out << fmt::format("That {} signed for them, with model {}, is the Verifiers' word.\n",
                               names(read.proof), short_hex(read.proof.terms.model));
    }
    return ok_status();
}

namespace {

void add_prove(const Command& group, Invocation& invocation) {
    const Command command =
        add_command(group, invocation, "prove",
                    "Prove the attention of a session by digits, or have its server prove it",
                    "cairn verify --model a.gguf --server 192.0.2.7:8500 --text valid.txt --kv "
                    "digits --keep . --rounds 1\n"
                    "  cairn audit prove 0123456789abcdef.exhibit --model a.gguf --heads 0:3,1:0 "
                    "--server 192.0.2.7:8500");
    auto request = std::make_shared<ProveRequest>();
    command
        .add_option("session", request->session,
                    "The session: a file that `cairn verify --keep` wrote")
        .required();
    command.add_option("--model", request->model, "The model that was served").required();
    command.add_option("--heads", request->heads, kHeadsHelp).capture_default_str();
    command.add_option("--server", request->server,
                       "HOST:PORT of the server whose session it is, which is asked for the "
                       "proof (default: it is made here)");
    command.add_option("--out", request->out, "File of the proof (default: ID.attention)");
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_prove(*request, out); };
    });
}

void add_check(const Command& group, Invocation& invocation) {
    const Command command =
        add_command(group, invocation, "check",
                    "Whether a proof of attention holds (exit code 0) or not (1), without "
                    "computing that attention; or one of several Verifiers' share of it",
                    "cairn audit check fedcba9876543210.attention --session "
                    "0123456789abcdef.exhibit --model a.gguf\n"
                    "  cairn audit check fedcba9876543210.attention --session "
                    "0123456789abcdef.exhibit --model a.gguf --share 2/4");
    auto request = std::make_shared<CheckRequest>();
    command.add_option("proof", request->proof, "File of `cairn audit prove`").required();
    command.add_option("--session", request->session, "The session that it is about").required();
    command.add_option("--model", request->model, "The model that was served").required();
    command.add_option("--share", request->share,
                       "I/N: check the I-th of N shares, and write it for `cairn audit combine`");
    command.add_option("--out", request->out,
                       "File of the share (default: beside the proof, PROOF.I-N.share)");
    command.add_flag("--replay", request->replay,
                     "Compute everything again besides, which decides to the bit, also the exit "
                     "code");
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request, &invocation](std::ostream& out) -> Status {
            bool holds = false;
            RETURN_IF_ERROR(run_check(*request, out, holds));
            if (!holds) invocation.exit_code = 1;
            return ok_status();
        };
    });
}

void add_combine(const Command& group, Invocation& invocation) {
    const Command command = add_command(
        group, invocation, "combine",
        "The verdict of all Verifiers' shares of a proof of attention: it holds (exit code 0) or "
        "not (1)",
        "cairn audit combine fedcba9876543210.attention fedcba9876543210.attention.*.share");
    auto request = std::make_shared<CombineRequest>();
    command.add_option("proof", request->proof, "File of `cairn audit prove`").required();
    command.add_option("shares", request->shares, "Files of `cairn audit check --share`")
        .required();
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request, &invocation](std::ostream& out) -> Status {
            bool holds = false;
            RETURN_IF_ERROR(run_combine(*request, out, holds));
            if (!holds) invocation.exit_code = 1;
            return ok_status();
        };
    });
}

}  // namespace

void add_attention_commands(const Command& group, Invocation& invocation) {
    add_prove(group, invocation);
    add_check(group, invocation);
    add_combine(group, invocation);
}

}  // namespace cairn::cli
