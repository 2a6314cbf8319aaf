// Payments: coins as chains of signatures (papers A: Def 2, 27, 29). A payment spends earlier
// outputs and makes one or two new ones: what is paid, and the change. Each input is signed by
// the key that owns the output it spends, over the genesis id, the payment and the spent outputs
// with their amounts and kinds, so that nobody can deceive a signer about any of these.
//
// An output is a key's, or a payment channel: coins that the payer has put aside for one payee
// until a height. A channel is spent in two ways. Below that height by the payee, in a payment of
// the form "close", with the payer's latest voucher (voucher.h). From that height on by the payer,
// in a plain payment. Which of these hold is decided in consensus/payment_rules.h.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "crypto/keys.h"

namespace cairn::chain {

inline constexpr std::size_t kMaxPaymentInputs = 256;
inline constexpr std::size_t kMaxPaymentOutputs = 2;
/// No amount and no sum of amounts reaches this.
inline constexpr std::uint64_t kMaxAmount = std::uint64_t{1} << 62;
/// A coin in the smallest unit, in which all amounts are counted.
inline constexpr std::uint64_t kCoin = 100'000'000;
inline constexpr std::size_t kMaxPaymentBytes = 32 * 1024;

/// Names one output: the payment (or coinbase) that made it and its place there.
struct OutPoint {
    Hash256 id;
    std::uint32_t index = 0;
    auto operator<=>(const OutPoint&) const = default;
};

enum class OutputKind : std::uint8_t {
    kKey = 0,      ///< whoever signs with the key may spend
    kChannel = 1,  ///< the payee with the payer's voucher, and later the payer
};

struct Output {
    std::uint64_t amount = 0;
    OutputKind kind = OutputKind::kKey;
    crypto::PublicKey key;      ///< the owner; of a channel the payer
    crypto::PublicKey payee{};  ///< of a channel only; zeros otherwise
    std::uint32_t expiry = 0;  ///< of a channel only: the first height at which the payer may spend
    bool operator==(const Output&) const = default;
};

enum class PaymentForm : std::uint8_t {
    kPlain = 0,  ///< spends what its signers own
    kClose = 1,  ///< spends one channel, by the payer's voucher and the payee's signature
};

struct Payment {
    std::vector<OutPoint> inputs;  ///< sorted, without duplicates, at least one; to close: one
    std::vector<Output> outputs;   ///< one or two
    /// Plain: one for each input, in their order. To close: the payer's voucher, then the payee's.
    std::vector<crypto::Signature> signatures;
    PaymentForm form = PaymentForm::kPlain;
    bool operator==(const Payment&) const = default;
};
/// How many signatures a payment of this form has.
std::size_t signature_count(PaymentForm form, std::size_t inputs);

/// "1.25": an amount in coins, as people read and write it.
std::string amount_text(std::uint64_t amount);
/// "5f3a...:0", as people copy it: 64 hexadecimal digits, a colon, the place among the outputs.
std::string outpoint_text(const OutPoint& outpoint);
/// kInvalid, in a sentence, for anything that outpoint_text does not write.
Result<OutPoint> parse_outpoint(std::string_view text);

void write(Writer& writer, const OutPoint& outpoint);
void write(Writer& writer, const Output& output);
void write(Writer& writer, const Payment& payment);
OutPoint read_outpoint(Reader& reader);
Output read_output(Reader& reader);
Payment read_payment(Reader& reader);

Bytes encode(const Payment& payment);
/// Bytes of an outpoint, and of an output to a key, which is the shortest.
inline constexpr std::size_t kOutPointBytes = 32 + 4;
inline constexpr std::size_t kKeyOutputBytes = 8 + 1 + 32;
/// Bytes of encode().
std::size_t encoded_bytes(const Payment& payment);
/// Bytes of a plain payment with `inputs` inputs and `outputs` outputs to keys.
std::size_t payment_bytes(std::size_t inputs, std::size_t outputs);
/// So many bytes more has an output that is a channel.
inline constexpr std::size_t kChannelBytesMore = 32 + 4;
/// Whether `fee` for `bytes` is more for each byte than `other_fee` for `other_bytes`: which of two
/// payments a pool keeps and a miner takes first. Exact, no division.
bool higher_fee_rate(std::uint64_t fee, std::size_t bytes, std::uint64_t other_fee,
                     std::size_t other_bytes);
Result<Payment> decode_payment(ByteView bytes);

/// Hash of inputs and outputs; signatures cannot change it.
Hash256 payment_id(const Payment& payment);
/// Hash of the signatures.
Hash256 witness_hash(const Payment& payment);
/// What every input's owner signs. `spent` are the outputs that the inputs name, in their order.
Hash256 signature_hash(const Hash256& genesis_id, const Payment& payment,
                       std::span<const Output> spent);

}  // namespace cairn::chain
