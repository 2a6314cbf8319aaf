// How quantised weights lie in memory, canonical (GGUF's blocks, our W8A8 rows) and packed, and how
// to read and write one group of 32 of them in either form. Everything but the kernels goes through
// RawGroup, so each format is spelled out once.
//
// Packed, a weight is panels of 16 rows, a panel is chunks of 256 columns (W8A8-row: 512), and the
// quants of four consecutive columns lie as [16 rows][4] bytes: one 64-byte vector, a "step". All
// quants are unsigned, the format's bias added (128, 8, 16, 32 or 0). With g groups in a chunk:
//
//   Q8_0      f16 d[g][16], padded to 64 bytes; 8 g steps
//   Q4_0      f16 d[g][16], padded to 64 bytes; per group 4 vectors: low nibbles are steps 0 to 3,
//             high nibbles steps 4 to 7
//   Q4_1      {f16 d[16], f16 -m[16]}[g]; nibbles as in Q4_0
//   Q5_0      scales and nibbles as in Q4_0, then per group one vector whose bit s is the fifth bit
//             of step s
//   Q5_1      scales and nibbles as in Q4_1, fifth bits as in Q5_0
//   Q4_K      f16 d[16], f16 dmin[16]; u8 {sc[16], m[16]}[g]; nibbles as in Q4_0
//   Q5_K      the same, fifth bits as in Q5_0
//   Q6_K      f16 d[16], 32 bytes of padding; s8 sc[2 g][16]; nibbles as in Q4_0; per group two
//             vectors whose bits 2 (s % 4) up are the high bits of step s
//   W8A8-row  f32 scale[16] before the panel's first chunk; steps, to a multiple of 8
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/weight.h"

namespace cairn::tensor {

/// Columns that share an activation scale, and columns of a step.
inline constexpr std::size_t kQuantGroup = 32;
inline constexpr std::size_t kQuantStep = 4;
/// Rows of a panel, and bytes of a vector: a step of all its rows.
inline constexpr std::size_t kQuantPanel = 16;
inline constexpr std::size_t kQuantVector = kQuantPanel * kQuantStep;
/// The most columns that one W8A8-row sum can hold in an int32.
inline constexpr std::size_t kMaxW8A8Columns = 131072;

/// One group as stored: weight i is d * scale[i / 16] * (u[i] - bias) - dmin * minimum, or
/// row_scale * (u[i] - bias) in W8A8-row. d and dmin are f16 bits; Q4_1's and Q5_1's dmin is -m,
/// with a minimum of 1.
struct RawGroup {
    std::uint8_t u[kQuantGroup] = {};
    std::uint16_t d = 0;
    std::uint16_t dmin = 0;
    std::int8_t scale[2] = {1, 1};
    std::uint8_t minimum = 0;
    float row_scale = 0.0F;
};

/// The same as numbers: weight i is scale[i / 16] * q[i] - minimum.
struct QuantisedGroup {
    std::int32_t q[kQuantGroup];
    float scale[2];
    float minimum;
};

/// 128, 8, 16, 32 or 0.
std::int32_t quant_bias(WeightType type);
/// Whether a product has a second term for each group, of its minimum (N2).
bool has_minima(WeightType type);
/// Group `group` of a row, packed or canonical. Past the last column of W8A8-row u is the bias.
RawGroup raw_group(const Weight& w, std::size_t row, std::size_t group);
QuantisedGroup quantised_group(const Weight& w, std::size_t row, std::size_t group);
/// Groups of a row; W8A8-row's last one may be shorter than 32.
std::size_t quantised_groups(const Weight& w);

/// Where a packed chunk's parts begin, and its size.
struct ChunkLayout {
    std::size_t quants;
    std::size_t high;
    std::size_t bytes;
};

/// 256 or 512.
std::size_t chunk_columns(WeightType type);
/// Of a chunk with `columns` <= chunk_columns(type) columns.
ChunkLayout chunk_layout(WeightType type, std::size_t columns);
/// Bytes before the panel's first chunk.
std::size_t panel_head_bytes(WeightType type);
std::size_t panel_bytes(WeightType type, std::size_t cols);
/// No chunk is larger.
inline constexpr std::size_t kMaxChunkBytes = 512 * kQuantPanel;

/// Packs one chunk of a panel, or the panel's head, from a canonical weight.
void pack_chunk(const Weight& w, std::size_t panel, std::size_t chunk, std::uint8_t* out);
void pack_panel_head(const Weight& w, std::size_t panel, std::uint8_t* out);
/// W8A8-row: the scales of a panel's rows, packed or canonical; 0 for rows that are not there.
void panel_scales(const Weight& w, std::size_t panel, float* out);

}  // namespace cairn::tensor
