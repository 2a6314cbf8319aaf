#include "cli/chain/chain_proof.h"

#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/remote_node.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/shell_word.h"
#include "cli/chain/data_directory.h"
#include "cli/chain/proof_words.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "proof/make.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

/// A node reads a header at a time, and makes one answer after another.
constexpr std::uint64_t kProofTimeoutMs = 120'000;

struct ProveRequest {
    std::string directory = default_directory();
    std::string node;  ///< HOST:PORT of its API; empty: the chain on this disk
    std::string what;
    std::string kind;  ///< empty: whatever the name names
    std::string out;   ///< empty: NAME.proof
    std::uint32_t from = 0;
    bool json = false;
};

struct CheckRequest {
    std::string file;
    ProofDemands demands;
    bool json = false;
};

std::optional<proof::Kind> kind_named(const std::string& name) {
    for (std::size_t i = 0; i < std::size(proof::kKindNames); ++i)
        if (name == proof::kKindNames[i]) return static_cast<proof::Kind>(i);
    return std::nullopt;
}

/// All but the id, which is nullopt for a height.
Result<proof::Question> question_of(const ProveRequest& request) {
    proof::Question question;
    question.kind = kind_named(request.kind);
    question.first_height = request.from;
    ASSIGN_OR_RETURN(const auto height, height_in(request.what));
    if (!height) return question;
    if (*height > 0xFFFFFFFF)
        return misused("no chain is that high: give the height of one of its blocks");
    if (*height == 0) return misused("block 0 follows from network.json and needs no proof");
    question.height = static_cast<std::uint32_t>(*height);
    return question;
}

Result<Hash256> id_of(const ChainReader& chain, const std::string& what) {
    if (const auto whole = fixed_from_hex<32>(what); whole.ok()) return *whole;
    ASSIGN_OR_RETURN(const std::vector<Hash256> ids, chain.store->find_by_prefix(what, 8));
    if (ids.size() > 1)
        return misused(what + " is the beginning of several names: give more digits");
    if (ids.empty())
        return not_found("no block, payment or contribution begins with " + what +
                         "; a commitment that came to nothing needs all its 64 digits");
    return ids[0];
}

/// The proof's bytes, by the chain on this disk or from a node.
Result<Bytes> make_proof(const ProveRequest& request) {
    ASSIGN_OR_RETURN(proof::Question question, question_of(request));
    if (!request.node.empty()) {
        if (question.height == 0) {
            const auto id = fixed_from_hex<32>(request.what);
            if (!id.ok()) return misused("--node: give the name in full, 64 digits");
            question.id = *id;
        }
        ASSIGN_OR_RETURN(
            const Bytes bytes,
            api::RemoteNode(api::Client({request.node, ""}, kProofTimeoutMs)).prove(question));
        const auto inclusion = proof::decode_inclusion(bytes);
        Status answers =
            inclusion.ok() ? proof::check_answers(*inclusion, question) : Status(inclusion.error());
        if (!answers.ok())
            return Error{answers.error().code,
                         "the node's answer is not the proof that was asked "
                         "for: " +
                             answers.error().message};
        return bytes;
    }
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.directory));
    if (question.height == 0) {
        ASSIGN_OR_RETURN(question.id, id_of(chain, request.what));
    }
    chain::BlockHeader genesis;
    if (request.from == 0) {
        ASSIGN_OR_RETURN(genesis, genesis_header(request.directory, chain.network));
    }
    ASSIGN_OR_RETURN(const proof::Inclusion inclusion,
                     proof::prove(*chain.store, chain.network, genesis, question));
    return proof::encode(inclusion);
}

std::string subject_of(const proof::Inclusion& inclusion) {
    const std::string id = short_hex(proof::item_id(inclusion));
    switch (inclusion.kind()) {
        case proof::Kind::kBlock:
            return "The block " + id;
        case proof::Kind::kCoinbase:
            return "The coinbase " + id;
        case proof::Kind::kPayment:
            return "The payment " + id;
        case proof::Kind::kCommitment:
            return "The commitment " + id;
        case proof::Kind::kContribution:
            break;
    }
    return fmt::format("The contribution of commitment {} (payload {})", id,
                       short_hex(std::get<proof::ShownContribution>(inclusion.item).payload_hash));
}

