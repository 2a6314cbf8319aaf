#include "serve/exhibit_file.h"

#include <bit>
#include <cstring>

#include "base/files.h"
#include "crypto/hash.h"
#include "serve/messages.h"

namespace cairn::serve {

namespace {

constexpr std::string_view kMagic = "CAIRNEXH";
constexpr std::uint32_t kVersion = 1;

static_assert(std::endian::native == std::endian::little, "rows lie as they do in memory");

}  // namespace

Bytes encode(const Exhibit& exhibit) {
    CHECK(exhibit.inputs.size() <= kMaxExhibitPushes);
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kVersion);
    encode(exhibit.terms, writer);
    writer.fixed(exhibit.server);
    encode(exhibit.receipt, writer);
    writer.count(exhibit.inputs.size());
    for (const std::vector<float>& push : exhibit.inputs) {
        CHECK(!push.empty() && push.size() <= kMaxPushFloats);
        writer.count(push.size());
        writer.raw({reinterpret_cast<const std::uint8_t*>(push.data()), push.size() * 4});
    }
    CHECK(writer.out().size() <= kMaxExhibitBytes);
    return std::move(writer).take();
}

Result<Exhibit> decode_exhibit(ByteView bytes) {
    if (bytes.size() > kMaxExhibitBytes) return invalid("the exhibit is too large");
    Reader reader(bytes);
    const ByteView magic = reader.raw(kMagic.size());
    if (as_text(magic) != kMagic) return invalid("this is no exhibit");
    if (reader.u32() != kVersion) return invalid("an exhibit of another version");
    Exhibit exhibit;
    exhibit.terms = decode_terms(reader);
    exhibit.server = reader.fixed<32>();
    exhibit.receipt = decode_receipt(reader);
    const std::size_t pushes = reader.count(kMaxExhibitPushes, 4 + 4);
    for (std::size_t i = 0; i < pushes && !reader.failed(); ++i) {
        const std::size_t floats = reader.count(kMaxPushFloats, 4);
        if (floats == 0) reader.fail("a push without rows");
        const ByteView rows = reader.raw(floats * 4);
        std::vector<float>& push = exhibit.inputs.emplace_back(rows.size() / 4);
        if (!push.empty()) std::memcpy(push.data(), rows.data(), rows.size());
    }
    RETURN_IF_ERROR(reader.finish());
    return exhibit;
}

Hash256 exhibit_id(ByteView bytes) {
    static const crypto::TaggedHasher hasher("cairn/exhibit/1");
    return hasher(bytes);
}

std::string exhibit_file_name(const Hash256& id) {
    return to_hex(id.view()).substr(0, 16) + std::string(kExhibitEnding);
}

Result<std::string> write_exhibit(const std::string& folder, const Exhibit& exhibit) {
    const Bytes bytes = encode(exhibit);
    const std::string path = folder + "/" + exhibit_file_name(exhibit_id(bytes));
    RETURN_IF_ERROR(write_file(path, bytes));
    return path;
}

}  // namespace cairn::serve
