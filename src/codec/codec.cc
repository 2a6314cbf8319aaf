// CONSENSUS: changing a result here splits the network.
#include "codec/codec.h"

#include <algorithm>
#include <string>

#include "chain/codec_kinds.h"
#include "codec/codec_tiles.h"
#include "codec/matrix_tile.h"
#include "codec/quantise.h"
#include "tensor/loss.h"

namespace cairn::codec {

namespace {

constexpr std::size_t kScaleBytes = 4;

void put_scale(std::uint32_t scale, Bytes& out) {
    for (int shift = 0; shift < 32; shift += 8)
        out.push_back(static_cast<std::uint8_t>(scale >> shift));
}

std::uint32_t read_scale(ByteView bytes) {
    return bytes[0] | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 |
           std::uint32_t{bytes[3]} << 24;
}

/// The maps of one tile after another, by the codec's kind.
class TileMaps {
  public:
    explicit TileMaps(CodecKind kind) : kind_(kind) {}

    void draw(const Hash256& seed, std::uint64_t tile, std::size_t values) {
        if (kind_ == CodecKind::kDense) return;
        if (chain::is_rotation(kind_))
            rotation_.draw(seed, tile, values, kind_ == chain::kSrht2 ? 2 : 1);
        else
            matrix_.draw(kind_, seed, tile, values);
    }
    void sketch(std::span<const std::int32_t> v, std::span<std::int64_t> z) {
        if (kind_ == CodecKind::kDense)
            std::copy(v.begin(), v.end(), z.begin());
        else if (chain::is_rotation(kind_))
            rotation_.sketch(v, z);
        else
            matrix_.sketch(v, z);
    }
    void desketch(std::span<const std::int32_t> q, std::uint32_t scale,
                  std::span<std::int32_t> out) {
        if (kind_ == CodecKind::kDense)
            for (std::size_t i = 0; i < kTile; ++i) out[i] = q[i] * static_cast<int>(scale);
        else if (chain::is_rotation(kind_))
            rotation_.desketch(q, scale, out);
        else
            matrix_.desketch(q, scale, out);
    }

  private:
    CodecKind kind_;
    SketchTile rotation_;
    MatrixTile matrix_;
};

std::size_t tile_bytes(const CodecSpec& spec) {
    return kScaleBytes + values_per_tile(spec) * spec.bits / 8;
}

}  // namespace

static_assert((kTile >> chain::kMaxLog2Ratio) % 8 == 0, "a payload has no bits to spare");

std::size_t values_per_tile(const CodecSpec& spec) { return kTile >> spec.log2_ratio; }

std::size_t payload_size(const CodecSpec& spec, std::size_t parameters) {
    CHECK(parameters % kTile == 0);
    return parameters / kTile * tile_bytes(spec);
}

Bytes encode(const CodecSpec& spec, std::span<const std::int32_t> delta, const Hash256& seed) {
    CHECK(validate(spec).ok());
    Bytes out;
    out.reserve(payload_size(spec, delta.size()));
    std::vector<std::int64_t> z(values_per_tile(spec));
    std::vector<std::int32_t> q(z.size());
    TileMaps maps(spec.kind);
    for (std::size_t tile = 0; tile < delta.size() / kTile; ++tile) {
        maps.draw(seed, tile, z.size());
        maps.sketch(delta.subspan(tile * kTile, kTile), z);
        put_scale(quantise(z, spec.bits, q), out);
        pack(q, spec.bits, out);
    }
    return out;
}

Result<std::vector<std::int32_t>> decode(const CodecSpec& spec, ByteView payload,
                                         const Hash256& seed, std::size_t parameters) {
    RETURN_IF_ERROR(validate(spec));
    CHECK(parameters % kTile == 0 && parameters <= kMaxCodecParameters);
    if (payload.size() != payload_size(spec, parameters))
        return invalid("codec: a payload of " + std::to_string(payload.size()) +
                       " bytes, expected " + std::to_string(payload_size(spec, parameters)));
    std::vector<std::int32_t> delta(parameters);
    std::vector<std::int32_t> q(values_per_tile(spec));
    TileMaps maps(spec.kind);
    for (std::size_t tile = 0; tile < parameters / kTile; ++tile) {
        const ByteView bytes = payload.subspan(tile * tile_bytes(spec), tile_bytes(spec));
        const std::uint32_t scale = read_scale(bytes);
        if (scale > largest_scale(spec.bits)) return invalid("codec: a scale beyond its bound");
        RETURN_IF_ERROR(unpack(bytes.subspan(kScaleBytes), spec.bits, scale, q));
        if (scale == 0) continue;
        maps.draw(seed, tile, q.size());
        maps.desketch(q, scale, std::span(delta).subspan(tile * kTile, kTile));
    }
    return delta;
}

std::vector<std::int32_t> to_fixed(std::span<const float> delta) {
    std::vector<std::int32_t> fixed(delta.size());
    tensor::gradient_to_fixed(delta, kFractionBits, fixed);
    for (std::int32_t& value : fixed) value = std::clamp(value, 1 - kDeltaLimit, kDeltaLimit - 1);
    return fixed;
}

}  // namespace cairn::codec
