#include "openai/vectors_answer.h"

#include <utility>

#include <fmt/core.h>

#include "openai/answer_json.h"
#include "openai/api_error.h"

namespace cairn::openai {

VectorsAnswer::VectorsAnswer(host::TextHost& host, const VectorsAsk& ask, std::string client,
                             std::unique_ptr<Exchange> exchange, std::weak_ptr<BodyDesk> desk)
    : host_(host),
      model_(ask.model),
      base64_(ask.base64),
      dimensions_(ask.dimensions),
      client_(std::move(client)),
      desk_(std::move(desk)),
      exchange_(std::move(exchange)) {
    exchange_->entry().model = model_;
}

void VectorsAnswer::start(host::TextHost& host, VectorsAsk ask, const std::string& client,
                          std::unique_ptr<Exchange> exchange, std::weak_ptr<BodyDesk> desk) {
    const auto self =
        std::make_shared<VectorsAnswer>(host, ask, client, std::move(exchange), std::move(desk));
    {
        MutexLock lock(self->mutex_);
        self->exchange_->on_gone([self] { self->on_gone(); });
    }
    const host::RequestId id =
        host.embed({std::move(ask.model), std::move(ask.texts), client},
                   [self](std::variant<host::Vectors, host::HostError> found) {
                       self->on_done(std::move(found));
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

void VectorsAnswer::on_done(std::variant<host::Vectors, host::HostError> found) {
    if (auto* vectors = std::get_if<host::Vectors>(&found)) {
        constexpr std::size_t kNumber = 12;  // bytes as text, about
        std::size_t bytes = 0;
        for (const std::vector<float>& vector : vectors->vectors) bytes += kNumber * vector.size();
        return put_together_at(desk_, client_, bytes,
                               [self = shared_from_this(),
                                kept = std::make_shared<const host::Vectors>(std::move(*vectors))] {
                                   self->put_together(*kept);
                               });
    }
    const ApiError problem = of_host(std::get<host::HostError>(found), host_, model_);
    MutexLock lock(mutex_);
    if (!exchange_) return;
    fail(problem);
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

void VectorsAnswer::put_together(const host::Vectors& vectors) {
    const std::size_t size = vectors.vectors.empty() ? 0 : vectors.vectors[0].size();
    const bool fits = !dimensions_ || *dimensions_ == size;
    {
        MutexLock lock(mutex_);
        if (!exchange_) return;  // the asker has left
    }
    std::string json = fits ? vectors_json(vectors, base64_) : "";
    MutexLock lock(mutex_);
    if (!exchange_) return;
    if (fits) {
        exchange_->entry().model = vectors.model;
        exchange_->entry().prompt_tokens = vectors.tokens;
        exchange_->send({200, "application/json", std::move(json)});
    } else {
        fail(
            unsupported_field("dimensions", fmt::format("{} makes vectors of {} dimensions, not {}",
                                                        vectors.model, size, *dimensions_)));
    }
    exchange_.reset();
}

}  // namespace cairn::openai
