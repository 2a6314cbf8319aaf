// `cairn model info|convert|verify`: what a model file is, any readable model in another format or
// type, and whether a file is sound or two files hold the same model.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"

namespace cairn::cli {

struct ModelRequest {
    std::string model;
    std::string tokenizer;    ///< empty means found with the model
    bool tensors = false;     ///< info: list them
    std::string out;          ///< convert
    std::string format;       ///< convert: cairn, gguf, hf; empty: by the name of `out`
    std::string type;         ///< convert: of matrices; empty: as they are
    std::string shard_size;   ///< convert to hf: "2GB", "500MB"; empty: one file
    bool force = false;       ///< convert: replace what is there
    std::string against;      ///< verify: the other model; may be empty
    std::size_t threads = 0;  ///< verify
    bool json = false;
};

/// JSON: format, config, parameters, bytes, types {name: {tensors, bytes}}, content_hash (what
/// Servers call it), tokenizer, chat_template, tensors.
Status run_model_info(const ModelRequest& request, std::ostream& out);
/// JSON: out, from, to, type, bytes, fallbacks [{name, cols, type}], tokenizer.
Status run_model_convert(const ModelRequest& request, std::ostream& out);
/// Loading checks structure, bounds, checksums and that everything is finite; then the tokenizer,
/// then `against`. kInvalid if something is not sound; a difference to `against` is a result, not
/// an error. JSON: model, parameters, content_hash, tokenizer, against {same, tensors, logits}.
Status run_model_verify(const ModelRequest& request, std::ostream& out);

}  // namespace cairn::cli
