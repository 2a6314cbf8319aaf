#include "cli/write/draft.h"

#include "cli/options.h"

namespace cairn::cli {

Option add_draft_options(const Command& command, DraftOptions& options) {
    const auto draft = command.add_option(
        "--draft", options.who,
        "Who guesses ahead, which makes writing faster and changes no bit: a smaller model with "
        "the same vocabulary, or the word repeat (what followed the same words earlier in the "
        "text)");
    command
        .add_option("--draft-tokens", options.tokens,
                    "With --draft: tokens that are guessed at a time, at most")
        .check(range(std::size_t{1}, infer::kMaxDraft))
        .needs(draft)
        .capture_default_str();
    return draft;
}

Status check_draft(const DraftOptions& options) {
    if (options.who.empty() || options.is_repeat()) return ok_status();
    return check_exists("--draft", options.who);
}

Result<Draft> Draft::load(const DraftOptions& options, const LocalModel& local,
                          const tensor::Compute& compute, const tensor::SampleSettings& sampling) {
    Draft draft;
    draft.tokens_ = options.tokens;
    if (options.who.empty()) return draft;
    if (options.is_repeat()) {
        draft.drafter_ = std::make_unique<infer::RepeatDrafter>();
        return draft;
    }
    ASSIGN_OR_RETURN(draft.model_, load_local_model(options.who, "", Needs::kText, "--draft"));
    if (draft.model_->tokenizer->serialise() != local.tokenizer->serialise())
        return invalid("--draft " + options.who +
                       " has another vocabulary than the model, so its guesses would mean "
                       "something else");
    pack_local_model(compute, *draft.model_);
    const model::Model& model = draft.model_->model;
    draft.guesser_ = std::make_unique<infer::DraftModel>(model.config, model.weights, compute,
                                                         model.config.context);
    draft.drafter_ =
        std::make_unique<infer::ModelDrafter>(*draft.guesser_, sampling, model.config.context);
    return draft;
}

}  // namespace cairn::cli
