// Feeds arbitrary bytes to the decoders of an auditor's files: exhibits and books of audits. What
// decodes must encode to the same bytes.
#include "serve/exhibit_file.h"
#include "trust/audit_book.h"

#include "fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    if (size == 0) return 0;
    const ByteView body(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        check_round_trip(serve::decode_exhibit(body), body);
    } else {
        check_round_trip(trust::AuditBook::decode(body), body,
                         [](const trust::AuditBook& book) { return book.encode(); });
    }
    return 0;
}
