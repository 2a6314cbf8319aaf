// The messages between clients and servers (docs/spec/serving.md, section 5). Each has one
// canonical encoding and a largest size; decoders refuse everything else and never allocate more
// than the input justifies. Activations with NaN or infinity decode, so that the refusal can name
// the session; check_finite() is the gate that every receiver passes them through (N10).
//
// The client carries hidden states from one hop to the next, so a server talks to nobody but those
// who came to it.
//
//   client             hop 1              hop 2
//     | AskAnnounce ---> | and -----------> |
//     | <--- Announce -- | <--------------- |
//     | OpenSession ---> | and -----------> |
//     | <----- Opened -- | <--------------- |     or Refused, with a reason
//     | Push ----------> |                  |     once for each token or prefill piece
//     | <------ Result - |                  |
//     | Push -----------------------------> |
//     | <-------------------------- Result  |
//     | Close ---------> | and -----------> |
//
// A server that wants coins is told in OpenSession from which channel, and gets a Voucher every few
// results (session_payment.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/network.h"
#include "serve/receipt.h"
#include "serve/session_payment.h"

namespace cairn::serve {

/// Kinds 0x5300 to 0x53ff of net::Network are this room's; from 0x530d on: attention_messages.h.
enum class MessageKind : std::uint16_t {
    kAskAnnounce = 0x5301,  ///< a model's content hash: if not that, then the newest; or empty
    kAnnounce = 0x5302,     ///< serve/announce.h
    kOpenSession = 0x5303,
    kOpened = 0x5304,   ///< the session id
    kRefused = 0x5305,  ///< SessionProblem
    kPush = 0x5306,
    kResult = 0x5307,
    kClose = 0x5308,         ///< the session id
    kSessionError = 0x5309,  ///< SessionProblem
    kAskProgress = 0x530a,   ///< the session id
    kProgress = 0x530b,
    kVoucher = 0x530c,  ///< VoucherGiven; not answered
};

inline constexpr std::size_t kMaxAddressBytes = 256;
inline constexpr std::size_t kMaxReasonBytes = 512;
/// Floats in one push: 8 MiB, half of what a network message may hold.
inline constexpr std::size_t kMaxPushFloats = std::size_t{1} << 21;
/// Tokens in one push.
inline constexpr std::size_t kMaxPushTokens = 256;

/// Tokens that fit into one push of a model with this width.
std::size_t max_push_tokens(std::uint32_t dim);

/// Client to each hop: set memory for a cache aside.
struct OpenSession {
    SessionTerms terms;
    model::LayerRange layers;                              ///< what this hop is to compute
    std::optional<SessionPayment> payment = std::nullopt;  ///< none: it asks for a free one

    bool operator==(const OpenSession&) const = default;
};

/// Why a server says no; the kind decides what a client does next.
enum class Refusal : std::uint8_t {
    kBusy = 1,            ///< full; try another server or later (HTTP's 503)
    kWrongModel = 2,      ///< it does not hold this model
    kWrongLayers = 3,     ///< it does not hold these layers
    kUnsupported = 4,     ///< a version or type that it cannot compute
    kBadRequest = 5,      ///< malformed or out of order
    kUnknownSession = 6,  ///< closed, expired or never opened over this link
    kNotFinite = 7,       ///< an activation is NaN or infinite
    kExpired = 8,         ///< the session was idle for too long
    kUnpaid = 9,          ///< it is not paid as it should be
};
inline constexpr std::uint8_t kLastRefusal = 9;

/// "busy", "wrong model": for messages to people.
const char* refusal_name(Refusal refusal);

/// The body of kRefused (the session is not opened) and kSessionError (what was sent is not done; a
/// client whose session was open learns by it that the session is over at this hop).
struct SessionProblem {
    Hash256 session;
    Refusal refusal = Refusal::kBadRequest;
    std::string reason;  ///< at most kMaxReasonBytes

    bool operator==(const SessionProblem&) const = default;
};

/// Client to hop: hidden states that enter its layers. A position that was pushed before takes that
/// and what came after it back: guesses that were wrong.
struct Push {
    Hash256 session;
    std::uint32_t position = 0;                        ///< of the first token
    std::uint32_t tokens = 0;                          ///< n, 1 to kMaxPushTokens
    tensor::StateType type = tensor::StateType::kF32;  ///< the session's; states are rounded to it
    bool quiet = false;         ///< asks for a receipt alone: the caches are wanted, not the states
    std::vector<float> states;  ///< [n, dim]; none in the result of a quiet push

    bool operator==(const Push&) const = default;
};

/// Hop to client: what its layers made of a Push, signed.
struct PushResult {
    Push push;  ///< session, position and tokens as asked
    Receipt receipt;

    bool operator==(const PushResult&) const = default;
};

/// Answer to AskProgress, by which a client tells a hop that computes from one that is gone. Rows
/// that were taken back count too, so the numbers only grow.
struct Progress {
    Hash256 session;
    std::uint64_t received = 0;  ///< rows taken in
    std::uint64_t computed = 0;  ///< rows computed and answered

    bool operator==(const Progress&) const = default;
};

/// Client to hop, in a paid session: a voucher over its channel (chain/voucher.h), which names both
/// network and channel by what the session was opened with.
struct VoucherGiven {
    Hash256 session;
    std::uint64_t amount = 0;
    crypto::Signature signature;

    bool operator==(const VoucherGiven&) const = default;
};

Bytes encode(const OpenSession& message);
Bytes encode(const SessionProblem& message);
Bytes encode(const Push& message);
Bytes encode(const PushResult& message);
Bytes encode(const Progress& message);
Bytes encode(const VoucherGiven& message);
Bytes encode_ask_announce(const Hash256& model);
Bytes encode_session_id(const Hash256& session);

/// Zero for none.
Result<Hash256> decode_ask_announce(ByteView body);
Result<OpenSession> decode_open_session(ByteView body);
Result<SessionProblem> decode_session_problem(ByteView body);
Result<Push> decode_push(ByteView body);
Result<PushResult> decode_result(ByteView body);
Result<Progress> decode_progress(ByteView body);
Result<VoucherGiven> decode_voucher_given(ByteView body);
Result<Hash256> decode_session_id(ByteView body);

/// Sends a message of this room, as net::Network::send does.
bool send(net::Network& network, net::PeerId peer, MessageKind kind, ByteView body);

/// kInvalid with the row and column of the first NaN or infinity.
Status check_finite(std::span<const float> states, std::size_t dim);

}  // namespace cairn::serve
