// `cairn generate`: a model writes text, its layers on this machine or, with --server, on servers.
// The digest covers the bits of the logits of every sampled token, so two machines, or one machine
// and a network, can be compared by one line.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/write/draft.h"
#include "cli/write/layer_servers.h"
#include "cli/write/sampling_options.h"
#include "infer/continuation.h"

namespace cairn::cli {

struct GenerateRequest {
    std::string model;
    std::string tokenizer;  ///< empty: found with the model
    std::string prompt;
    std::string prompts;        ///< file with one prompt per line; "-": standard input; empty: none
    std::size_t together = 16;  ///< with prompts: texts written at once
    std::size_t steps = 256;    ///< tokens to write, at most
    SamplingOptions sampling;
    bool logprobs = false;         ///< JSON: of every written token
    std::size_t top_logprobs = 0;  ///< JSON: the most probable tokens with it
    std::size_t threads = 0;       ///< 0: one per processor
    DraftOptions draft{};          ///< who guesses ahead
    LayerServerOptions over{};     ///< where the layers are computed
    /// Of a running node, whose chain's model writes: its folder, or its address "host:port".
    std::string dir;
    std::string node;
    std::string token_file;  ///< what the node at `node` wants; empty: nothing
    bool json = false;

    bool by_node() const { return !dir.empty() || !node.empty(); }
};

/// How the model is to go on, without its prompt.
infer::GenerateOptions generate_options(const GenerateRequest& request);

/// Writes the text as it comes, or one JSON object: prompt, what WrittenText reports, kernels,
/// threads, tokens_per_second (all of it), first_token_seconds and decode_tokens_per_second; with a
/// draft drafted and accepted; over servers also hops [{begin, end, server, key}], failovers,
/// stall_seconds (the longest step in which a server was replaced) and audits (own_audits.h), after
/// which `exit_code` is 1 if somebody lied. With prompts: generate_many.h; by a node:
/// generate_served.h.
Status run_generate(const GenerateRequest& request, std::ostream& out, int& exit_code);

}  // namespace cairn::cli
