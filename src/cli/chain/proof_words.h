// What the commands about inclusion proofs share: making one from a folder, reading one from a
// file, what a reader asks of it, and what it proves, in words.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "cli/chain/data_directory.h"
#include "proof/check.h"

namespace cairn::cli {

class Command;

/// What whoever checks a proof asks of it.
struct ProofDemands {
    std::string network;     ///< network.json of the network that he means; empty: any
    std::string least_work;  ///< on the item's block, in hashes: "2^40" or a number; empty: any
    std::string through;     ///< a block's hash that must be among the headers; empty: none
    std::uint64_t confirmations = 1;
};
void add_demands(const Command& command, ProofDemands& demands);

/// Reads and checks a proof. kRefused where it is sound and does not meet the demands, kInvalid
/// where it proves nothing.
struct CheckedProof {
    proof::Inclusion inclusion;
    proof::Proven proven;
};
Result<CheckedProof> check_proof_file(const std::string& path, const ProofDemands& demands);

/// The header of a network's genesis block, which commits to the first model: computed from the
/// network's files in the folder.
Result<chain::BlockHeader> genesis_header(const std::string& directory,
                                          const chain::NetworkDefinition& network);

/// "2^40" or "1000000", as work; kMisused for anything else.
Result<consensus::ChainWork> parse_work(const std::string& text);

/// One sentence each.
std::string what_it_proves(const CheckedProof& checked, const std::string& subject);
std::string what_it_does_not_prove(const CheckedProof& checked, const ProofDemands& demands);
nlohmann::json proof_json(const CheckedProof& checked, const ProofDemands& demands,
                          const std::string& subject);

}  // namespace cairn::cli
