// Unicode's normal forms C and D of whatever anybody sends, in time that grows with its length. The
// library's own functions sort the marks behind a letter by exchanging neighbours: 64 KB of marks
// of two classes took it half a minute.
#pragma once

#include <string>
#include <string_view>

namespace cairn::text {

enum class NormalForm { kComposed, kDecomposed };

/// Appends the form of `text` to `out`; false, and nothing, if it is not UTF-8.
bool append_normal(std::string_view text, NormalForm form, std::string& out);

}  // namespace cairn::text
