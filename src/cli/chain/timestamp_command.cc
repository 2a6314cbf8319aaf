// `cairn timestamp FILE`: puts a file's hash into the chain and writes the proof of it; with
// --check, checks such a proof without a node (papers A: Def 8; proof/timestamp.h says how).
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/remote_node.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/shell_word.h"
#include "cli/chain/amount.h"
#include "cli/chain/proof_words.h"
#include "cli/chain/wallet_desk.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "console/interrupt.h"
#include "console/json_line.h"
#include "node/block_records.h"
#include "proof/make.h"
#include "proof/timestamp.h"
#include "wallet/address.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::json;

constexpr useconds_t kLookEveryUs = 300'000;
/// What is put aside until the channel expires: the least that a channel holds, in coins.
constexpr const char* kLocked = "0.0001";
/// The least that a wallet opens a channel for.
constexpr std::uint32_t kLockedBlocks = 40;

struct TimestampRequest {
    WalletRequest wallet;
    ProofDemands demands;
    std::string file;
    std::string check;  ///< a proof to check, instead of making one
    std::string out;    ///< empty: FILE.proof
    bool wait = false;
    bool json = false;
};

std::string subject_of(const TimestampRequest& request, const Hash256& hash) {
    return fmt::format("The file {} (SHA-256 {})", request.file, to_hex(hash));
}

Status run_check(const TimestampRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const Hash256 hash, proof::hash_of_file(request.file));
    ASSIGN_OR_RETURN(const CheckedProof checked, check_proof_file(request.check, request.demands));
    if (!proof::is_timestamp_of(checked.inclusion, hash))
        return refused(
            fmt::format("{} is a sound proof, but not of {} as it is now (SHA-256 {}): "
                        "the file was changed, or the proof is another one's",
                        request.check, request.file, to_hex(hash)));
    const std::string subject = subject_of(request, hash);
    if (request.json) {
        Json json = proof_json(checked, request.demands, subject);
        json["file"] = request.file;
        json["sha256"] = to_hex(hash);
        out << console::json_line(json);
        return ok_status();
    }
    out << what_it_proves(checked, subject) << '\n'
        << "So the file existed when that block was found: no later than the date of the first "
           "later block whose miner's clock was right.\n"
        << what_it_does_not_prove(checked, request.demands) << '\n';
    return ok_status();
}

/// The oldest payment on the chain with the file's hash.
Result<std::optional<store::HistoryEntry>> on_chain(const ChainReader& chain,
                                                    const crypto::PublicKey& payee) {
    return chain.store->first_received(node::channels_to(payee));
}

/// Pays, unless a payment with the hash waits already; its id.
Result<Hash256> put_into_pool(const TimestampRequest& request, const crypto::PublicKey& payee) {
    WalletRequest order = request.wallet;
    order.to = wallet::encode_address(payee);
    order.amount = kLocked;
    order.blocks = kLockedBlocks;
    order.note = "timestamp of " + name_of(request.file);
    ASSIGN_OR_RETURN(WalletDesk desk, WalletDesk::open(order, WalletDesk::NodeIs::kNeeded));
    ASSIGN_OR_RETURN(const std::vector<wallet::OwnCoin> coins, desk.coins());
    for (const wallet::OwnCoin& coin : coins)
        if (coin.pending && coin.output.kind == chain::OutputKind::kChannel &&
            coin.output.payee == payee)
            return coin.outpoint.id;
    ASSIGN_OR_RETURN(const OpenedChannel opened, open_channel(order, desk));
    return opened.record.terms.outpoint.id;
}

Result<std::uint64_t> confirmations_of(const ChainReader& chain, const Hash256& payment) {
    const auto place = chain.store->payment(payment);
    if (!place.ok()) {
        if (place.error().code == ErrorCode::kNotFound) return std::uint64_t{0};
        return place.error();
    }
    ASSIGN_OR_RETURN(const auto tip, chain.store->tip());
    return tip && tip->height >= place->height ? tip->height - place->height + 1 : 0;
}

/// Until the payment has the confirmations that are asked for, as long as the node runs.
Status wait_for_blocks(const TimestampRequest& request, const ChainReader& chain,
                       const Hash256& payment) {
    const console::Interrupt interrupt;
    for (int looks = 0;; ++looks) {
        ASSIGN_OR_RETURN(const std::uint64_t found, confirmations_of(chain, payment));
        if (found >= request.demands.confirmations) return ok_status();
        const std::string later =
            fmt::format("; the payment {} is made: run the same command later for the proof",
                        short_hex(payment));
        if (interrupt.raised()) return Error{ErrorCode::kCancelled, "stopped" + later};
        constexpr int kAskNodeEvery = 10;
        if (looks % kAskNodeEvery == 0) {
            ASSIGN_OR_RETURN(const api::RemoteNode node,
                             api::RemoteNode::of_directory(request.wallet.file.directory));
            const auto status = node.status();
            if (!status.ok()) return Error{status.error().code, status.error().message + later};
        }
        ::usleep(kLookEveryUs);
    }
}

