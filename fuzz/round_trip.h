// What every decoder of a format with one spelling must do, for the fuzz targets.
#pragma once

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/result.h"

namespace cairn {

/// CHECKs that what `body` decoded to, if it did, encodes to the same bytes.
template <typename Message, typename Encode>
void check_round_trip(const Result<Message>& decoded, ByteView body, const Encode& encode_again) {
    if (decoded.ok()) CHECK(std::ranges::equal(encode_again(*decoded), body));
}
template <typename Message>
void check_round_trip(const Result<Message>& decoded, ByteView body) {
    check_round_trip(decoded, body, [](const Message& message) { return encode(message); });
}

}  // namespace cairn
