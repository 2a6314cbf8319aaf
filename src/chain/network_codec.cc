// CONSENSUS: changing a result here splits the network.
//
// The canonical bytes of a network definition, and the genesis id that they hash to.
#include "base/encoding.h"
#include "chain/network_bytes.h"
#include "crypto/hash.h"

namespace cairn::chain {
namespace {

constexpr std::string_view kMagic = "cairnnet";
constexpr std::uint32_t kFormat = 1;

}  // namespace

namespace fields {

Status DecodeExtensions::finish() const {
    if (!status_.ok() || next_ == list_.size()) return status_;
    return Error{ErrorCode::kUnsupported,
                 "network definition: extension " + std::to_string(list_[next_].id) +
                     " is not known to this program; update Cairn to follow this network"};
}

void write_extensions(Writer& writer, const std::vector<Extension>& list) {
    writer.count(list.size());
    for (const Extension& extension : list) {
        writer.u16(extension.id);
        writer.bytes(extension.bytes);
    }
}

std::vector<Extension> read_extensions(Reader& reader) {
    std::vector<Extension> list(reader.count(kMaxExtensions, 6));
    for (std::size_t i = 0; i < list.size() && !reader.failed(); ++i) {
        list[i].id = reader.u16();
        list[i].bytes = reader.bytes(kMaxExtensionBytes);
        if (i > 0 && list[i - 1].id >= list[i].id)
            reader.fail("extensions must be sorted by id, each once");
    }
    return list;
}

}  // namespace fields

Bytes encode(const NetworkDefinition& network) {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kFormat);
    fields::EncodeFields visitor{writer};
    fields::visit_network(network, visitor);
    fields::EncodeExtensions extensions;
    fields::visit_extensions(network, extensions);
    fields::write_extensions(writer, extensions.list);
    return std::move(writer).take();
}

Result<NetworkDefinition> decode_network(ByteView bytes) {
    if (bytes.size() > kMaxNetworkBytes) return invalid("network definition: too long");
    Reader reader(bytes);
    const ByteView magic = reader.raw(kMagic.size());
    if (as_text(magic) != kMagic || reader.u32() != kFormat)
        return invalid("not a network definition of format 1");
    NetworkDefinition network;
    fields::DecodeFields visitor{reader};
    fields::visit_network(network, visitor);
    fields::DecodeExtensions extensions(fields::read_extensions(reader));
    RETURN_IF_ERROR(reader.finish());
    fields::visit_extensions(network, extensions);
    RETURN_IF_ERROR(extensions.finish());
    RETURN_IF_ERROR(validate(network));
    return network;
}

Hash256 genesis_id(const NetworkDefinition& network) {
    NetworkDefinition founded = network;
    founded.upgrades.clear();
    return crypto::tagged_hash("cairn/genesis-id", encode(founded));
}

}  // namespace cairn::chain
