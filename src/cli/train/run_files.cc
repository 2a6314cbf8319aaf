#include "cli/train/run_files.h"

#include <fmt/format.h>

#include "base/files.h"
#include "cli/train/train_subject.h"

namespace cairn::cli {

std::string SaveOutcome::trouble() const {
    std::string said;
    for (const Status* status : {&state, &checkpoint})
        if (!status->ok()) said += (said.empty() ? "" : "; ") + status->error().message;
    return said;
}

RunFiles::RunFiles(const TrainStart& start, const train::Trainer& trainer)
    : start_(start), trainer_(trainer) {
    if (start.resumed) state_step_ = trainer.next_step();
}

SaveOutcome RunFiles::save(std::uint64_t elapsed_us, double first_loss, std::uint64_t tokens) {
    SaveOutcome outcome;
    outcome.state = save_state(elapsed_us, first_loss, tokens);
    outcome.checkpoint = save_checkpoint();
    return outcome;
}

Status RunFiles::save_state(std::uint64_t elapsed_us, double first_loss, std::uint64_t tokens) {
    train::RunState state;
    state.config = start_.config;
    state.tokenizer = start_.tokenizer_file;
    state.recipe = trainer_.recipe();
    state.options = start_.request.options;
    if (start_.encoder_decoder)
        state.encoder_decoder =
            train::EncoderDecoderRun{start_.encoder_decoder->layout.encoder().config(),
                                     start_.encoder_decoder->begins, tokens};
    state.text_hash = text_hash(start_);
    state.elapsed_us = elapsed_us;
    state.first_loss = first_loss;
    state.trainer = trainer_.save();
    RETURN_IF_ERROR(write_file(run_state_path(start_.request.out), train::encode_run_state(state)));
    state_step_ = trainer_.next_step();
    return ok_status();
}

Status RunFiles::save_checkpoint() {
    RETURN_IF_ERROR(save_model(start_, trainer_.parameters()));
    checkpoint_step_ = trainer_.next_step();
    return ok_status();
}

std::string RunFiles::kept() const {
    const std::string& out = start_.request.out;
    std::string said = state_step_ ? fmt::format(
                                         "the state after step {} is in {}: `cairn train "
                                         "--resume {}` goes on from there",
                                         *state_step_, run_state_path(out), out)
                                   : "no state of this run is saved";
    if (checkpoint_step_ && checkpoint_step_ != state_step_)
        said += fmt::format("; the model after step {} is in {}", *checkpoint_step_, out);
    return said;
}

}  // namespace cairn::cli
