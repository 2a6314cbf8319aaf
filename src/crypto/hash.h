// Hashes: SHA-256 for ids, roots and proof of work, tagged so that a hash made for one purpose is
// never valid for another (BIP340's construction), and SHAKE128 where a long output is needed.
// OpenSSL does the work; its algorithms are fetched once per process.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace cairn::crypto {

Hash256 sha256(ByteView bytes);
/// SHA-256 of SHA-256: what proof of work measures.
Hash256 sha256d(ByteView bytes);

/// SHA-256 in pieces. A copy carries the state so far, so a common prefix is hashed once.
class Sha256 {
  public:
    Sha256();
    Sha256(const Sha256& other);
    Sha256& operator=(const Sha256& other);
    Sha256(Sha256&&) noexcept = default;
    Sha256& operator=(Sha256&&) noexcept = default;
    ~Sha256() = default;

    Sha256& update(ByteView bytes);
    /// The hash of everything since construction or the last finish(); then starts anew.
    Hash256 finish();

  private:
    friend class TaggedHasher;
    struct Free {
        void operator()(void* context) const;
    };
    std::unique_ptr<void, Free> context_;
};

/// SHA-256(SHA-256(tag) || SHA-256(tag) || bytes), BIP340's tagged hash.
Hash256 tagged_hash(std::string_view tag, ByteView bytes);

/// A tag whose prefix is hashed once: worth it where one tag is used many times.
class TaggedHasher {
  public:
    explicit TaggedHasher(std::string_view tag);
    Hash256 operator()(ByteView bytes) const;
    Hash256 operator()(ByteView first, ByteView second) const;

  private:
    Sha256 prefix_;
};

/// SHAKE128 (FIPS 202), squeezed into all of `out`.
void shake128(ByteView in, std::span<std::uint8_t> out);

}  // namespace cairn::crypto
