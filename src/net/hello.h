// What crosses a link before the node sees it: frames, and the hello by which two nodes find out
// who the other is (S2 to S4). Pure functions over bytes, so that they can be tested and fuzzed
// alone.
//
//   dialler                               acceptor
//      | <------- TLS 1.3 handshake -------> |
//      | <------------ hello --------------- |
//      | ------------- hello --------------> |
//      | <------------ welcome ------------- |
//
// The acceptor speaks first, so that the dialler learns whom it has reached and can give up a
// second connection to the same peer (S5). Instead of its next message, either side may send a
// `goodbye` with a reason.
//
// Frame: u32 body length | u16 kind | body.
// Hello: u32 magic | u32 version | genesis[32] | key[32] | u16 listen port | signature[64].
#pragma once

#include <string>

#include "base/bytes.h"
#include "crypto/keys.h"

namespace cairn::net {

inline constexpr std::uint32_t kProtocolMagic = 0x4E524943;  // "CIRN"
/// Version of what the link itself says (S2 to S7). What travels over it has versions of its own:
/// the chain's messages (node/messages.h) and layer serving (serve/receipt.h).
inline constexpr std::uint32_t kLinkVersion = 1;
inline constexpr std::size_t kFrameHeaderBytes = 6;
inline constexpr std::size_t kHelloBytes = 4 + 4 + 32 + 32 + 2 + 64;
inline constexpr std::size_t kMaxGoodbyeBytes = 200;

/// The kinds that the link itself uses; all are at least kFirstReservedKind (net/network.h).
enum class LinkKind : std::uint16_t {
    kHello = 0xFFFF,
    kWelcome = 0xFFFE,
    kGoodbye = 0xFFFD,
    kPing = 0xFFFC,
    kPong = 0xFFFB,
};

struct FrameHeader {
    std::uint32_t body_bytes = 0;
    std::uint16_t kind = 0;
};

/// The header and the body, ready to send.
Bytes encode_frame(std::uint16_t kind, ByteView body);
/// kInvalid if the body would exceed the bound of its kind, or if `header` is not
/// kFrameHeaderBytes long.
Result<FrameHeader> decode_frame_header(ByteView header);

struct Hello {
    std::uint32_t version = kLinkVersion;
    Hash256 genesis{};
    crypto::PublicKey key{};
    std::uint16_t listen_port = 0;  ///< 0: does not listen
    crypto::Signature signature{};
};

Bytes encode_hello(const Hello& hello);
/// kInvalid for wrong size or magic. Any version is read; check_hello judges it.
Result<Hello> decode_hello(ByteView body);

/// Which end of the connection made a hello. It is signed, so that nobody can send a hello back to
/// its maker.
enum class Role : std::uint8_t { kDialler = 0, kAcceptor = 1 };

/// The hash that a hello's signature covers: all its fields, the role, and `channel`, the value
/// exported from the TLS session, which differs on the two sides of a man in the middle.
Hash256 hello_message(const Hello& hello, Role role, const Hash256& channel);

/// Whether we may talk to the peer that sent `hello` in `role`; the error may be told to the peer.
Status check_hello(const Hello& hello, Role role, const Hash256& channel,
                   const Hash256& our_genesis, const crypto::PublicKey& our_key);

/// A goodbye's text as we may show it: bounded, printable ASCII only.
std::string readable_reason(ByteView body);

}  // namespace cairn::net
