// `cairn model list|info|convert|export|verify`: what a server has, what a model file is, any
// readable model in another format or type, the model of a node's chain as a file, and whether a
// file is sound or two files hold the same model.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"
#include "cli/models/model_target.h"
#include "cli/serve/serve_address.h"

namespace cairn::cli {

struct ModelRequest {
    std::string model;
    std::string tokenizer;    ///< empty means found with the model
    bool tensors = false;     ///< info: list them
    ModelTarget target;       ///< convert
    std::string against;      ///< verify: the other model; may be empty
    std::size_t threads = 0;  ///< verify
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
