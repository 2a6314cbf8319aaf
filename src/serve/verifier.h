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
#include "serve/audit_text.h"
#include "serve/kept_session.h"
#include "tensor/compute.h"
#include "trust/audit_book.h"

namespace cairn::serve {

struct VerifierOptions {
    std::vector<std::string> servers;  ///< "host:port", or KEY@host:port
    ClientOptions client{};
    Hash256 genesis{};  ///< of the servers' network; all zeros: pure layer servers
    AuditTextLimits texts{};
    std::optional<TextBounds> bounds{};  ///< of the model's texts, if they are known
    trust::TrustRules rules{};
    std::uint64_t max_ms = 600'000;  ///< a server that has not answered all then did not answer
    std::uint64_t most_pause_ms = 30'000;  ///< all pauses of one audit together
    Purse* purse = nullptr;  ///< pays servers that have a price; null: they are not audited
    /// Asked now and then while servers are waited for; true ends an audit. May be empty.
    std::function<bool()> cancelled{};
    /// The cache type of all sessions; none: one that is drawn.
    std::optional<tensor::KvType> kv{};
    bool keep_sessions = false;  ///< in the reports
    /// A text of this model that no server has seen any of: what is there is used first, and what
    /// was not used comes back, since to write one takes long, and to refuse a session nothing.
    AuditText* spare = nullptr;
};

/// What a session asks for besides layers, drawn from what clients ask for: mostly the usual types.
struct SessionKind {
    std::uint32_t positions = 0;
    tensor::KvType kv = tensor::KvType::kF32;
    tensor::StateType wire = tensor::StateType::kF32;
};
SessionKind draw_session_kind(const model::ModelConfig& config, std::size_t rows, Random& random);

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
    /// Hidden states that enter `layer`, of tokens from position 0 on, in a session as asked for.
    /// `source` is rounded as that wants.
    std::vector<float> trusted_states(const AuditText& text, const OpenRequest& request) const;
    struct Played {
        KeptSession kept;
        /// What the server said of itself on that link, if it answered, where that is not what it
        /// was played for: nothing was opened then.
        std::optional<Announce> other;
    };
    /// The session that is asked for. kCancelled.
    Result<Played> play(OpenRequest request, const AuditText& text, std::span<const float> states,
                        double prompt_row_us);
    /// What the server says on a link of its own, as whoever pays asks before he opens.
    Result<Discovery> look(const std::vector<std::string>& addresses, const Hash256& model);
    Result<AuditText> draw_text(std::span<const std::uint32_t> text);
    /// A session of this text at this server as it was announced.
    Result<Played> play(const Announce& offer, AuditText text);
    /// A session for so many rows behind those of a source, of a kind that is drawn.
    OpenRequest draw_request(const Announce& offer, std::size_t rows, std::size_t source_rows);
    /// What else a text goes through, drawn around what it takes here and to this server.
    RestOfRoute draw_rest(const Hop& hop, const AuditText& text, double prompt_row_us,
                          std::uint64_t trip_us);

    const ModelSnapshot& model_;
    const tensor::Compute& compute_;
    Random& random_;
    const Clock& clock_;
    VerifierOptions options_;
};

}  // namespace cairn::serve