Status write_proof(const TimestampRequest& request, const ChainReader& chain, const Hash256& hash,
                   const Hash256& payment, std::ostream& out) {
    const std::string path = request.out.empty() ? request.file + ".proof" : request.out;
    ASSIGN_OR_RETURN(const proof::Place place,
                     proof::find_place(*chain.store, chain.network, payment));
    ASSIGN_OR_RETURN(const chain::BlockHeader genesis,
                     genesis_header(request.wallet.file.directory, chain.network));
    ASSIGN_OR_RETURN(const proof::Inclusion inclusion,
                     proof::make_inclusion(*chain.store, chain.network, genesis, place, 0));
    if (!proof::is_timestamp_of(inclusion, hash))
        return io_error("the payment " + short_hex(payment) + " does not hold the file's hash");
    RETURN_IF_ERROR(write_file(path, proof::encode(inclusion)));
    ASSIGN_OR_RETURN(const CheckedProof checked, check_proof_file(path, {}));
    const std::string subject = subject_of(request, hash);
    if (request.json) {
        Json json = proof_json(checked, {}, subject);
        json["file"] = request.file;
        json["sha256"] = to_hex(hash);
        json["payment"] = to_hex(payment);
        json["proof"] = path;
        out << console::json_line(json);
        return ok_status();
    }
    out << fmt::format(
        "{}\nWrote {}. Keep it with the file. Anybody checks it without a node: "
        "cairn timestamp {} --check {} --network network.json\n",
        what_it_proves(checked, subject), path, shell_word(request.file), shell_word(path));
    return ok_status();
}

void say_waits(const TimestampRequest& request, const Hash256& hash, const Hash256& payment,
               std::ostream& out) {
    if (request.json) {
        out << console::json_line(Json{{"file", request.file},
                                       {"sha256", to_hex(hash)},
                                       {"payment", to_hex(payment)},
                                       {"proof", nullptr}});
        return;
    }
    out << fmt::format(
        "The hash of {} waits for a block, in payment {}; {} coins are put aside for {} blocks "
        "and are yours again then.\nRun the same command again for the proof, or now with --wait "
        "to wait for it.\n",
        request.file, short_hex(payment), kLocked, kLockedBlocks);
}

Status run_timestamp(const TimestampRequest& request, std::ostream& out) {
    if (!request.check.empty()) return run_check(request, out);
    ASSIGN_OR_RETURN(const Hash256 hash, proof::hash_of_file(request.file));
    const std::string path = request.out.empty() ? request.file + ".proof" : request.out;
    RETURN_IF_ERROR(check_outputs({{"--out", path}}, {{"FILE", request.file}}));
    if (request.out.empty() && exists(path))
        return refused(path + " exists already: check it with --check " + path +
                       ", or name another file with --out");
    ASSIGN_OR_RETURN(const ChainReader chain, open_chain(request.wallet.file.directory));
    const crypto::PublicKey payee = proof::timestamp_payee(hash);
    ASSIGN_OR_RETURN(const auto found, on_chain(chain, payee));
    Hash256 payment;
    if (found) {
        payment = found->payment;
    } else {
        ASSIGN_OR_RETURN(payment, put_into_pool(request, payee));
    }
    if (request.wait) RETURN_IF_ERROR(wait_for_blocks(request, chain, payment));
    ASSIGN_OR_RETURN(const std::uint64_t blocks, confirmations_of(chain, payment));
    if (blocks > 0) return write_proof(request, chain, hash, payment, out);
    say_waits(request, hash, payment, out);
    return ok_status();
}

}  // namespace

void add_timestamp(const Command& app, Invocation& invocation) {
    const Command command = add_command(
        app, invocation, "timestamp", "Prove later that a file existed now, by the chain",
        "cairn timestamp thesis.pdf --wait          (pays a fee; writes thesis.pdf.proof)\n"
        "  cairn timestamp thesis.pdf --check thesis.pdf.proof --network network.json");
    auto request = std::make_shared<TimestampRequest>();
    request->wallet.file.directory = default_directory();
    command.add_option("file", request->file, "A file of any size; only its hash is published")
        .required();
    const auto check = command.add_option("--check", request->check,
                                          "Check this proof of the file instead, without a node");
    named_folder(command.add_option("--dir", request->wallet.file.directory,
                                    "The data directory of the node, with a wallet"))
        .excludes(check)
        .capture_default_str();
    command.add_flag("--wait", request->wait, "Until the payment is in a block").excludes(check);
    command.add_option("--out", request->out, "The proof (default: the file's name and .proof)")
        .excludes(check);
    command
        .add_option("--fee", request->wallet.fee,
                    "In coins, for the miner; without it, what the next block asks for")
        .excludes(check);
    const auto password = command
                              .add_option("--password-file", request->wallet.file.password_file,
                                          "The wallet's password, on the first line of a file that "
                                          "only you can read (else CAIRN_WALLET_PASSWORD, else the "
                                          "terminal)")
                              .excludes(check);
    command.add_flag("--no-password", request->wallet.file.no_password, "The wallet has none")
        .excludes(password)
        .excludes(check);
    add_demands(command, request->demands);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_timestamp(*request, out); };
    });
}

}  // namespace cairn::cli
