#include "host/drafting.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "model/kv_cache.h"

namespace cairn::host {

Result<std::optional<OpenedModel>> Drafting::open(DraftChoice& choice) {
    if (choice.model == nullptr) return std::optional<OpenedModel>();
    ASSIGN_OR_RETURN(OpenedModel opened, choice.model->open());
    if (!opened.loaded.model.config.has_head() || opened.tokenizer == nullptr)
        return invalid(choice.model->id() + " writes nothing, so it cannot guess either");
    return std::optional<OpenedModel>(std::move(opened));
}

Drafting::Drafting(const DraftChoice& choice, std::optional<OpenedModel> opened,
                   const tensor::Compute& loader, const tensor::Compute& compute)
    : repeat_(choice.repeat), tokens_(std::clamp<std::size_t>(choice.tokens, 1, infer::kMaxDraft)) {
    if (!opened) return;
    model_.emplace("draft", std::move(*opened), 0, loader);
    guesser_.emplace(model_->config(), model_->weights(), compute, model_->context());
}

std::uint64_t Drafting::bytes() const { return model_ ? model_->bytes() : 0; }

bool Drafting::guesses_for(const ReadyModel& model) const {
    if (repeat_) return true;
    if (!model_ || !model.writes()) return false;
    if (model.tokenizer().serialise() == model_->tokenizer().serialise()) return true;
    log_warn("{} has another vocabulary than the model that guesses, and is written without",
             model.name());
    return false;
}

std::uint64_t Drafting::text_bytes(std::size_t positions) const {
    if (!model_) return 0;
    return model::kv_cache_bytes(model_->config(), model::all_layers(model_->config()),
                                 std::min(positions, model_->context()), model::KvType::kF32);
}

std::unique_ptr<infer::Drafter> Drafting::drafter(const tensor::SampleSettings& sampling,
                                                  std::size_t positions) {
    if (repeat_) return std::make_unique<infer::RepeatDrafter>();
    CHECK(guesser_.has_value());
    return std::make_unique<infer::ModelDrafter>(*guesser_, sampling, positions);
}

}  // namespace cairn::host
