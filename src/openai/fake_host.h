// A host of models that exist only in tests of the API: "tiny" writes "Hé llo!" in four tokens, one
// of which ends inside a character; "vectors" makes vectors; "broken" could not be loaded. A prompt
// may ask for trouble by name.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/text_host.h"

namespace cairn::openai {

class FakeHost final : public host::TextHost {
  public:
    /// Requests are kept instead of answered; the test plays the host by `waiting`.
    bool held = false;
    std::map<host::RequestId, std::shared_ptr<host::TextListener>> waiting;
    std::map<host::RequestId, host::VectorsDone> waiting_vectors;
    std::vector<host::RequestId> cancelled;
    std::vector<host::TextRequest> asked;
    std::vector<host::VectorsRequest> asked_vectors;
    host::ModelState state = host::ModelState::kReady;
    bool encoder_first = false;

    std::vector<host::HostedModel> models() const override {
        host::HostedModel tiny;
        tiny.id = "tiny";
        tiny.state = state;
        tiny.format = "gguf";
        tiny.created_s = 1'700'000'000;
        tiny.parameters = 1000;
        tiny.bytes = 4000;
        tiny.context = 64;
        tiny.writes = true;
        tiny.chat_format = "chatml";
        host::HostedModel vectors = tiny;
        vectors.id = "org/vectors";
        vectors.writes = false;
        vectors.chat_format.clear();
        host::HostedModel broken;
        broken.id = "broken";
        broken.state = host::ModelState::kFailed;
        broken.problem = "broken.gguf is not whole";
        if (encoder_first) return {vectors, tiny, broken};
        return {tiny, vectors, broken};
    }

    host::RequestId write(host::TextRequest request,
                          std::shared_ptr<host::TextListener> listener) override {
        const host::RequestId id = ++last_;
        asked.push_back(request);
        if (const auto problem = trouble(request)) {
            listener->failed(*problem);
        } else if (held) {
            waiting[id] = std::move(listener);
        } else {
            answer(request, *listener);
        }
        return id;
    }

    void cancel(host::RequestId id) override {
        cancelled.push_back(id);
        waiting.erase(id);
    }

    host::RequestId embed(host::VectorsRequest request, host::VectorsDone done) override {
        const host::RequestId id = ++last_;
        asked_vectors.push_back(request);
        if (held) {
            waiting_vectors[id] = std::move(done);
            return id;
        }
        answer_vectors(request, done);
        return id;
    }

    static void answer_vectors(const host::VectorsRequest& request, const host::VectorsDone& done) {
        if (request.model == "tiny")
            return done(host::HostError{host::HostErrorKind::kModelFailed,
                                        "tiny writes text and makes no vectors", "model"});
        host::Vectors vectors{"org/vectors", {}, 3 * request.texts.size()};
        for (std::size_t i = 0; i < request.texts.size(); ++i)
            vectors.vectors.push_back({1.0F, 0.0F, -0.5F});
        done(std::move(vectors));
    }

    std::string metrics() const override { return "cairn_host_fake 1\n"; }

    static host::PromptRead read() { return {"tiny", 7, 4, 1500, tensor::KvType::kF16}; }

    /// The whole answer of "tiny", as a host gives it.
    static void answer(const host::TextRequest& request, host::TextListener& listener) {
        listener.read(read());
        for (std::size_t k = 0; k < request.answers; ++k) {
            // "é" is C3 A9: its first byte is a token of its own.
            piece(request, listener, k, "H", "H", 0);
            piece(request, listener, k, "", "\xC3", 1);
            piece(request, listener, k, "é llo", "\xA9 llo", 1);
            piece(request, listener, k, "!", "!", 6);
            listener.done({k, host::AnswerEnd::kEndToken, 5});
        }
    }

    static void piece(const host::TextRequest& request, host::TextListener& listener,
                      std::size_t answer, const std::string& text, const std::string& bytes,
                      std::size_t offset) {
        host::TextPiece piece{answer, text, std::nullopt, {}, offset};
        if (request.options.logprobs) piece.token = host::TokenView{1, bytes, -0.5F};
        if (request.options.top_logprobs > 0)
            piece.top = {{1, bytes, -0.5F}, {2, "other", -1.0F / 0.0F}};
        listener.piece(piece);
    }

  private:
    static std::optional<host::HostError> trouble(const host::TextRequest& request) {
        using enum host::HostErrorKind;
        if (request.model == "broken")
            return host::HostError{kModelFailed, "broken.gguf is not whole", "model"};
        if (request.model == "org/vectors")
            return host::HostError{kModelFailed, "an encoder writes no text", "model"};
        if (request.model != "tiny")
            return host::HostError{kNoSuchModel, "no model is called " + request.model, "model"};
        const auto* text = std::get_if<std::string>(&request.prompt);
        if (text == nullptr) return std::nullopt;
        if (*text == "long") return host::HostError{kTooLong, "65 tokens do not fit 64", "prompt"};
        if (*text == "soon") return host::HostError{kNotReady, "no block yet", "model"};
        if (*text == "full") return host::HostError{kFull, "too many wait", ""};
        if (*text == "crash") return host::HostError{kInternal, "a kernel failed", ""};
        if (*text == "odd") return host::HostError{kInvalid, "token 9 is none", "prompt"};
        return std::nullopt;
    }

    host::RequestId last_ = 0;
};

}  // namespace cairn::openai
