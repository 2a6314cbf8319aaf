// Payments: coins as chains of signatures (papers A: Def 2, 27, 29). A payment spends earlier
// outputs and makes one or two new ones: what is paid, and the change. Each input is signed by
// the key that owns the output it spends, over the genesis id, the payment and the spent outputs
// with their amounts and kinds, so that nobody can deceive a signer about any of these.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
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
    kChannel = 1,  ///< reserved: decoders refuse it with a message of its own
};

struct Output {
    std::uint64_t amount = 0;
    OutputKind kind = OutputKind::kKey;
    crypto::PublicKey key;
    bool operator==(const Output&) const = default;
};

struct Payment {
    std::vector<OutPoint> inputs;               ///< sorted, without duplicates, at least one
    std::vector<Output> outputs;                ///< one or two
    std::vector<crypto::Signature> signatures;  ///< one for each input, in their order
    bool operator==(const Payment&) const = default;
};

/// "1.25": an amount in coins, as people read and write it.
std::string amount_text(std::uint64_t amount);

void write(Writer& writer, const OutPoint& outpoint);
void write(Writer& writer, const Output& output);
void write(Writer& writer, const Payment& payment);
OutPoint read_outpoint(Reader& reader);
Output read_output(Reader& reader);
Payment read_payment(Reader& reader);

Bytes encode(const Payment& payment);
/// Bytes of encode() with `inputs` inputs and `outputs` outputs.
std::size_t payment_bytes(std::size_t inputs, std::size_t outputs);
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
