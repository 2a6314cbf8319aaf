// Feeds arbitrary bytes to everything in net that reads them before a peer is known: frame
// headers, hellos, addresses, gossip, the stored peer book. What decodes must encode to the same.
#include <cstdlib>

#include "net/address.h"
#include "net/hello.h"
#include "net/peer_book.h"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    const ByteView input(data, size);
    const Bytes bytes(input.begin(), input.end());

    if (const auto hello = net::decode_hello(input); hello.ok()) {
        require(net::encode_hello(*hello) == bytes);
        (void)net::check_hello(*hello, net::Role::kDialler, Hash256{}, hello->genesis, {}).ok();
    }
    if (size >= net::kFrameHeaderBytes) {
        const auto header = net::decode_frame_header(input.first(net::kFrameHeaderBytes));
        if (header.ok() && header->body_bytes <= size - net::kFrameHeaderBytes) {
            const auto body = input.subspan(net::kFrameHeaderBytes, header->body_bytes);
            const Bytes frame = net::encode_frame(header->kind, body);
            require(std::equal(frame.begin(), frame.end(), bytes.begin()));
        }
    }
    if (const auto addresses = net::decode_addresses(input); addresses.ok())
        require(net::encode_addresses(*addresses) == bytes);
    if (const auto address = net::parse_address(std::string(as_text(input))); address.ok())
        require(net::to_string(*address) == as_text(input));
    SeededRandom random(1);
    net::PeerBook book(random);
    if (book.decode(input).ok()) require(book.encode() == bytes);
    require(net::readable_reason(input).size() <= net::kMaxGoodbyeBytes);
    return 0;
}
