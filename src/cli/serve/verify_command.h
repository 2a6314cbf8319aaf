// `cairn verify`: audits layer servers. `cairn audit judge`: whether an exhibit convicts. The files
// between them, and for `cairn servers` (servers_command.h): a book of audits
// (trust/audit_book.h) and exhibits (serve/exhibit_file.h).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/chain/pay_servers.h"
#include "cli/serve/trust_options.h"

namespace cairn::cli {

struct VerifyRequest {
    std::string model, tokenizer, text;
    std::vector<std::string> servers;
    PayOptions pay;          ///< what servers with a price are paid from
    std::string servers_of;  ///< a node's directory or API address: those that it knows, too
    std::string book = kAuditBook;
    std::string exhibits = ".";     ///< folder
    std::uint64_t rounds = 20;      ///< 0: until told to stop
    std::uint64_t interval_ms = 0;  ///< between rounds
    std::uint32_t rows = 64;        ///< of a session, before the steps of one row
    std::string kv;                 ///< cache type of all sessions; empty: drawn by chance
    /// Heads whose attention servers are asked to prove (attention_heads.h); empty: none.
    std::string attention;
    std::string keep;  ///< folder for sessions, and proofs of their attention; empty: not kept
    TrustOptions trust;
    std::size_t threads = 0;
    bool json = false;
};
/// One line for each audit, or one JSON object: audits, convicted, servers. Sets `faults` to how
/// many servers were convicted, and proofs refused.
Status run_verify(const VerifyRequest& request, std::ostream& out, std::size_t& faults);

struct JudgeRequest {
    std::string exhibit, model;
    std::size_t threads = 0;
    bool json = false;
};
/// The verdict in a sentence, or as {"verdict", "reason", "server", "layers", "rows", "id"}; sets
/// `convicts`. The command's exit code is 0 only if it does: whoever acts on an exhibit must not
/// take one for proof that clears the server, or proves nothing.
Status run_judge(const JudgeRequest& request, std::ostream& out, bool& convicts);

}  // namespace cairn::cli
