// An exhibit as bytes (S39), so that an auditor can hand it to anyone who holds the layers: `cairn
// audit judge FILE --model FILE`. Nothing in it is believed; judge() of exhibit.h decides.
#pragma once

#include <string>
#include <string_view>

#include "serve/exhibit.h"

namespace cairn::serve {

/// 256 MiB, 8,192 rows of a model that is 8,192 wide.
inline constexpr std::size_t kMaxExhibitBytes = std::size_t{1} << 28;
/// A receipt's inputs were cut into at most so many pushes.
inline constexpr std::size_t kMaxExhibitPushes = std::size_t{1} << 17;

/// Whether it keeps the bounds. A session of very many rows may not: then its end cannot be shown.
bool fits_file(const Exhibit& exhibit);
/// CHECKs that it fits.
Bytes encode(const Exhibit& exhibit);
/// kInvalid for anything that encode() does not write; allocates no more than the bytes justify.
Result<Exhibit> decode_exhibit(ByteView bytes);
/// Names an exhibit: H("cairn/exhibit/1", its bytes).
Hash256 exhibit_id(ByteView bytes);
/// How a file that holds it is called: the first digits of its id, and the ending.
inline constexpr std::string_view kExhibitEnding = ".exhibit";
std::string exhibit_file_name(const Hash256& id);
/// Writes it into the folder, under that name; the file's path.
Result<std::string> write_exhibit(const std::string& folder, const Exhibit& exhibit);

}  // namespace cairn::serve
