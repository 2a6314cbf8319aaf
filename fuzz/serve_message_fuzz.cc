// Feeds arbitrary bytes to every decoder of messages between clients and Servers. What decodes must
// encode to the same bytes; an announcement that nobody signed must never pass.
#include "serve/announce.h"

#include "fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    using namespace cairn::serve;
    if (size == 0) return 0;
    const ByteView body(data + 1, size - 1);
    switch (data[0] % 7) {
        case 0:
            check_round_trip(decode_open_session(body), body);
            break;
        case 1:
            check_round_trip(decode_session_problem(body), body);
            break;
        case 2:
            if (const auto push = decode_push(body); push.ok()) {
                const std::size_t dim = push->states.size() / push->tokens;
                CHECK(dim * push->tokens == push->states.size());
                (void)check_finite(push->states, dim).ok();
            }
            check_round_trip(decode_push(body), body);
            check_round_trip(decode_result(body), body);
            break;
        case 3:
            check_round_trip(decode_progress(body), body);
            break;
        case 4:
            check_round_trip(decode_announce(body), body);
            if (const auto record = decode_announce(body); record.ok())
                (void)check_announce(*record, record->issued_ms).ok();
            break;
        case 5:
            check_round_trip(decode_voucher_given(body), body);
            break;
        default:
            (void)decode_session_id(body).ok();
            (void)decode_ask_announce(body).ok();
    }
    return 0;
}