Status run_prove(const ProveRequest& request, std::ostream& out) {
    const std::string path =
        request.out.empty() ? request.what.substr(0, 12) + ".proof" : request.out;
    RETURN_IF_ERROR(check_outputs({{"--out", path}}, {}));
    if (request.out.empty() && exists(path))
        return refused(path + " exists already: name another file with --out");
    ASSIGN_OR_RETURN(const Bytes bytes, make_proof(request));
    RETURN_IF_ERROR(write_file(path, bytes));
    const auto found = check_proof_file(path, {});
    if (!found.ok()) {
        // A node's proof may be wrong: it is not left lying about as if it were one.
        (void)remove_file(path);
        return found.error();
    }
    const CheckedProof& checked = *found;
    const std::string subject = subject_of(checked.inclusion);
    if (request.json) {
        Json json = proof_json(checked, {}, subject);
        json["file"] = path;
        json["bytes"] = bytes.size();
        out << console::json_line(json);
        return ok_status();
    }
    out << fmt::format(
        "Wrote {} ({} bytes, {} headers).\n{}\nAnybody checks it without a node: "
        "cairn chain check-proof {} --network network.json\n",
        path, bytes.size(), checked.inclusion.headers.size(), what_it_proves(checked, subject),
        shell_word(path));
    return ok_status();
}

Status run_check(const CheckRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const CheckedProof checked, check_proof_file(request.file, request.demands));
    const std::string subject = subject_of(checked.inclusion);
    if (request.json)
        out << console::json_line(proof_json(checked, request.demands, subject));
    else
        out << what_it_proves(checked, subject) << '\n'
            << what_it_does_not_prove(checked, request.demands) << '\n';
    return ok_status();
}

}  // namespace

void add_chain_proofs(const Command& chain, Invocation& invocation) {
    const Command prove =
        add_command(chain, invocation, "prove",
                    "Write a file that proves, without a node, that something is on the chain",
                    "cairn chain prove 5f3a9c --out payment.proof   (the beginning of a name)\n"
                    "  cairn chain prove 120                          (a block)");
    auto request = std::make_shared<ProveRequest>();
    prove
        .add_option("what", request->what,
                    "A height, or at least 4 digits of the name of a payment, contribution, "
                    "commitment, coinbase or block")
        .required();
    const Option node =
        prove.add_option("--node", request->node,
                         "Have a node make it instead, by its API's address HOST:PORT; "
                         "it is checked here");
    named_folder(prove.add_option("--dir", request->directory, "The node's data directory"))
        .excludes(node)
        .capture_default_str();
    prove
        .add_option("--kind", request->kind,
                    "Which is meant where a commitment and its contribution have one name, or "
                    "what it must be")
        .check(one_of(
            std::vector<std::string>(std::begin(proof::kKindNames), std::end(proof::kKindNames))));
    prove.add_option("--out", request->out, "The file (default: the name's digits and .proof)");
    prove
        .add_option("--from", request->from,
                    "Height of the first header; 0: genesis. A shorter file, for those who know "
                    "that block's hash")
        .check(range(0u, 0xFFFFFFFFu))
        .capture_default_str();
    prove.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_prove(*request, out); };
    });
    const Command check = add_command(
        chain, invocation, "check-proof",
        "Check such a file, without a node, and say what it proves",
        "cairn chain check-proof payment.proof --network network.json --least-work 2^40");
    auto asked = std::make_shared<CheckRequest>();
    check.add_option("file", asked->file, "What `cairn chain prove` wrote").required();
    add_demands(check, asked->demands);
    check.callback([asked, &invocation] {
        asked->json = invocation.json;
        invocation.run = [asked](std::ostream& out) { return run_check(*asked, out); };
    });
}

}  // namespace cairn::cli
