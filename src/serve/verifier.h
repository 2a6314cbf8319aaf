// Verifier: audits layer servers as an anonymous client would use them (papers B: 3.1, the
// Verifier's method). It holds the whole model: a text is run through its own layers up to those of
// the server, the server continues, and what it gives is computed again. Each session has a fresh
// key and a link of its own, and texts and cuts are drawn by chance, so that a server cannot tell
// it from others.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/transformer.h"
#include "serve/kept_session.h"
#include "tensor/compute.h"
#include "trust/audit_book.h"

namespace cairn::serve {

struct VerifierOptions {
    std::vector<std::string> servers;  ///< "host:port", or KEY@host:port
    ClientOptions client{};
    Hash256 genesis{};              ///< of the servers' network; all zeros: pure layer servers
    std::uint32_t max_prompt = 64;  ///< rows before the steps are drawn up to here
    std::uint32_t max_steps = 16;   ///< and so many steps of one row
    trust::TrustRules rules{};
    std::uint64_t max_ms = 600'000;  ///< a server that has not answered all then did not answer
    Purse* purse = nullptr;          ///< pays servers that have a price; null: they are not audited
    /// Asked now and then while servers are waited for; true ends an audit. May be empty.
    std::function<bool()> cancelled{};
    /// The cache type of all sessions; none: one that is drawn.
    std::optional<tensor::KvType> kv{};
    bool keep_sessions = false;  ///< in the reports
};

/// What one audit came to.
struct AuditReport {
    crypto::PublicKey server;
    std::string address;
    model::LayerRange layers;
    Examined examined;
    std::uint64_t rows = 0;       ///< that were compared
    std::uint64_t bytes = 0;      ///< that were kept for it
    std::uint64_t replay_us = 0;  ///< that computing them again took
    /// With keep_sessions, if anything was answered: the session up to its last receipt.
    std::optional<Exhibit> session{};
};

/// What a book keeps of a server that offers this, or has these layers there.
trust::ServerPage page_of(const Announce& offer);
trust::ServerPage page_of(const std::string& address, const Hash256& model,
                          model::LayerRange layers);

class Verifier {
  public:
    /// `model` is whole, with the content hash that names it and, of a decoder with cross
    /// attention, its encoder; packed layers are faster. All references must outlive it.
    Verifier(const ModelSnapshot& model, const tensor::Compute& compute, Random& random,
             const Clock& clock, VerifierOptions options);

    /// One round: asks all servers what they hold, draws by their standing in `book` which to audit
    /// now (trust::audit_chance), audits those one after another with windows of `text`, and enters
    /// what came of it. `told` hears of each audit; false from it ends the round. Returns how many
    /// servers answered with layers of this model; kNotFound if none did.
    Result<std::size_t> round(std::span<const std::uint32_t> text, trust::AuditBook& book,
                              const std::function<bool(const AuditReport&)>& told);

    /// Audits one server, whatever its standing, with a window of `text`; of an empty text with one
    /// that the model writes for the purpose, which no server can know. kCancelled; kUnsupported
    /// for a decoder with cross attention whose encoder is not here.
    Result<AuditReport> audit(const Announce& offer, std::span<const std::uint32_t> text);

  private:
    /// An encoder's states of a text of its own for a decoder with cross attention, [n, dim]; else
    /// nothing.
    Result<std::vector<float>> draw_source(std::span<const std::uint32_t> text);
    Result<std::vector<float>> encoded(std::span<const std::uint32_t> tokens);
    /// What layers see of the source; nothing of none.
    static std::optional<model::KvCache> seen(model::Transformer& layers,
                                              std::span<const float> source);
    /// Hidden states that enter `layer`, of tokens from position 0 on.
    std::vector<float> trusted_states(std::span<const std::uint32_t> tokens, std::uint32_t layer,
                                      std::span<const float> source);
    /// The session that is asked for, with these pushes. kCancelled.
    Result<KeptSession> play(OpenRequest request, const SessionPushes& pushes);
    /// A session for so many rows behind those of a source, of a kind that is drawn.
    OpenRequest draw_request(const Announce& offer, std::size_t rows, std::size_t source_rows);
    /// How many of the last of so many rows are pushed one by one.
    std::size_t draw_steps(std::size_t rows);
    /// A window of the text, or where that is empty what the model writes after a token that is
    /// drawn by chance; 2 tokens at least.
    Result<std::vector<std::uint32_t>> prompt(std::span<const std::uint32_t> text,
                                              std::span<const float> source);
    /// So many rows, `first` and what the model writes after it.
    Result<std::vector<std::uint32_t>> written(std::span<const std::uint32_t> first,
                                               std::size_t rows, std::span<const float> source);
    struct AuditText {
        std::vector<std::uint32_t> tokens;
        std::size_t steps = 0;  ///< the last of them, which are pushed one by one
    };
    /// The text of a session as a client would have written it.
    Result<AuditText> draw_text(std::span<const std::uint32_t> text, std::span<const float> source);

    const ModelSnapshot& model_;
    const tensor::Compute& compute_;
    Random& random_;
    const Clock& clock_;
    VerifierOptions options_;
};

}  // namespace cairn::serve
