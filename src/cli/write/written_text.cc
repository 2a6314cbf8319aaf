#include "cli/write/written_text.h"

#include <nlohmann/json.hpp>

namespace cairn::cli {

Result<WrittenText> WrittenText::create(const text::Tokenizer& tokenizer,
                                        const text::Tokens& prompt,
                                        std::vector<std::string> stops) {
    ASSIGN_OR_RETURN(infer::StopStrings stop, infer::StopStrings::create(std::move(stops)));
    WrittenText written(tokenizer, std::move(stop));
    for (const std::uint32_t token : prompt) written.prompt_ += written.decoder_.push(token);
    return written;
}

std::string WrittenText::take(const infer::GeneratedStep& step) {
    hash_.update(
        {reinterpret_cast<const std::uint8_t*>(step.logits.data()), step.logits.size_bytes()});
    if (tokenizer_->is_end(step.token)) return "";
    tokens_.push_back(step.token);
    probable_.push_back({step.logprob, {step.top.begin(), step.top.end()}});
    std::string piece = stop_.push(decoder_.push(step.token));
    text_ += piece;
    return piece;
}

std::string WrittenText::finish() {
    std::string rest = stop_.push(decoder_.finish());
    rest += stop_.finish();  // not in one expression: which of them is called first is not said
    text_ += rest;
    return rest;
}

nlohmann::json WrittenText::report(infer::StopReason reason, bool logprobs) {
    // Here only a stop string makes the caller end a text.
    const char* stop =
        reason == infer::StopReason::kCaller ? "string" : infer::stop_reason_name(reason);
    nlohmann::json object = {
        {"text", text_}, {"tokens", tokens_}, {"digest", to_hex(hash_.finish())}, {"stop", stop}};
    if (!logprobs) return object;
    nlohmann::json list = nlohmann::json::array();
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
        nlohmann::json top = nlohmann::json::array();
        for (const tensor::TokenLogprob& entry : probable_[i].top)
            top.push_back({{"token", entry.id}, {"logprob", entry.logprob}});
        list.push_back(
            {{"token", tokens_[i]}, {"logprob", probable_[i].logprob}, {"top", std::move(top)}});
    }
    object["logprobs"] = std::move(list);
    return object;
}

}  // namespace cairn::cli
