// ServerPartner: a model that a server has (`cairn serve`), talked with by OpenAI's API. The server
// keeps no conversation: each turn sends all of it, and of what it read before the server computes
// nothing again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/write/chat_command.h"
#include "cli/write/chat_partner.h"

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

  private:
    explicit ServerPartner(const ChatRequest& request) : request_(request) {}
    std::string question() const;

    const ChatRequest& request_;
    ServerAddress asked_;
    std::string model_;
    std::string version_;  ///< empty: it has none
    std::string format_;
    std::size_t context_ = 0;  ///< 0: not known
    std::vector<text::ChatMessage> messages_;
};

}  // namespace cairn::cli
