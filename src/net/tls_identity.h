// The TLS settings of a node: version 1.3 only, a self-signed certificate made for this run. The
// certificate proves nothing; the hello (net/hello.h) does, bound to the session by the value
// that channel_value() exports.
#pragma once

#include <memory>

#include "base/bytes.h"

struct ssl_ctx_st;
struct ssl_st;

namespace cairn::net {

class TlsIdentity {
  public:
    /// kUnsupported if the TLS library refuses what we need.
    static Result<TlsIdentity> make();

    /// The settings, for the caller to free (OpenSSL counts references).
    ssl_ctx_st* share() const;

  private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    explicit TlsIdentity(ssl_ctx_st* context) : context_(context) {}
    std::unique_ptr<ssl_ctx_st, Free> context_;
};

/// A value that both ends of one TLS session, and nobody else, can compute (RFC 8446, 7.5).
Hash256 channel_value(ssl_st* session);

}  // namespace cairn::net
