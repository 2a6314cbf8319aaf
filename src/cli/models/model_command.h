// `cairn model list|info|convert|export|verify`: what a server has, what a model file is, any
// readable model in another format or type, the model of a node's chain as a file, and whether a
// file is sound or two files hold the same model.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/models/model_target.h"
#include "cli/serve/serve_address.h"

namespace cairn::cli {

struct ModelRequest {
    std::string model;
    std::string tokenizer;      ///< empty means found with the model
    bool tensors = false;       ///< info: list them
    ModelTarget target;         ///< convert
    bool multiply_out = false;  ///< convert: factors of low rank become whole matrices
    std::string against;        ///< verify: the other model; may be empty
    std::size_t threads = 0;    ///< verify
    bool json = false;
};

/// One of rank, energy, ratio and bytes.
struct CompressRequest {
    std::string model;
    std::string tokenizer;
    ModelTarget target;
    std::optional<std::size_t> rank;
    std::optional<double> energy;
    std::optional<double> ratio;
    std::string bytes;  ///< "40MB", of all weights
    bool per_head = false;
    std::string calibrate;  ///< a text: activation-aware
    std::size_t calibrate_tokens = 8192;
    std::string text;  ///< its perplexity is measured before and after
    std::uint32_t context = 0;
    bool speed = false;  ///< measure how fast both write
    std::size_t threads = 0;
    std::uint64_t seed = 1;
    bool json = false;
};

struct ExportRequest {
    std::string directory;  ///< of a node, which may be running
    std::string at;         ///< a height, "best", or empty: the model that the node serves
    ModelTarget target;
    std::size_t threads = 0;  ///< for replaying; 0: one per processor
    bool json = false;
};

/// JSON: format, config, parameters, bytes, types {name: {tensors, bytes}}, content_hash (what
/// Servers call it), tokenizer, chat_template, tensors.
Status run_model_info(const ModelRequest& request, std::ostream& out);
/// Writes the model with matrices of its layers as factors of low rank (lowrank/compress.h). JSON:
/// out, bytes, parameters_before and _after, ratio (of the layers' matrices), p_total (papers B: Eq
/// 13), calibrated_tokens, matrices [{name, rows, cols, parts, rank, ratio, energy, energies,
/// seen_energy, worth_it}], text {tokens, loss_before, loss_after, perplexity_before,
/// perplexity_after}, speed {tokens_per_s_before, tokens_per_s_after, measured, formula,
/// bytes_before, bytes_after}; what was not asked for is null.
Status run_model_compress(const CompressRequest& request, std::ostream& out);
/// JSON: out, from, to, type, bytes, fallbacks [{name, cols, type}], tokenizer.
Status run_model_convert(const ModelRequest& request, std::ostream& out);
/// Which server is asked: serve_address.h.
struct ListRequest {
    std::string api = kServeAddress;
    std::string dir;
    std::string node;
    std::string token_file;
    bool json = false;
};

/// A line for each model of a server. JSON: address, models (as /v1/models has them).
Status run_model_list(const ListRequest& request, std::ostream& out);
/// JSON: out, to, type, bytes, fallbacks [{name, cols, type}], tokenizer, network, height (of the
/// merge block), block, state_root, report_loss (null: not known), replayed (blocks).
Status run_model_export(const ExportRequest& request, std::ostream& out);
/// Loading checks structure, bounds, checksums and that everything is finite; then the tokenizer,
/// then `against`. kInvalid if something is not sound; a difference to `against` is a result, not
/// an error. JSON: model, parameters, content_hash, tokenizer, against {same, tensors, logits}.
Status run_model_verify(const ModelRequest& request, std::ostream& out);

}  // namespace cairn::cli
