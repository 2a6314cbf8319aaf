#include "openai/vectors_answer.h"

#include <utility>

#include <fmt/core.h>

#include "openai/answer_json.h"
#include "openai/api_error.h"

namespace cairn::openai {

VectorsAnswer::VectorsAnswer(host::TextHost& host, const VectorsAsk& ask,
                             std::unique_ptr<Exchange> exchange)
    : host_(host),
      model_(ask.model),
      base64_(ask.base64),
      dimensions_(ask.dimensions),
      exchange_(std::move(exchange)) {
    exchange_->entry().model = model_;
}

void VectorsAnswer::start(host::TextHost& host, VectorsAsk ask, const std::string& client,
                          std::unique_ptr<Exchange> exchange) {
    const auto self = std::make_shared<VectorsAnswer>(host, ask, std::move(exchange));
    {
        MutexLock lock(self->mutex_);
        self->exchange_->on_gone([self] { self->on_gone(); });
    }
    const host::RequestId id =
        host.embed({std::move(ask.model), std::move(ask.texts), client},
                   [self](const std::variant<host::Vectors, host::HostError>& found) {
                       self->on_done(found);
                   });
    {
        MutexLock lock(self->mutex_);
        if (self->exchange_) {
            self->asked_ = id;
            return;
        }
    }
    host.cancel(id);  // it is over already; perhaps the asker has left
}

void VectorsAnswer::on_done(const std::variant<host::Vectors, host::HostError>& found) {
    const auto* error = std::get_if<host::HostError>(&found);
    const std::optional<ApiError> problem =
        error == nullptr ? std::nullopt : std::optional(of_host(*error, host_, model_));
    MutexLock lock(mutex_);
    if (!exchange_) return;
    if (problem)
        fail(*problem);
    else
        succeed(std::get<host::Vectors>(found));
    exchange_.reset();
}

void VectorsAnswer::on_gone() {
    std::optional<host::RequestId> asked;
    {
        MutexLock lock(mutex_);
        if (!exchange_) return;
        exchange_->left();
        exchange_.reset();
        asked = asked_;
    }
    if (asked) host_.cancel(*asked);
}

void VectorsAnswer::fail(const ApiError& error) {
    exchange_->entry().problem = error.message;
    exchange_->send(error_response(error));
}

void VectorsAnswer::succeed(const host::Vectors& vectors) {
    const std::size_t size = vectors.vectors.empty() ? 0 : vectors.vectors[0].size();
    if (dimensions_ && *dimensions_ != size)
        return fail(
            unsupported_field("dimensions", fmt::format("{} makes vectors of {} dimensions, not {}",
                                                        vectors.model, size, *dimensions_)));
    exchange_->entry().model = vectors.model;
    exchange_->entry().prompt_tokens = vectors.tokens;
    exchange_->send({200, "application/json", vectors_json(vectors, base64_)});
}

}  // namespace cairn::openai
