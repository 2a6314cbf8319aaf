// Asking a server for proofs of attention, from a program that has no links of its own: a Verifier
// (`cairn verify --attention`) or anybody with a session's exhibit (`cairn audit prove --server`).
#pragma once

#include <functional>
#include <string>

#include "serve/attention_proof.h"

namespace cairn::serve {

struct AskOptions {
    Hash256 genesis{};  ///< of the server's network; all zeros: a pure server
    /// For the first answer to each question, and then for all the others, which a server sends at
    /// once: whoever gives one now and then holds nobody up for longer.
    std::uint64_t max_wait_ms = 120'000;
    /// Asked now and then; true ends it. May be empty.
    std::function<bool()> cancelled{};
};

/// Dials the server under a fresh key, shows it the session that it signed for and asks for these
/// heads, which ascend, in as many questions as it takes. Blocks. Errors: kTimeout, kIo,
/// kCancelled; kInvalid for another server at this address and for answers to something else, or of
/// another size; what the server refuses, in its words on one line: kRefused; kUnsupported for what
/// no server can be asked (has_room_for()). None says that it lied. What came is not checked.
Result<AttentionProof> ask_attention(const std::string& address, const Exhibit& session,
                                     const model::ModelConfig& config,
                                     std::span<const audit::HeadPlace> heads,
                                     const AskOptions& options);

}  // namespace cairn::serve
