// The messages between a server that leads parts and its parts (S45, S46): several machines of one
// owner that are one server to everybody else. The lead asks, a part answers each message by one,
// in order; only kClose has no answer, and kAskAlive is answered at once, also while a part
// computes.
//
//   lead                      part
//     | Join ------------------> |     a model, layers, which heads and columns
//     | <--------------- Joined  |     or Refused, with a reason, as for every message
//     | Open ------------------> |     a cache for a sequence
//     | <--------------- Opened  |
//     | Heads -----------------> |     for each layer: the rows that enter its attention
//     | <---------------- Share  |
//     | Columns ---------------> |     and those that enter its feed-forward
//     | <---------------- Share  |
//     | Close -----------------> |
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/layer_share.h"
#include "tensor/kv_type.h"

namespace cairn::serve {

/// Kinds 0x5500 to 0x55ff of net::Network.
enum class PartKind : std::uint16_t {
    kJoin = 0x5501,
    kJoined = 0x5502,   ///< empty
    kRefused = 0x5503,  ///< a text: why what was asked is not done
    kOpen = 0x5504,
    kOpened = 0x5505,  ///< empty
    kClose = 0x5506,   ///< u64 cache; not answered
    kHeads = 0x5507,
    kColumns = 0x5508,
    kShare = 0x5509,
    kAskAlive = 0x550a,  ///< empty
    kAlive = 0x550b,     ///< empty
};

inline constexpr std::size_t kMaxPartReason = 512;
/// Numbers in one message: 8 MiB, half of what a network message may hold.
inline constexpr std::size_t kMaxPartFloats = std::size_t{1} << 21;
/// Rows of one message, and sequences that they belong to.
inline constexpr std::size_t kMaxPartRows = 256;

/// Rows that one message can carry in any step of a layer of this model.
std::size_t max_part_rows(const model::ModelConfig& config);

struct PartJoin {
    Hash256 model;
    std::uint16_t numerics = 0;
    model::LayerRange layers;
    model::LayerShare share;

    bool operator==(const PartJoin&) const = default;
};

/// Of one sequence, which the lead numbers as it likes.
struct PartOpen {
    std::uint64_t cache = 0;
    model::LayerRange layers;
    std::uint32_t positions = 0;
    tensor::KvType kv = tensor::KvType::kF32;

    bool operator==(const PartOpen&) const = default;
};

/// Consecutive rows of a message that belong to one sequence.
struct PartSequence {
    std::uint64_t cache = 0;
    std::uint32_t position = 0;  ///< of the first; what the cache had from there on is taken back
    std::uint32_t rows = 0;      ///< at least 1

    bool operator==(const PartSequence&) const = default;
};

struct PartHeads {
    std::uint32_t layer = 0;
    std::vector<PartSequence> sequences;
    std::vector<float> states;  ///< [all rows, dim]

    bool operator==(const PartHeads&) const = default;
};

struct PartColumns {
    std::uint32_t layer = 0;
    std::uint32_t rows = 0;
    std::vector<float> states;  ///< [rows, dim]

    bool operator==(const PartColumns&) const = default;
};

/// What a part's heads or columns made of them.
struct PartShare {
    std::uint32_t rows = 0;
    std::vector<float> values;  ///< [rows, width of the share]

    bool operator==(const PartShare&) const = default;
};

/// A message with its kind.
struct PartMessage {
    PartKind kind{};
    Bytes body;
};

Bytes encode(const PartJoin& message);
Bytes encode(const PartOpen& message);
Bytes encode(const PartHeads& message);
Bytes encode(const PartColumns& message);
Bytes encode(const PartShare& message);
Bytes encode_part_close(std::uint64_t cache);
Bytes encode_part_reason(std::string_view reason);

Result<PartJoin> decode_part_join(ByteView body);
Result<PartOpen> decode_part_open(ByteView body);
Result<PartHeads> decode_part_heads(ByteView body);
Result<PartColumns> decode_part_columns(ByteView body);
Result<PartShare> decode_part_share(ByteView body);
Result<std::uint64_t> decode_part_close(ByteView body);
Result<std::string> decode_part_reason(ByteView body);

}  // namespace cairn::serve
