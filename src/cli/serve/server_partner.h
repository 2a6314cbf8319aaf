// ServerPartner: a model that a server has (`cairn serve`), talked with by OpenAI's API. The server
// keeps no conversation: each turn sends all of it, and of what it read before the server computes
// nothing again.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/write/chat_command.h"
#include "cli/write/chat_partner.h"
#include "http/client.h"
#include "openai/chat_events.h"

namespace cairn::cli {

class ServerPartner final : public ChatPartner {
  public:
    /// Asks the server what it has. kRefused, saying what to do, where none answers; kNotFound for
    /// a model that it lacks. `request` must outlive it.
    static Result<std::unique_ptr<ServerPartner>> find(const ChatRequest& request);

    std::string about() const override;
    std::string format() const override { return format_; }
    std::string default_system() const override { return ""; }
    void reset(std::optional<std::string> system) override;
    const std::vector<text::ChatMessage>& messages() const override { return messages_; }
    /// kCancelled where it was stopped before a word came.
    Result<infer::ChatAnswer> answer(const std::string& user,
                                     const infer::ChatHooks& hooks) override;
    std::string answered_by() const override { return version_; }
    std::size_t forgotten() const override { return forgotten_; }

  private:
    struct Told {
        Result<http::Answer> answer;
        openai::ChatFacts facts;
        bool is_too_long() const;  ///< for the model's memory
    };

    explicit ServerPartner(const ChatRequest& request) : request_(request) {}
    /// At most `most` tokens of answer; 0: what the model's memory has room for.
    std::string question(std::size_t most) const;
    Told ask(std::size_t most, const infer::ChatHooks& hooks) const;
    /// Asks, where prompt and answer do not fit the model's memory for an answer of half of it,
    /// without the oldest turns if need be.
    Told ask_what_fits(const infer::ChatHooks& hooks);
    bool forget_oldest();
    /// Notes what the list says of the model that was chosen.
    void learn(const nlohmann::json& models);

    const ChatRequest& request_;
    ServerAddress asked_;
    std::string model_;
    std::string version_;  ///< empty: it has none
    std::string format_;
    std::size_t context_ = 0;  ///< 0: not known
    std::vector<text::ChatMessage> messages_;
    std::size_t forgotten_ = 0;
};

}  // namespace cairn::cli
