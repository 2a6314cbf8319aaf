// `cairn model info` and `cairn model convert`: what a model file is, and any readable model as our
// own checkpoint.
#pragma once

#include <iosfwd>
#include <string>

#include "base/result.h"

namespace cairn::cli {

struct ModelRequest {
    std::string model;
    std::string tokenizer;  ///< convert: empty means found with the model
    std::string out;        ///< convert
    bool tensors = false;   ///< info: list them
    bool json = false;
};

/// JSON: format, config, parameters, bytes, content_hash (what Servers call it), tokenizer,
/// tensors.
Status run_model_info(const ModelRequest& request, std::ostream& out);
Status run_model_convert(const ModelRequest& request, std::ostream& out);

}  // namespace cairn::cli
