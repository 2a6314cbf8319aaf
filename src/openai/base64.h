// Base64 (RFC 4648, 4), in which clients ask for vectors.
#pragma once

#include <string>

#include "base/bytes.h"

namespace cairn::openai {

std::string to_base64(ByteView bytes);

}  // namespace cairn::openai
