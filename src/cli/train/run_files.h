// RunFiles: the two files of a training run, its state and its checkpoint, written so that trouble
// with one never keeps the other from being written, and what to tell its owner about them.
#pragma once

#include <optional>
#include <string>

#include "cli/train/train_start.h"
#include "train/trainer.h"

namespace cairn::cli {

/// What became of one save.
struct SaveOutcome {
    Status state = ok_status();
    Status checkpoint = ok_status();

    bool ok() const { return state.ok() && checkpoint.ok(); }
    /// What went wrong, for a sentence.
    std::string trouble() const;
};

class RunFiles {
  public:
    /// Both must outlive it.
    RunFiles(const TrainStart& start, const train::Trainer& trainer);

    /// Writes both files, the second even if the first fails. The state comes first: a later
    /// session reads it. A crash between the two leaves an older checkpoint, still a whole model.
    /// `tokens`: computed so far.
    SaveOutcome save(std::uint64_t elapsed_us, double first_loss, std::uint64_t tokens);
    Status save_checkpoint();

    bool has_state() const { return state_step_.has_value(); }
    /// One sentence that says what is on disk and how to continue from it.
    std::string kept() const;

  private:
    Status save_state(std::uint64_t elapsed_us, double first_loss, std::uint64_t tokens);

    const TrainStart& start_;
    const train::Trainer& trainer_;
    std::optional<std::uint64_t> state_step_;       // of the state on disk
    std::optional<std::uint64_t> checkpoint_step_;  // written by this session
};

}  // namespace cairn::cli
