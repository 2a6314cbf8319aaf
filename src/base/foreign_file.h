// Recognises what lies where a file of ours was meant: a pointer that git left instead of the file,
// the web page that a server sent, half a download, an archive that was not unpacked, a model of
// another program. Every reader asks here first, so that a person hears what the file is and what
// to do, not that some magic number is wrong.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace cairn {

/// As many bytes as check_foreign can make use of.
inline constexpr std::size_t kForeignHead = 1024;

/// Ok for what no rule knows. Else "PATH is ...: what to do": kUnsupported for what another program
/// could read, kInvalid for what no program could. `head` is the first bytes of a file of `size`
/// bytes.
Status check_foreign(const std::string& path, ByteView head, std::uint64_t size);

/// read_file of base/files.h, and check_foreign of what was read.
Result<Bytes> read_checked_file(const std::string& path, std::size_t max_bytes);

/// Which bytes a text may have, wherever it comes from; `name` is what messages call it. kInvalid
/// for UTF-16 and NUL bytes. Any other bytes may be learnt and judged; if they are not UTF-8, the
/// log warns of the first such byte.
Status check_encoding(const std::string& name, std::string_view text);

/// Whether `content` is a text: not empty, no model, tokenizer or training run, not foreign (but a
/// web page is a text if `path` says that it is a page), and check_encoding.
Status check_text(const std::string& path, ByteView content);

/// Whether `path`, or a file beside it, says by its name that a download is under way.
Status check_download(const std::string& path);

/// What to say of a file that ends before what its header promises: "only 1.2 of 3.4 MB are
/// here: the download is not complete".
std::string incomplete(std::uint64_t here, std::uint64_t promised);

}  // namespace cairn
