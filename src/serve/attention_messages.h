// Between a Verifier and a server: the question for proofs of a session's attention, and the
// answers (S56). A server keeps nothing for it: who asks shows it the receipt that it signed and
// the rows that it signed for.
//
//   Verifier               server
//     | AskAttention ------> |
//     | <------ Attention -- |     once for each head, in their order; or NoAttention and why
#pragma once

#include "serve/attention_proof.h"
#include "serve/messages.h"

namespace cairn::serve {

/// Kinds beside those of messages.h.
inline constexpr MessageKind kAskAttention{0x530d};  ///< AttentionQuestion
inline constexpr MessageKind kAttention{0x530e};     ///< AttentionAnswer
inline constexpr MessageKind kNoAttention{0x530f};   ///< SessionProblem

/// Heads of one question.
inline constexpr std::size_t kMaxAskedHeads = 64;
/// Pairs of padded rows of one question, all heads together; one head may always be asked for.
inline constexpr std::uint64_t kMaxAskedPairs = std::uint64_t{1} << 22;
/// Answers of one question, all heads together: they are sent at once, and a link's queue has room
/// for two of the largest messages (net::TlsOptions).
inline constexpr std::size_t kMaxAnsweredBytes = net::kMaxMessageBytes;

struct AttentionQuestion {
    SessionTerms terms;
    Receipt receipt;
    std::vector<audit::HeadPlace> heads;  ///< ascending
    std::vector<float> rows;  ///< [n, dim] that the receipt was signed for, kMaxPushFloats at most

    bool operator==(const AttentionQuestion&) const = default;
};

struct AttentionAnswer {
    Hash256 session;
    audit::HeadClaim claim;

    bool operator==(const AttentionAnswer&) const = default;
};

/// How many heads of this width and so many rows, 1 to argument::kMaxRows, one question may have;
/// 0 where not even one answer fits into a message.
std::size_t max_asked_heads(std::size_t rows, std::size_t width);

Bytes encode(const AttentionQuestion& question);
Bytes encode(const AttentionAnswer& answer);
Result<AttentionQuestion> decode_attention_question(ByteView body);
Result<AttentionAnswer> decode_attention_answer(ByteView body);

}  // namespace cairn::serve
