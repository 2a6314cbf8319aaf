#include "tensor/quantised_format.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tensor/kv_type.h"

namespace cairn::tensor {

static_assert(std::endian::native == std::endian::little, "files and panels are little-endian");

namespace {

constexpr std::size_t kSuperBlock = 256;
/// Where the K-quants' group scales begin in a packed chunk, and how many bytes a group has.
constexpr std::size_t kGroupScales = 64;
constexpr std::size_t kGroupScaleBytes = 2 * kQuantPanel;

template <typename T>
T load(const std::uint8_t* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

bool has_bytes(WeightType type) {
    return type == WeightType::kQ8_0 || type == WeightType::kW8A8Row;
}

bool is_super_block(WeightType type) {
    return type == WeightType::kQ4K || type == WeightType::kQ5K || type == WeightType::kQ6K;
}

/// Each group has a minimum of its own, an f16.
bool has_own_minimum(WeightType type) {
    return type == WeightType::kQ4_1 || type == WeightType::kQ5_1;
}

bool has_fifth_bits(WeightType type) {
    return type == WeightType::kQ5_0 || type == WeightType::kQ5_1 || type == WeightType::kQ5K;
}

/// Packed, the scales of a group, where each group has its own.
std::size_t own_scale_bytes(WeightType type) {
    return (has_own_minimum(type) ? 2 : 1) * kQuantPanel * sizeof(std::uint16_t);
}

RawGroup read_q8_0(const std::uint8_t* block) {
    RawGroup raw;
    raw.d = load<std::uint16_t>(block);
    for (std::size_t i = 0; i < kQuantGroup; ++i)
        raw.u[i] = static_cast<std::uint8_t>(block[2 + i] ^ 0x80U);
    return raw;
}

RawGroup read_q4_0(const std::uint8_t* block) {
    RawGroup raw;
    raw.d = load<std::uint16_t>(block);
    for (std::size_t i = 0; i < 16; ++i) {
        raw.u[i] = block[2 + i] & 0x0FU;
        raw.u[i + 16] = block[2 + i] >> 4;
    }
    return raw;
}

/// {f16 d, [f16 m,] [32 fifth bits,] 16 bytes of nibbles}.
RawGroup read_q4_1_or_q5(const std::uint8_t* block, WeightType type) {
    constexpr std::uint16_t kF16Sign = 0x8000;
    RawGroup raw;
    raw.d = load<std::uint16_t>(block);
    block += 2;
    if (has_own_minimum(type)) {
        raw.dmin = load<std::uint16_t>(block) ^ kF16Sign;
        raw.minimum = 1;
        block += 2;
    }
    std::uint32_t fifth = 0;
    if (type != WeightType::kQ4_1) {
        fifth = load<std::uint32_t>(block);
        block += 4;
    }
    for (std::size_t i = 0; i < kQuantGroup; ++i) {
        const std::uint32_t nibble = std::uint32_t{block[i % 16]} >> i / 16 * 4 & 0x0FU;
        raw.u[i] = static_cast<std::uint8_t>(nibble | (fifth >> i & 1U) << 4);
    }
    return raw;
}

/// Eight 6-bit scales and minima in 12 bytes: the first four of each in the low six bits of bytes
/// 0 to 7; of the others the low four bits in bytes 8 to 11, the high two atop bytes 0 to 7.
void read_scales(const std::uint8_t* packed, std::size_t group, RawGroup& raw) {
    std::uint32_t scale = packed[group % 4];
    std::uint32_t minimum = packed[group % 4 + 4];
    if (group < 4) {
        scale &= 0x3FU;
        minimum &= 0x3FU;
    } else {
        scale = (packed[group + 4] & 0x0FU) | scale >> 6 << 4;
        minimum = std::uint32_t{packed[group + 4]} >> 4 | minimum >> 6 << 4;
    }
    raw.scale[0] = raw.scale[1] = static_cast<std::int8_t>(scale);
    raw.minimum = static_cast<std::uint8_t>(minimum);
}

/// {f16 d, f16 dmin, 12 bytes of scales, [32 bytes of fifth bits,] 128 bytes of nibbles}: groups
/// 2 j and 2 j + 1 are the low and high nibbles of bytes 32 j to 32 j + 31.
RawGroup read_q4_k_or_q5_k(const std::uint8_t* block, std::size_t group, bool five_bits) {
    RawGroup raw;
    raw.d = load<std::uint16_t>(block);
    raw.dmin = load<std::uint16_t>(block + 2);
    read_scales(block + 4, group, raw);
    const std::uint8_t* fifth = block + 16;
    const std::uint8_t* nibbles = block + (five_bits ? 48 : 16) + group / 2 * kQuantGroup;
    for (std::size_t i = 0; i < kQuantGroup; ++i) {
        std::uint32_t u = std::uint32_t{nibbles[i]} >> group % 2 * 4 & 0x0FU;
        if (five_bits) u |= (std::uint32_t{fifth[i]} >> group & 1U) << 4;
        raw.u[i] = static_cast<std::uint8_t>(u);
    }
    return raw;
}

/// {128 bytes of low nibbles, 64 bytes of high pairs, s8 scales[16], f16 d}; each half of 128
/// weights has its own 64 and 32 bytes, shared by its four groups.
RawGroup read_q6_k(const std::uint8_t* block, std::size_t group) {
    RawGroup raw;
    const std::size_t half = group / 4;
    const std::size_t quarter = group % 4;
    const std::uint8_t* low = block + 64 * half + 32 * (quarter % 2);
    const std::uint8_t* high = block + 128 + 32 * half;
    for (std::size_t i = 0; i < kQuantGroup; ++i) {
        const std::uint32_t nibble = std::uint32_t{low[i]} >> quarter / 2 * 4 & 0x0FU;
        const std::uint32_t pair = std::uint32_t{high[i]} >> 2 * quarter & 3U;
        raw.u[i] = static_cast<std::uint8_t>(nibble | pair << 4);
    }
    raw.scale[0] = static_cast<std::int8_t>(block[192 + 2 * group]);
    raw.scale[1] = static_cast<std::int8_t>(block[192 + 2 * group + 1]);
    raw.d = load<std::uint16_t>(block + 208);
    return raw;
}

RawGroup read_w8a8(const std::uint8_t* row, std::size_t cols, std::size_t group) {
    RawGroup raw;
    raw.row_scale = load<float>(row);
    const std::size_t first = group * kQuantGroup;
    for (std::size_t i = 0; i < kQuantGroup; ++i)
        raw.u[i] = static_cast<std::uint8_t>(first + i < cols ? row[4 + first + i] ^ 0x80U : 0x80U);
    return raw;
}

RawGroup read_canonical(const Weight& w, std::size_t row, std::size_t group) {
    const std::size_t row_bytes = weight_row_bytes(w.type, w.cols);
    const auto* at = static_cast<const std::uint8_t*>(w.data) + row * row_bytes;
    if (w.type == WeightType::kW8A8Row) return read_w8a8(at, w.cols, group);
    if (w.type == WeightType::kQ8_0) return read_q8_0(at + group * 34);
    if (w.type == WeightType::kQ4_0) return read_q4_0(at + group * 18);
    if (!is_super_block(w.type))
        return read_q4_1_or_q5(at + group * weight_row_bytes(w.type, kQuantGroup), w.type);
    const std::size_t in_block = group % (kSuperBlock / kQuantGroup);
    at += group * kQuantGroup / kSuperBlock * weight_row_bytes(w.type, kSuperBlock);
    if (w.type == WeightType::kQ6K) return read_q6_k(at, in_block);
    return read_q4_k_or_q5_k(at, in_block, w.type == WeightType::kQ5K);
}

/// Where the four columns of a step lie in a packed chunk: a vector's 4 bytes of one row, and how
/// far to shift them.
struct StepPlace {
    std::size_t offset;
    std::uint32_t shift;
};

StepPlace quant_place(WeightType type, std::size_t group, std::size_t step) {
    if (has_bytes(type)) return {(8 * group + step) * kQuantVector, 0};
    return {(4 * group + step % 4) * kQuantVector, step < 4 ? 0U : 4U};
}

StepPlace high_place(WeightType type, std::size_t group, std::size_t step) {
    if (has_fifth_bits(type)) return {group * kQuantVector, static_cast<std::uint32_t>(step)};
    return {(2 * group + step / 4) * kQuantVector, static_cast<std::uint32_t>(2 * (step % 4))};
}

/// The same bits in each of four bytes.
std::uint32_t in_each_byte(std::uint32_t bits) { return bits * 0x01010101U; }

std::uint32_t high_mask(WeightType type) {
    return has_fifth_bits(type) ? 1U : type == WeightType::kQ6K ? 3U : 0U;
}

RawGroup read_packed(const Weight& w, std::size_t row, std::size_t group) {
    const WeightType type = w.type;
    const std::size_t in_chunk = chunk_columns(type) / kQuantGroup;
    const std::size_t chunk = group / in_chunk;
    const std::size_t first = chunk * chunk_columns(type);
    const ChunkLayout layout = chunk_layout(type, std::min(chunk_columns(type), w.cols - first));
    const std::size_t r = row % kQuantPanel;
    const std::size_t g = group % in_chunk;
    const auto* head =
        static_cast<const std::uint8_t*>(w.data) + row / kQuantPanel * panel_bytes(type, w.cols);
    const auto* at =
        head + panel_head_bytes(type) + chunk * chunk_layout(type, chunk_columns(type)).bytes;
    RawGroup raw;
    if (type == WeightType::kW8A8Row) {
        raw.row_scale = load<float>(head + 4 * r);
    } else if (is_super_block(type)) {
        raw.d = load<std::uint16_t>(at + 2 * r);
        raw.dmin = load<std::uint16_t>(at + 2 * (kQuantPanel + r));
        const std::uint8_t* scales = at + kGroupScales + g * kGroupScaleBytes + r;
        raw.scale[0] = raw.scale[1] = static_cast<std::int8_t>(scales[0]);
        if (type == WeightType::kQ6K)
            raw.scale[1] = static_cast<std::int8_t>(scales[kQuantPanel]);
        else
            raw.minimum = scales[kQuantPanel];
    } else {
        const std::uint8_t* scales = at + g * own_scale_bytes(type) + 2 * r;
        raw.d = load<std::uint16_t>(scales);
        if (has_own_minimum(type)) {
            raw.dmin = load<std::uint16_t>(scales + 2 * kQuantPanel);
            raw.minimum = 1;
        }
    }
    const std::uint32_t mask = in_each_byte(has_bytes(type) ? 0xFFU : 0x0FU);
    for (std::size_t step = 0; step < kQuantGroup / kQuantStep; ++step) {
        const StepPlace place = quant_place(type, g, step);
        auto word = load<std::uint32_t>(at + layout.quants + place.offset + 4 * r);
        word = word >> place.shift & mask;
        if (high_mask(type) != 0) {
            const StepPlace high = high_place(type, g, step);
            const auto bits = load<std::uint32_t>(at + layout.high + high.offset + 4 * r);
            word |= (bits >> high.shift & in_each_byte(high_mask(type))) << 4;
        }
        std::memcpy(raw.u + step * kQuantStep, &word, 4);
    }
    return raw;
}

void or_word(std::uint8_t* at, std::uint32_t bits) {
    const std::uint32_t word = load<std::uint32_t>(at) | bits;
    std::memcpy(at, &word, 4);
}

/// Row r's group g into a chunk that was all zeros.
void write_packed(WeightType type, const RawGroup& raw, std::size_t r, std::size_t g,
                  const ChunkLayout& layout, std::uint8_t* out) {
    if (is_super_block(type)) {
        std::memcpy(out + 2 * r, &raw.d, 2);
        std::memcpy(out + 2 * (kQuantPanel + r), &raw.dmin, 2);
        std::uint8_t* scales = out + kGroupScales + g * kGroupScaleBytes + r;
        scales[0] = static_cast<std::uint8_t>(raw.scale[0]);
        scales[kQuantPanel] =
            type == WeightType::kQ6K ? static_cast<std::uint8_t>(raw.scale[1]) : raw.minimum;
    } else if (type != WeightType::kW8A8Row) {
        std::uint8_t* scales = out + g * own_scale_bytes(type) + 2 * r;
        std::memcpy(scales, &raw.d, 2);
        if (has_own_minimum(type)) std::memcpy(scales + 2 * kQuantPanel, &raw.dmin, 2);
    }
    const std::uint32_t mask = in_each_byte(has_bytes(type) ? 0xFFU : 0x0FU);
    for (std::size_t step = 0; step < kQuantGroup / kQuantStep; ++step) {
        const auto word = load<std::uint32_t>(raw.u + step * kQuantStep);
        const StepPlace place = quant_place(type, g, step);
        or_word(out + layout.quants + place.offset + 4 * r, (word & mask) << place.shift);
        if (high_mask(type) == 0) continue;
        const StepPlace high = high_place(type, g, step);
        or_word(out + layout.high + high.offset + 4 * r, (word >> 4 & in_each_byte(high_mask(type)))
                                                             << high.shift);
    }
}

}  // namespace

std::int32_t quant_bias(WeightType type) {
    if (has_bytes(type)) return 128;
    if (type == WeightType::kQ4_0) return 8;
    if (type == WeightType::kQ5_0) return 16;
    return type == WeightType::kQ6K ? 32 : 0;
}

bool has_minima(WeightType type) {
    return has_own_minimum(type) || type == WeightType::kQ4K || type == WeightType::kQ5K;
}

RawGroup raw_group(const Weight& w, std::size_t row, std::size_t group) {
    return w.packed ? read_packed(w, row, group) : read_canonical(w, row, group);
}

QuantisedGroup quantised_group(const Weight& w, std::size_t row, std::size_t group) {
    const RawGroup raw = raw_group(w, row, group);
    QuantisedGroup result;
    for (std::size_t i = 0; i < kQuantGroup; ++i) result.q[i] = raw.u[i] - quant_bias(w.type);
    for (std::size_t half = 0; half < 2; ++half)
        result.scale[half] = w.type == WeightType::kW8A8Row
                                 ? raw.row_scale
                                 : f16_to_f32(raw.d) * static_cast<float>(raw.scale[half]);
    result.minimum = f16_to_f32(raw.dmin) * static_cast<float>(raw.minimum);
    return result;
}

std::size_t quantised_groups(const Weight& w) { return (w.cols + kQuantGroup - 1) / kQuantGroup; }

std::size_t chunk_columns(WeightType type) { return type == WeightType::kW8A8Row ? 512 : 256; }

ChunkLayout chunk_layout(WeightType type, std::size_t columns) {
    const std::size_t groups = (columns + kQuantGroup - 1) / kQuantGroup;
    std::size_t quants = 0;
    if (is_super_block(type))
        quants = kGroupScales + groups * kGroupScaleBytes;
    else if (type != WeightType::kW8A8Row)
        quants = (groups * own_scale_bytes(type) + 63) / 64 * 64;
    const std::size_t low_bytes = groups * kQuantGroup * kQuantPanel / (has_bytes(type) ? 1 : 2);
    const std::size_t high = quants + low_bytes;
    const std::size_t high_bytes = has_fifth_bits(type)       ? groups * kQuantVector
                                   : type == WeightType::kQ6K ? groups * 2 * kQuantVector
                                                              : 0;
    return {quants, high, high + high_bytes};
}

std::size_t panel_head_bytes(WeightType type) {
    return type == WeightType::kW8A8Row ? kQuantPanel * sizeof(float) : 0;
}

std::size_t panel_bytes(WeightType type, std::size_t cols) {
    const std::size_t chunk = chunk_columns(type);
    return panel_head_bytes(type) + cols / chunk * chunk_layout(type, chunk).bytes +
           chunk_layout(type, cols % chunk).bytes * (cols % chunk != 0 ? 1 : 0);
}

void pack_chunk(const Weight& w, std::size_t panel, std::size_t chunk, std::uint8_t* out) {
    const std::size_t first = chunk * chunk_columns(w.type);
    const std::size_t columns = std::min(chunk_columns(w.type), w.cols - first);
    const ChunkLayout layout = chunk_layout(w.type, columns);
    std::memset(out, 0, layout.bytes);
    const std::size_t rows = std::min(kQuantPanel, w.rows - panel * kQuantPanel);
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t k = 0; k < columns; k += kQuantGroup)
            write_packed(w.type,
                         read_canonical(w, panel * kQuantPanel + r, (first + k) / kQuantGroup), r,
                         k / kQuantGroup, layout, out);
    }
}

void panel_scales(const Weight& w, std::size_t panel, float* out) {
    const auto* from = static_cast<const std::uint8_t*>(w.data);
    std::fill(out, out + kQuantPanel, 0.0F);
    const std::size_t rows = std::min(kQuantPanel, w.rows - panel * kQuantPanel);
    if (w.packed) {
        std::memcpy(out, from + panel * panel_bytes(w.type, w.cols), rows * sizeof(float));
        return;
    }
    for (std::size_t r = 0; r < rows; ++r)
        out[r] = load<float>(from + (panel * kQuantPanel + r) * weight_row_bytes(w.type, w.cols));
}

void pack_panel_head(const Weight& w, std::size_t panel, std::uint8_t* out) {
    if (w.type != WeightType::kW8A8Row) return;
    float scales[kQuantPanel];
    panel_scales(w, panel, scales);
    std::memcpy(out, scales, sizeof scales);
}

}  // namespace cairn::tensor
