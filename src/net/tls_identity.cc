#include "net/tls_identity.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string_view>

namespace cairn::net {
namespace {

template <auto kFree>
struct OpenSslFree {
    template <typename T>
    void operator()(T* object) const {
        kFree(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, OpenSslFree<X509_free>>;

constexpr long kHourSeconds = 3600;
constexpr long kYearSeconds = 365 * 24 * kHourSeconds;

/// The least that TLS asks of a certificate; nobody checks its name or dates.
Certificate self_signed(EVP_PKEY* key) {
    Certificate certificate(X509_new());
    if (!certificate) return nullptr;
    X509* const x = certificate.get();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -kHourSeconds);
    X509_gmtime_adj(X509_getm_notAfter(x), 10 * kYearSeconds);
    X509_set_pubkey(x, key);
    X509_NAME* const name = X509_get_subject_name(x);
    const auto* const common_name = reinterpret_cast<const unsigned char*>("cairn");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
    X509_set_issuer_name(x, name);
    if (X509_sign(x, key, EVP_sha256()) == 0) return nullptr;
    return certificate;
}

}  // namespace

void TlsIdentity::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<TlsIdentity> TlsIdentity::make() {
    const Error error{ErrorCode::kUnsupported, "OpenSSL refuses to set up TLS 1.3"};
    TlsIdentity identity(SSL_CTX_new(TLS_method()));
    SSL_CTX* const context = identity.context_.get();
    if (context == nullptr) return error;
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return error;
    const Certificate certificate = self_signed(key.get());
    if (!certificate) return error;
    if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        return error;
    // No resumption: every session makes fresh keys, and nothing is stored about old ones.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return identity;
}

ssl_ctx_st* TlsIdentity::share() const {
    CHECK(SSL_CTX_up_ref(context_.get()) == 1);
    return context_.get();
}

Hash256 channel_value(ssl_st* session) {
    constexpr std::string_view kLabel = "EXPORTER-cairn-hello";
    Hash256 value;
    CHECK(SSL_export_keying_material(session, value.data(), value.size(), kLabel.data(),
                                     kLabel.size(), nullptr, 0, 0) == 1);
    return value;
}

}  // namespace cairn::net
