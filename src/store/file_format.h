// Bodies, snapshots and models as files: a header with the kind, the length and a checksum, then
// the bytes. The checksum also covers the file's name, so that a file which was moved to another's
// name is found out, too. FORMAT.md has the layout.
#pragma once

#include <string>

#include "base/disk.h"

namespace cairn::store {

enum class FileKind : std::uint32_t { kBody = 1, kSnapshot = 2, kModel = 3 };

Status write_checked(Disk& disk, const std::string& name, FileKind kind, ByteView content);

/// The content. kNotFound without the file; kIo if it is short, changed, of another kind or was
/// written under another name; kFull if the content is longer than max_bytes.
Result<Bytes> read_checked(const Disk& disk, const std::string& name, FileKind kind,
                           std::size_t max_bytes);

}  // namespace cairn::store
