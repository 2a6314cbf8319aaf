// `cairn audit prove`, `check` and `combine`: proofs of a session's attention as files
// (serve/attention_proof.h), made by a server that is asked or by whoever has the model, and
// checked by one Verifier or by several, each a share.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "serve/attention_proof.h"

namespace cairn::cli {

class Command;

struct Invocation;

struct ProveRequest {
    std::string session, model;
    std::string heads = "all";
    std::string server;  ///< "host:port" of whom to ask; empty: proved here
    std::string out;     ///< empty: ID.attention
    std::size_t threads = 0;
    bool json = false;
};
/// Says what was proved, what that cost, and where it was written.
Status run_prove(const ProveRequest& request, std::ostream& out);

struct CheckRequest {
    std::string proof, session, model;
    std::string share;  ///< "I/N"; empty: all of it
    std::string out;    ///< of a share; empty: beside the proof
    bool replay = false;
    std::size_t threads = 0;
    bool json = false;
};
/// The verdict, or the share that was written; sets `holds` unless something was refused, or
/// replay does not find everything right.
Status run_check(const CheckRequest& request, std::ostream& out, bool& holds);

struct CombineRequest {
    std::string proof;
    std::vector<std::string> shares;
    bool json = false;
};
/// The verdict of all shares; sets `holds` if that is accepted.
Status run_combine(const CombineRequest& request, std::ostream& out, bool& holds);

/// The name of a proof's file where nobody names it: ID.attention, of the id its first digits.
std::string proof_file_name(const Hash256& id);
/// How long checking the proofs alone took, without the layers.
double proofs_seconds(const serve::AttentionShare& share);

/// The three of them, in `cairn audit`.
void add_attention_commands(const Command& group, Invocation& invocation);

}  // namespace cairn::cli
