// The tokenizer that a training run learns from its own texts.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "cli/train/train_command.h"
#include "console/interrupt.h"
#include "text/tokenizer.h"

namespace cairn::cli {

/// Ctrl-C takes effect only when it is ready (a message says so): before, nothing can be saved.
Result<std::unique_ptr<text::Tokenizer>> new_tokenizer(const TrainRequest& request,
                                                       const std::vector<std::string_view>& texts,
                                                       const console::Interrupt& interrupt);

}  // namespace cairn::cli
