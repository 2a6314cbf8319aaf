#include "argument/transcript.h"

#include "base/check.h"
#include "base/encoding.h"
#include "crypto/hash.h"

namespace cairn::argument {

namespace {

std::uint64_t word(const Hash256& hash, std::size_t k) {
    return Reader(hash.view().subspan(8 * k, 8)).u64();
}

}  // namespace

Transcript::Transcript(const Hash256& statement)
    : state_(crypto::tagged_hash("cairn/argument/begin", statement.view())) {}

void Transcript::absorb(std::string_view name, ByteView message) {
    static const crypto::TaggedHasher hasher("cairn/argument/message");
    Writer head;
    head.fixed(state_);
    head.text(name);
    head.u64(message.size());
    state_ = hasher(head.out(), message);
}

void Transcript::absorb(std::string_view name, std::span<const Fp2> message) {
    Bytes bytes(16 * message.size());
    for (std::size_t i = 0; i < message.size(); ++i) {
        const std::uint64_t a = message[i].a.value(), b = message[i].b.value();
        for (unsigned k = 0; k < 8; ++k) {
            bytes[16 * i + k] = static_cast<std::uint8_t>(a >> (8 * k));
            bytes[16 * i + 8 + k] = static_cast<std::uint8_t>(b >> (8 * k));
        }
    }
    absorb(name, bytes);
}

Hash256 Transcript::draw() {
    static const crypto::TaggedHasher next("cairn/argument/next"), out("cairn/argument/challenge");
    const Hash256 drawn = out(state_.view());
    state_ = next(state_.view());
    return drawn;
}

Fp2 Transcript::challenge() {
    for (;;) {
        // 61 bits each; about one in 2^26 is not below p, and then both are drawn again.
        const Hash256 drawn = draw();
        const std::uint64_t a = word(drawn, 0) >> 3, b = word(drawn, 1) >> 3;
        if (a < kPrime && b < kPrime) return {Fp(a), Fp(b)};
    }
}

std::vector<Fp2> Transcript::challenges(std::size_t count) {
    std::vector<Fp2> result(count);
    for (Fp2& each : result) each = challenge();
    return result;
}

std::vector<std::size_t> Transcript::places(std::size_t count, std::size_t bound) {
    CHECK(bound > 0 && (bound & (bound - 1)) == 0 && bound <= std::size_t{1} << 32);
    std::vector<std::size_t> result(count);
    for (std::size_t& each : result) each = word(draw(), 0) & (bound - 1);
    return result;
}

}  // namespace cairn::argument
