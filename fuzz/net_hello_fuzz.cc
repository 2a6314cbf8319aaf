// Feeds arbitrary bytes to everything in net that reads them before a peer is known: frame
// headers, hellos, addresses, gossip, the stored peer book. What decodes must encode to the same.
#include "net/address.h"
#include "net/hello.h"
#include "net/peer_book.h"

#include "fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const ByteView input(data, size);
    const Bytes bytes(input.begin(), input.end());

    const auto hello = net::decode_hello(input);
    check_round_trip(hello, input, net::encode_hello);
    if (hello.ok())
        (void)net::check_hello(*hello, net::Role::kDialler, Hash256{}, hello->genesis, {}).ok();
    if (size >= net::kFrameHeaderBytes) {
        const auto header = net::decode_frame_header(input.first(net::kFrameHeaderBytes));
        if (header.ok() && header->body_bytes <= size - net::kFrameHeaderBytes) {
            const auto body = input.subspan(net::kFrameHeaderBytes, header->body_bytes);
            const Bytes frame = net::encode_frame(header->kind, body);
            CHECK(std::equal(frame.begin(), frame.end(), bytes.begin()));
        }
    }
    check_round_trip(net::decode_addresses(input), input, net::encode_addresses);
    if (const auto address = net::parse_address(std::string(as_text(input))); address.ok())
        CHECK(net::to_string(*address) == as_text(input));
    SeededRandom random(1);
    net::PeerBook book(random);
    if (book.decode(input).ok()) CHECK(book.encode() == bytes);
    CHECK(net::readable_reason(input).size() <= net::kMaxGoodbyeBytes);
    return 0;
}
