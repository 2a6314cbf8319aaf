#include "proof/timestamp.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "base/files.h"
#include "crypto/hash.h"

namespace cairn::proof {

crypto::PublicKey timestamp_payee(const Hash256& file_hash) {
    static const crypto::TaggedHasher hasher("cairn/timestamp");
    // Every second number is the x coordinate of a point; wallets pay no other.
    for (std::uint8_t tries = 0;; ++tries) {
        const crypto::PublicKey key = hasher(file_hash.view(), ByteView(&tries, 1));
        if (crypto::is_valid(key) || tries == 255) return key;
    }
}

Result<Hash256> hash_of_file(const std::string& path) {
    ASSIGN_OR_RETURN(const FileKind kind, file_kind(path));
    if (kind == FileKind::kNone) return not_found("there is no file " + path);
    if (kind != FileKind::kFile) return misused(path + " is no file");
    std::ifstream file(path, std::ios::binary);
    crypto::Sha256 hash;
    std::array<char, 65536> part;
    do {
        file.read(part.data(), part.size());
        hash.update({reinterpret_cast<const std::uint8_t*>(part.data()),
                     static_cast<std::size_t>(file.gcount())});
    } while (file.good());
    if (!file.eof()) return io_error(path + " cannot be read");
    return hash.finish();
}

bool is_timestamp_of(const Inclusion& inclusion, const Hash256& file_hash) {
    const auto* payment = std::get_if<chain::Payment>(&inclusion.item);
    if (payment == nullptr) return false;
    return std::ranges::any_of(payment->outputs, [&](const chain::Output& output) {
        return output.kind == chain::OutputKind::kChannel &&
               output.payee == timestamp_payee(file_hash);
    });
}

}  // namespace cairn::proof
