// Receipts: what a server signs with every result. A receipt says "in this session, under these
// versions, I was given these inputs (all of them, as a rolling hash) and gave this output". The
// client, which gave the inputs and has the output, checks it at once. Afterwards a receipt and the
// inputs prove to anyone that a server computed something else (S27, S32).
#pragma once

#include <span>
#include <vector>

#include "base/encoding.h"
#include "base/numerics_version.h"
#include "crypto/keys.h"
#include "model/weights.h"
#include "tensor/kv_type.h"
#include "tensor/state_type.h"

namespace cairn::serve {

/// Version of the messages in serve/messages.h.
inline constexpr std::uint16_t kServeVersion = 4;

/// What every party of a session must agree on.
struct SessionTerms {
    Hash256 session;                            ///< drawn at random by the client
    Hash256 model;                              ///< content hash
    std::uint16_t numerics = kNumericsVersion;  ///< that every hop computes by
    tensor::KvType kv = tensor::KvType::kF32;
    tensor::StateType wire = tensor::StateType::kF32;  ///< of hidden states, layer by layer
    std::uint32_t max_positions = 0;                   ///< room that each hop sets aside
    /// Rows of what the layers read whole, the session's source: the other text that a decoder with
    /// cross attention attends to, or an encoder's own text; 0 for layers of other models. They are
    /// pushed first: a session's positions begin with them (S54, S55).
    std::uint32_t source_rows = 0;

    std::uint32_t all_positions() const { return source_rows + max_positions; }
    bool operator==(const SessionTerms&) const = default;
};

/// Layers, as messages have them: at least one.
void encode(model::LayerRange layers, Writer& writer);
model::LayerRange decode_layers(Reader& reader);

struct Receipt {
    model::LayerRange layers;  ///< that the session was opened for
    Hash256 inputs;            ///< rolling hash over all inputs since position 0
    Hash256 output;            ///< states_hash of what is sent
    crypto::Signature signature;

    bool operator==(const Receipt&) const = default;
};

/// Hash of hidden states [n, dim] that begin at `position`, over their bits.
Hash256 states_hash(std::uint32_t position, std::span<const float> states);

/// The rolling hash over the inputs of a sequence: one for each position, so that positions can be
/// taken back, and so that it does not matter how the rows were cut into pushes.
class InputChain {
  public:
    /// Rows [n, dim] for the positions from `position` on, which is at most length(); what was put
    /// there before, and behind it, is forgotten.
    void put(std::uint32_t position, std::span<const float> rows, std::size_t dim);
    std::size_t length() const { return after_.size(); }
    /// Over all rows; zero where there are none.
    Hash256 end() const { return after_.empty() ? Hash256{} : after_.back(); }

  private:
    std::vector<Hash256> after_;  // the row of this position
};

/// What is signed: everything in the receipt but the signature, bound to the session's terms.
Hash256 receipt_message(const SessionTerms& terms, const Receipt& receipt);

/// Signs and returns the receipt. `aux` is fresh randomness (BIP340).
Receipt make_receipt(const SessionTerms& terms, model::LayerRange layers, const Hash256& inputs,
                     const Hash256& output, const crypto::SecretKey& secret, const Hash256& aux);

/// kInvalid unless `signer` signed the receipt and its output hash is `output`.
Status check_receipt(const SessionTerms& terms, const Receipt& receipt,
                     const crypto::PublicKey& signer, const Hash256& output);

void encode(const SessionTerms& terms, Writer& writer);
SessionTerms decode_terms(Reader& reader);
void encode(const Receipt& receipt, Writer& writer);
Receipt decode_receipt(Reader& reader);
inline constexpr std::size_t kReceiptBytes = 4 + 4 + 32 + 32 + 64;

}  // namespace cairn::serve
