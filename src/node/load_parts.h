// What a node reads and computes before it can follow a chain: tokenizer, model, trainer. It can
// take long (a large model, much private text), so run_node has it done on a lane while the loop
// already answers.
#pragma once

#include <memory>

#include "node/assets.h"
#include "node/chain_model_reader.h"
#include "node/local_trainer.h"
#include "node/run_node.h"

namespace cairn::node {

/// Each uses those above it.
struct NodeParts {
    std::unique_ptr<ThreadPool> pool;
    std::shared_ptr<const text::Tokenizer> tokenizer;  ///< null: the network names none
    std::unique_ptr<worth::ChainModel> model;          ///< at theta^0
    std::unique_ptr<ChainModelReader> reader;
    std::unique_ptr<LocalTrainer> trainer;       ///< null: options.train is empty
    std::shared_ptr<const model::Model> served;  ///< null: options.serving names no file
    /// Models of files, by which layer servers are judged; what texts of audits are made of, for
    /// each of them.
    std::vector<serve::ModelSnapshot> judged_by;
    std::map<Hash256, AuditedTexts> audit_texts;
    AuditedTexts chain_audit_text;
};

/// By what the node judges layer servers, and how it audits them.
EvidenceOptions evidence_options(const NodeOptions& options, const NodeParts& parts);
AuditorOptions auditor_options(const NodeOptions& options, const NodeParts& parts);

/// How far the threads that train and mine step back (base/priority.h) behind those that connect
/// blocks and those that answer people, who share the processors with them; these give way to other
/// programs by options.nice, and where that is 0, nobody steps back.
inline int training_behind(const NodeOptions& options) { return options.nice == 0 ? 0 : 9; }

/// `network` and `kernels` must outlive what is returned. All the network's assets are there.
Result<std::unique_ptr<NodeParts>> load_parts(const NodeOptions& options,
                                              const chain::NetworkDefinition& network,
                                              Assets& assets, const tensor::Kernels* kernels,
                                              std::uint64_t seed);

}  // namespace cairn::node
