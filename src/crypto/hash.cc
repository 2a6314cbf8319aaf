// CONSENSUS: changing a result here splits the network.
#include "crypto/hash.h"

#include <openssl/evp.h>

namespace cairn::crypto {
namespace {

EVP_MD* fetch(const char* name) {
    EVP_MD* md = EVP_MD_fetch(nullptr, name, nullptr);
    CHECK(md != nullptr);
    return md;
}

// Fetched once and never freed: a look-up per hash would cost more than the hash.
const EVP_MD* sha256_md() {
    static const EVP_MD* const md = fetch("SHA256");
    return md;
}
const EVP_MD* shake128_md() {
    static const EVP_MD* const md = fetch("SHAKE128");
    return md;
}

struct ContextFree {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextFree>;

Context new_context() {
    Context context(EVP_MD_CTX_new());
    CHECK(context != nullptr);
    return context;
}

EVP_MD_CTX* scratch() {
    thread_local const Context context = new_context();
    return context.get();
}

EVP_MD_CTX* shake_scratch() {
    thread_local const Context context = new_context();
    return context.get();
}

void begin(EVP_MD_CTX* context) { CHECK(EVP_DigestInit_ex2(context, sha256_md(), nullptr) == 1); }
void feed(EVP_MD_CTX* context, ByteView bytes) {
    CHECK(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}
Hash256 end(EVP_MD_CTX* context) {
    Hash256 result;
    CHECK(EVP_DigestFinal_ex(context, result.data(), nullptr) == 1);
    return result;
}

EVP_MD_CTX* raw(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Hash256 sha256(ByteView bytes) {
    EVP_MD_CTX* const context = scratch();
    begin(context);
    feed(context, bytes);
    return end(context);
}

Hash256 sha256d(ByteView bytes) { return sha256(sha256(bytes).view()); }

void Sha256::Free::operator()(void* context) const { EVP_MD_CTX_free(raw(context)); }

Sha256::Sha256() : context_(new_context().release()) { begin(raw(context_.get())); }

Sha256::Sha256(const Sha256& other) : context_(new_context().release()) { *this = other; }

Sha256& Sha256::operator=(const Sha256& other) {
    if (this == &other) return *this;
    if (!context_) context_.reset(new_context().release());
    CHECK(EVP_MD_CTX_copy_ex(raw(context_.get()), raw(other.context_.get())) == 1);
    return *this;
}

Sha256& Sha256::update(ByteView bytes) {
    feed(raw(context_.get()), bytes);
    return *this;
}

Hash256 Sha256::finish() {
    const Hash256 result = end(raw(context_.get()));
    begin(raw(context_.get()));
    return result;
}

TaggedHasher::TaggedHasher(std::string_view tag) {
    const Hash256 tag_hash = sha256(as_bytes(tag));
    prefix_.update(tag_hash.view()).update(tag_hash.view());
}

Hash256 TaggedHasher::operator()(ByteView bytes) const { return (*this)(bytes, {}); }

Hash256 TaggedHasher::operator()(ByteView first, ByteView second) const {
    EVP_MD_CTX* const context = scratch();
    CHECK(EVP_MD_CTX_copy_ex(context, raw(prefix_.context_.get())) == 1);
    feed(context, first);
    feed(context, second);
    return end(context);
}

Hash256 tagged_hash(std::string_view tag, ByteView bytes) {
    const Hash256 tag_hash = sha256(as_bytes(tag));
    EVP_MD_CTX* const context = scratch();
    begin(context);
    feed(context, tag_hash.view());
    feed(context, tag_hash.view());
    feed(context, bytes);
    return end(context);
}

void shake128(ByteView in, std::span<std::uint8_t> out) {
    EVP_MD_CTX* const context = shake_scratch();
    CHECK(EVP_DigestInit_ex2(context, shake128_md(), nullptr) == 1);
    feed(context, in);
    CHECK(EVP_DigestFinalXOF(context, out.data(), out.size()) == 1);
}

}  // namespace cairn::crypto
