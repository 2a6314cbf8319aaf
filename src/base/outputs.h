// The files that a command will write, looked at before its work begins: hours of training must
// not end at "is a directory", and no output may be one of the inputs.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cairn {

/// A path and the option that named it: "--out", "model.cairn".
struct NamedPath {
    std::string option;
    std::string path;
};

/// Whether each output can be written (a file is made beside it, a block written and synced, and
/// taken away again), is no folder or device, and is neither an input (nor, where that is a model's
/// folder, a part of it) nor another output, under whatever name. Empty paths are skipped. Missing
/// folders are made. The error names the option.
Status check_outputs(const std::vector<NamedPath>& outputs, const std::vector<NamedPath>& inputs);

}  // namespace cairn
