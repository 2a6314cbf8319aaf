#include "node/presync.h"

#include "base/encoding.h"
#include "crypto/hash.h"

namespace cairn::node {

bool Presync::bit_of(const Hash256& hash) const {
    Writer writer;
    writer.u64(salt_);
    writer.fixed(hash);
    return (crypto::sha256(std::move(writer).take()).bytes[0] & 1) != 0;
}

Verdict Presync::count(const chain::NetworkDefinition& network, const chain::Versions& newest,
                       std::span<const chain::BlockHeader> headers, std::uint64_t now_ms,
                       consensus::Work work) {
    CHECK(!second_);
    for (const chain::BlockHeader& header : headers) {
        if (bits_.size() >= kMaxHeaders)
            return Verdict::invalid("a branch of more headers than are ever counted");
        RETURN_UNLESS_VALID(walk_.step(network, newest, header, now_ms, work));
        bits_.push_back(bit_of(walk_.hash()));
    }
    return Verdict::valid();
}

void Presync::read_again() {
    second_ = true;
    walk_ = HeaderWalk(from_);
}

bool Presync::matches(const chain::NetworkDefinition& network, const chain::Versions& newest,
                      std::span<const chain::BlockHeader> headers, std::uint64_t now_ms) {
    CHECK(second_);
    for (const chain::BlockHeader& header : headers) {
        if (is_complete()) return true;  // what came on top meanwhile is a matter of its own
        if (!walk_.step(network, newest, header, now_ms, consensus::Work::kKnown).is_valid())
            return false;
        if (bit_of(walk_.hash()) != bits_[seen_]) return false;
        ++seen_;
    }
    return true;
}

}  // namespace cairn::node
