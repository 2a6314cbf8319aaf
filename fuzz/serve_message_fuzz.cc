// Feeds arbitrary bytes to every decoder of messages between clients and Servers. What decodes must
// encode to the same bytes; an announcement that nobody signed must never pass.
#include <cstdlib>

#include "serve/announce.h"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

template <typename Decode>
void round_trip(cairn::ByteView body, Decode decode) {
    const auto message = decode(body);
    if (!message.ok()) return;
    const cairn::Bytes again = encode(*message);
    require(std::equal(again.begin(), again.end(), body.begin(), body.end()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn::serve;
    if (size == 0) return 0;
    const cairn::ByteView body(data + 1, size - 1);
    switch (data[0] % 7) {
        case 0:
            round_trip(body, decode_open_session);
            break;
        case 1:
            round_trip(body, decode_session_problem);
            break;
        case 2:
            if (const auto push = decode_push(body); push.ok()) {
                const std::size_t dim = push->states.size() / push->tokens;
                require(dim * push->tokens == push->states.size());
                (void)check_finite(push->states, dim).ok();
            }
            round_trip(body, decode_push);
            round_trip(body, decode_result);
            break;
        case 3:
            round_trip(body, decode_progress);
            break;
        case 4:
            round_trip(body, decode_announce);
            if (const auto record = decode_announce(body); record.ok())
                (void)check_announce(*record, record->issued_ms).ok();
            break;
        case 5:
            round_trip(body, decode_voucher_given);
            break;
        default:
            (void)decode_session_id(body).ok();
            (void)decode_ask_announce(body).ok();
    }
    return 0;
}
