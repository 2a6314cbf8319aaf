// Feeds arbitrary bytes to the decoders of an auditor's files: exhibits and books of audits. What
// decodes must encode to the same bytes.
#include <algorithm>
#include <cstdlib>

#include "serve/exhibit_file.h"
#include "trust/audit_book.h"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const cairn::ByteView body(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        if (const auto exhibit = cairn::serve::decode_exhibit(body); exhibit.ok())
            require(std::ranges::equal(cairn::serve::encode(*exhibit), body));
    } else {
        if (const auto book = cairn::trust::AuditBook::decode(body); book.ok())
            require(std::ranges::equal(book->encode(), body));
    }
    return 0;
}
