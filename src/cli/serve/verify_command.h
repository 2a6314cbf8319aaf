// `cairn verify`: audits layer servers. `cairn servers`: what audits have found so far. `cairn
// audit judge`: whether an exhibit convicts. All three read the files that `cairn verify` writes: a
// book of audits (trust/audit_book.h) and exhibits (serve/exhibit_file.h).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/chain/pay_servers.h"
#include "trust/score.h"

namespace cairn::cli {

/// By which rules servers are trusted, as options.
struct TrustOptions {
    double theta = trust::TrustRules().theta;
    std::string policy = "normalised";
    double audit_rate = trust::TrustRules().audit_rate;

    trust::TrustRules rules() const;
};

inline constexpr const char* kAuditBook = "audits.book";

struct VerifyRequest {
    std::string model, tokenizer, text;
    std::vector<std::string> servers;
    PayOptions pay;  ///< what servers with a price are paid from
    std::string book = kAuditBook;
    std::string exhibits = ".";     ///< folder
    std::uint64_t rounds = 20;      ///< 0: until told to stop
    std::uint64_t interval_ms = 0;  ///< between rounds
    TrustOptions trust;
    std::size_t threads = 0;
    bool json = false;
};
/// One line for each audit, or one JSON object: audits, convicted, servers. Sets `liars` to how
/// many were convicted.
Status run_verify(const VerifyRequest& request, std::ostream& out, std::size_t& liars);

struct ServersRequest {
    std::string book = kAuditBook;
    TrustOptions trust;
    bool json = false;
};
Status run_servers(const ServersRequest& request, std::ostream& out);

struct JudgeRequest {
    std::string exhibit, model;
    std::size_t threads = 0;
    bool json = false;
};
/// The verdict in a sentence, or as {"verdict", "reason", "server", "layers", "rows", "id"}; sets
/// `convicts`.
Status run_judge(const JudgeRequest& request, std::ostream& out, bool& convicts);

}  // namespace cairn::cli
