// A progress bar for measuring the loss of a text (train/text_loss.h).
#pragma once

#include "train/text_loss.h"

namespace cairn::cli {

/// Shows how far it is and what the loss is so far, as long as it lives.
train::LossWatch loss_bar();

}  // namespace cairn::cli
