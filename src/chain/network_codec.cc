// CONSENSUS: changing a result here splits the network.
//
// The canonical bytes of a network definition, and the genesis id that they hash to.
#include "base/encoding.h"
#include "chain/network_fields.h"
#include "crypto/hash.h"

namespace cairn::chain {
namespace {

constexpr std::string_view kMagic = "cairnnet";
constexpr std::uint32_t kFormat = 1;

struct EncodeFields {
    Writer& w;

    void begin(const char*) {}
    void end() {}
    void number(const char*, std::uint32_t value, std::uint64_t, std::uint64_t) { w.u32(value); }
    void number(const char*, std::uint64_t value, std::uint64_t, std::uint64_t) { w.u64(value); }
    void flag(const char*, bool value) { w.u8(value ? 1 : 0); }
    void text(const char*, const std::string& value) { w.text(value); }
    void hash(const char*, const Hash256& value) { w.fixed(value); }
    void codec_kind(const char*, CodecKind value) { w.u8(static_cast<std::uint8_t>(value)); }
    void upgrades(const char*, const std::vector<Upgrade>& list) {
        w.count(list.size());
        for (const Upgrade& upgrade : list) {
            w.u32(upgrade.height);
            w.u32(upgrade.numerics_version);
        }
    }
    void members(const char*, const std::vector<crypto::PublicKey>& list) {
        w.count(list.size());
        for (const crypto::PublicKey& key : list) w.fixed(key);
    }
};

struct DecodeFields {
    Reader& r;

    void begin(const char*) {}
    void end() {}
    void number(const char*, std::uint32_t& value, std::uint64_t, std::uint64_t) {
        value = r.u32();
    }
    void number(const char*, std::uint64_t& value, std::uint64_t, std::uint64_t) {
        value = r.u64();
    }
    void flag(const char* name, bool& value) {
        const std::uint8_t byte = r.u8();
        if (byte > 1) r.fail(std::string(name) + " must be 0 or 1");
        value = byte == 1;
    }
    void text(const char*, std::string& value) { value = r.text(fields::kMaxName); }
    void hash(const char*, Hash256& value) { value = r.fixed<32>(); }
    void codec_kind(const char*, CodecKind& value) {
        const std::uint8_t byte = r.u8();
        if (byte > static_cast<std::uint8_t>(CodecKind::kDense))
            r.fail("codec.kind " + std::to_string(byte) + " is not known to this program");
        value = static_cast<CodecKind>(byte);
    }
    void upgrades(const char*, std::vector<Upgrade>& list) {
        list.resize(r.count(fields::kMaxUpgrades, 8));
        for (Upgrade& upgrade : list) {
            upgrade.height = r.u32();
            upgrade.numerics_version = r.u32();
        }
    }
    void members(const char*, std::vector<crypto::PublicKey>& list) {
        list.resize(r.count(fields::kMaxMembers, 32));
        for (crypto::PublicKey& key : list) key = r.fixed<32>();
    }
};

}  // namespace

Bytes encode(const NetworkDefinition& network) {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kFormat);
    EncodeFields visitor{writer};
    fields::visit_network(network, visitor);
    return std::move(writer).take();
}

Result<NetworkDefinition> decode_network(ByteView bytes) {
    if (bytes.size() > kMaxNetworkBytes) return invalid("network definition: too long");
    Reader reader(bytes);
    const ByteView magic = reader.raw(kMagic.size());
    if (as_text(magic) != kMagic || reader.u32() != kFormat)
        return invalid("not a network definition of format 1");
    NetworkDefinition network;
    DecodeFields visitor{reader};
    fields::visit_network(network, visitor);
    RETURN_IF_ERROR(reader.finish());
    RETURN_IF_ERROR(validate(network));
    return network;
}

Hash256 genesis_id(const NetworkDefinition& network) {
    return crypto::tagged_hash("cairn/genesis-id", encode(network));
}

}  // namespace cairn::chain
