// The option --draft of commands that write with a model on this machine: who guesses ahead
// (infer/drafter.h).
#pragma once

#include <memory>
#include <string>

#include "cli/local_model.h"
#include "infer/generate.h"

namespace cairn::cli {

class Command;
class Option;

struct DraftOptions {
    std::string who;         ///< a smaller model's file or folder, "repeat", or empty: nobody
    std::size_t tokens = 6;  ///< guesses in one pass, at most

    bool is_repeat() const { return who == "repeat"; }
};

/// Gives the option --draft, for what excludes it.
Option add_draft_options(const Command& command, DraftOptions& options);

/// Before anything is read: kNotFound, naming the option, for a model that is not there.
Status check_draft(const DraftOptions& options);

/// Who guesses ahead, with what he needs.
class Draft {
  public:
    /// kInvalid for a model of another vocabulary than `local`. The arguments must outlive it.
    static Result<Draft> load(const DraftOptions& options, const LocalModel& local,
                              const tensor::Compute& compute,
                              const tensor::SampleSettings& sampling);
    infer::Speculation speculation() const { return {drafter_.get(), tokens_}; }

  private:
    std::size_t tokens_ = 0;
    std::unique_ptr<LocalModel> model_;  // null: none is needed
    std::unique_ptr<infer::DraftModel> guesser_;
    std::unique_ptr<infer::Drafter> drafter_;
};

}  // namespace cairn::cli
