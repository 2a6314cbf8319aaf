#include "serve/exhibit_file.h"

#include <bit>
#include <cstring>

#include "base/disk.h"
#include "base/files.h"
#include "crypto/hash.h"
#include "serve/messages.h"

namespace cairn::serve {

namespace {

constexpr std::string_view kMagic = "CAIRNEXH";
constexpr std::uint32_t kVersion = 1;

static_assert(std::endian::native == std::endian::little, "rows lie as they do in memory");

/// All that stands before the rows.
Writer head_of(const Exhibit& exhibit) {
    Writer writer;
    writer.raw(as_bytes(kMagic));
    writer.u32(kVersion);
    encode(exhibit.terms, writer);
    writer.fixed(exhibit.server);
    encode(exhibit.receipt, writer);
    writer.count(exhibit.inputs.size());
    return writer;
}

}  // namespace

bool fits_file(const Exhibit& exhibit) {
    if (exhibit.inputs.size() > kMaxExhibitPushes) return false;
    std::size_t bytes = head_of(exhibit).out().size();
    for (const std::vector<float>& push : exhibit.inputs) {
        if (push.empty() || push.size() > kMaxPushFloats) return false;
        bytes += 4 + push.size() * 4;
    }
    return bytes <= kMaxExhibitBytes;
}

Bytes encode(const Exhibit& exhibit) {
    CHECK(fits_file(exhibit));
    Writer writer = head_of(exhibit);
    for (const std::vector<float>& push : exhibit.inputs) {
        writer.count(push.size());
        writer.raw({reinterpret_cast<const std::uint8_t*>(push.data()), push.size() * 4});
    }
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
    // Rows from which a client's text can be worked out: whoever wrote it decides who reads it.
    RETURN_IF_ERROR(PosixDisk(folder).write_secret(name_of(path), bytes));
    return path;
}

}  // namespace cairn::serve
