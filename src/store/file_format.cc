#include "store/file_format.h"

#include "base/encoding.h"
#include "crypto/hash.h"

namespace cairn::store {

namespace {

constexpr std::string_view kMagic = "CAIRNFL1";
constexpr std::size_t kPrefixBytes = 8 + 4 + 8 + 32;

Hash256 checksum(const std::string& name, FileKind kind, ByteView content) {
    Writer head;
    head.raw(as_bytes(kMagic));
    head.u32(static_cast<std::uint32_t>(kind));
    head.text(name);
    head.u64(content.size());
    return crypto::Sha256().update(head.out()).update(content).finish();
}

Error damaged(const std::string& name, const std::string& how) {
    return io_error("the file " + name + " is damaged (" + how +
                    "): check the disk; the node can fetch or rebuild what is missing");
}

}  // namespace

Status write_checked(Disk& disk, const std::string& name, FileKind kind, ByteView content) {
    Writer file;
    file.raw(as_bytes(kMagic));
    file.u32(static_cast<std::uint32_t>(kind));
    file.u64(content.size());
    file.fixed(checksum(name, kind, content));
    file.raw(content);
    return disk.write_atomic(name, file.out());
}

Result<Bytes> read_checked(const Disk& disk, const std::string& name, FileKind kind,
                           std::size_t max_bytes) {
    ASSIGN_OR_RETURN(Bytes file, disk.read(name, max_bytes + kPrefixBytes));
    if (file.size() < kPrefixBytes) return damaged(name, "too short");
    Reader reader(file);
    const ByteView magic = reader.raw(kMagic.size());
    if (as_text(magic) != kMagic) return damaged(name, "not a file of the store");
    if (reader.u32() != static_cast<std::uint32_t>(kind)) return damaged(name, "another kind");
    if (reader.u64() != file.size() - kPrefixBytes) return damaged(name, "wrong length");
    const Hash256 expected = reader.fixed<32>();
    file.erase(file.begin(), file.begin() + kPrefixBytes);
    if (checksum(name, kind, file) != expected) return damaged(name, "checksum");
    return file;
}

}  // namespace cairn::store
