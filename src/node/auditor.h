// Auditor: a node that audits the layer servers which it knows (S49), round after round. An audit
// is a session like anybody's (serve/verifier.h), with a key and a link of its own, which
// shows a server what a client's does (S61); what it finds goes to the node's desk
// (serve/evidence_desk.h): into the book that routes are chosen by, and a proof to all peers.
//
// Audited are servers of the models that the desk has: the chain's newest versions, and files.
// Prompts come from a text of the owner's, or are written by the model itself.
//
// Rounds run on a thread of their own, which steps back behind all others; the loop decides whom
// to audit and takes the results.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "node/node.h"
#include "serve/route_audit.h"
#include "serve/verifier.h"

namespace cairn::node {

/// What the texts of a model's audits are made of.
struct AuditedTexts {
    std::vector<std::uint32_t> text{};          ///< of the owner; empty: the model writes prompts
    std::optional<serve::TextBounds> bounds{};  ///< if its tokenizer is here
};

struct AuditorOptions {
    /// From the end of a round to the next, between half and one and a half of it by chance.
    std::uint64_t interval_ms = 30'000;
    std::map<Hash256, AuditedTexts> texts{};  ///< of models of files
    AuditedTexts chain_text{};                ///< of all versions of the chain's model
    /// What audits may cost in all, smallest units; 0: servers with a price are not audited.
    std::uint64_t spend = 0;
    std::uint64_t max_price = ~std::uint64_t{0};  ///< of 1,000 rows through one layer
    /// The directory of the payment channels, and their secrets; called on the auditor's thread.
    std::string wallet_directory{};
    serve::Purse::SecretOf secret_of{};
};

class Auditor {
  public:
    /// The first round is soon. All must outlive it, the loop excepted.
    Auditor(Loop& loop, Node& node, AuditorOptions options);
    /// Ends the audit under way.
    ~Auditor();

    /// Before the loop ends: ends the audit under way, and begins no other.
    void stop();
    VerifyingView view() const { return view_; }

  private:
    using Offers = std::vector<serve::Announce>;
    struct Job {
        std::shared_ptr<const serve::ModelSnapshot> model;
        serve::Announce offer;
        AuditedTexts texts;
        std::shared_ptr<const Offers> free{};  ///< all of this model that cost nothing
    };
    struct Done {
        Job job;
        Result<serve::AuditReport> report;
    };

    void round();
    void round_later();
    /// Whether what may be spent still pays for a whole audit of it.
    bool may_pay(const serve::Announce& offer, const serve::ModelSnapshot& model) const;
    /// Whom to audit now, by chance and standing.
    std::vector<Job> draw();
    std::vector<Job> in_turns(std::vector<Job> jobs);
    /// Whom an audit may use or be of, and by which model; null: nobody.
    std::shared_ptr<const serve::ModelSnapshot> model_of(const crypto::PublicKey& key,
                                                         const serve::Announce& offer) const;
    void run(std::vector<Job> jobs, const serve::PurseOptions& paying);
    /// The server among the others of a route, and those too. False: it was not come to.
    bool audit_in_route(const Job& job, const tensor::Compute& compute, Random& random);
    void tell(Job job, Result<serve::AuditReport> report);
    void on_report(const Done& done);
    bool has_moved_on(const serve::Announce& offer) const;
    void on_round(std::uint64_t spent);

    Loop& loop_;
    Node& node_;
    AuditorOptions options_;
    SystemRandom random_;
    VerifyingView view_;
    // On the thread alone, of a round: texts that nobody saw, by model, and whom it has audited.
    std::map<Hash256, serve::AuditText> spare_;
    std::set<crypto::PublicKey> audited_, convicted_;
    std::thread thread_;
    std::atomic<bool> stopping_ = false;
    Alive alive_;
};

}  // namespace cairn::node
