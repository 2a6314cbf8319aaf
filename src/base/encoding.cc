// CONSENSUS: changing a result here splits the network.
#include "base/encoding.h"

#include <limits>

namespace cairn {

// Not inline: g++ 12 warns of an impossible overflow when it inlines this into callers.
void Writer::raw(ByteView value) { out_.insert(out_.end(), value.begin(), value.end()); }

void Writer::bytes(ByteView value) {
    count(value.size());
    raw(value);
}

void Writer::count(std::size_t value) {
    CHECK(value <= std::numeric_limits<std::uint32_t>::max());
    u32(static_cast<std::uint32_t>(value));
}

std::uint64_t Reader::little_endian(int width) {
    const ByteView view = raw(static_cast<std::size_t>(width));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < view.size(); ++i)
        value |= static_cast<std::uint64_t>(view[i]) << (8 * i);
    return value;
}

ByteView Reader::raw(std::size_t size) {
    if (failed()) return {};
    if (size > remaining()) {
        fail("ends too early: wants " + std::to_string(size) + " bytes, has " +
             std::to_string(remaining()));
        return {};
    }
    const ByteView view = in_.subspan(at_, size);
    at_ += size;
    return view;
}

Bytes Reader::bytes(std::size_t max) {
    const std::size_t size = count(max, 1);
    const ByteView view = raw(size);
    return {view.begin(), view.end()};
}

std::string Reader::text(std::size_t max) {
    const std::size_t size = count(max, 1);
    return std::string(as_text(raw(size)));
}

std::size_t Reader::count(std::size_t max, std::size_t min_element_bytes) {
    const std::size_t value = u32();
    if (failed()) return 0;
    if (value > max) {
        fail("length " + std::to_string(value) + " exceeds the limit of " + std::to_string(max));
        return 0;
    }
    if (min_element_bytes != 0 && value > remaining() / min_element_bytes) {
        fail("ends too early: a list promises more than follows");
        return 0;
    }
    return value;
}

void Reader::fail(std::string reason) {
    if (reason_.empty()) reason_ = reason.empty() ? "bad encoding" : std::move(reason);
}

Status Reader::status() const {
    if (failed()) return invalid(reason_);
    return ok_status();
}

Status Reader::finish() {
    if (!failed() && remaining() != 0)
        fail(std::to_string(remaining()) + " bytes too many at the end");
    return status();
}

}  // namespace cairn
