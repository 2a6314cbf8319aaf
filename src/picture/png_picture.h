// A picture as PNG, for programs that do not show SVG.
#pragma once

#include <string>

#include "base/result.h"

namespace cairn::picture {

/// Draws the SVG file `from` into the PNG file `to`, by rsvg-convert (Debian: librsvg2-bin).
/// kNotFound, with what to install, where that is not there; kIo if it fails.
Status write_png(const std::string& from, const std::string& to);

}  // namespace cairn::picture
