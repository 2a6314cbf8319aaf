// By which rules servers are trusted, and the book of audits that it goes by: options of commands
// that audit servers, list them or use them.
#pragma once

#include <string>

#include "serve/route.h"
#include "trust/audit_book.h"

namespace cairn::cli {

class Command;

struct TrustOptions {
    double theta = trust::TrustRules().theta;
    std::string policy = "normalised";
    double audit_rate = trust::TrustRules().audit_rate;

    trust::TrustRules rules() const;
};

/// Where `cairn verify` keeps what it found, unless told otherwise.
inline constexpr const char* kAuditBook = "audits.book";

/// --theta and --policy.
void add_trust_options(const Command& command, TrustOptions& trust);

/// What a book says of servers now, for RouteChoice::standing; empty where there is no such file.
/// Errors are AuditBook::read()'s.
using Standings = std::function<std::optional<trust::Standing>(const crypto::PublicKey&)>;
Result<Standings> standings_of(const std::string& book, const TrustOptions& trust);

}  // namespace cairn::cli
