// AuditBook: what a Verifier has found about each server, kept in one file so that a restart
// forgets nothing. It is the Verifier's own memory: nobody else's word enters it, and a conviction
// that others report is entered only after its exhibit was judged here.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "crypto/keys.h"
#include "trust/score.h"

namespace cairn::trust {

/// Of one server, named by its key.
struct ServerPage {
    std::string address;
    Hash256 model{};
    std::uint32_t first_layer = 0;
    std::uint32_t end_layer = 0;  ///< above first_layer
    AuditCounts counts{};
    std::uint64_t audits = 0;  ///< all that there ever were
    std::string last{};        ///< what the last one found, a sentence
    std::string convicted{};   ///< the sentence that convicts it; empty: none

    std::uint32_t layers() const { return end_layer - first_layer; }
    bool operator==(const ServerPage&) const = default;
};

class AuditBook {
  public:
    static constexpr std::size_t kMaxServers = 4096;
    static constexpr std::size_t kMaxText = 512;  ///< bytes; longer sentences are cut
    static constexpr std::size_t kMaxFileBytes = std::size_t{8} << 20;

    /// Of a server that was audited before or not. A conviction stays. When the book is full the
    /// page goes that was not written for longest, convicted ones last unless they are more than
    /// half: keys that are convicted can be made for nothing, what others have shown cannot.
    void enter(const crypto::PublicKey& server, const ServerPage& what, Finding finding,
               const std::string& sentence, std::uint64_t now_ms, const TrustRules& rules);

    const std::map<crypto::PublicKey, ServerPage>& pages() const { return pages_; }
    /// Null for a server that was never audited.
    const ServerPage* find(const crypto::PublicKey& server) const;
    /// By the page's counts, faded to `now_ms`; max(l) is over the servers of the same model.
    Standing standing(const crypto::PublicKey& server, std::uint64_t now_ms,
                      const TrustRules& rules) const;

    /// "CAIRNAUD", u32 1, the pages ascending by key, SHA-256 of all before.
    Bytes encode() const;
    /// kInvalid for anything that encode() does not write.
    static Result<AuditBook> decode(ByteView bytes);

    /// An empty book if there is no file.
    static Result<AuditBook> read(const std::string& path);
    /// The old file or the new one, whatever happens.
    Status write(const std::string& path) const;
    /// Reads it, changes it and writes it while nobody else does: several programs may keep one
    /// book. Gives what was written.
    static Result<AuditBook> change(const std::string& path,
                                    const std::function<void(AuditBook&)>& change);

  private:
    std::map<crypto::PublicKey, ServerPage> pages_;
};

}  // namespace cairn::trust
