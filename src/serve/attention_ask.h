// Asking a server for proofs of attention, from a program that has no links of its own: a Verifier
// (`cairn verify --attention`) or anybody with a session's exhibit (`cairn audit prove --server`).
#pragma once

#include <functional>
#include <string>

#include "serve/attention_proof.h"

namespace cairn::serve {

struct AskOptions {
    Hash256 genesis{};                    ///< of the server's network; all zeros: a pure server
    std::uint64_t max_wait_ms = 120'000;  ///< for each answer
    /// Asked now and then; true ends it. May be empty.
    std::function<bool()> cancelled{};
};

/// Dials the server under a fresh key, shows it the session that it signed for and asks for these
/// heads, which ascend, in as many questions as it takes. Blocks. Errors: kTimeout, kIo,
/// kCancelled; kInvalid for another server at this address and for answers to something else; what
/// the server refuses, in its words: kRefused. None says that it lied.
Result<AttentionProof> ask_attention(const std::string& address, const Exhibit& session,
                                     std::uint32_t dim, std::span<const audit::HeadPlace> heads,
                                     const AskOptions& options);

}  // namespace cairn::serve
