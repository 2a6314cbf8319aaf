// ChatPartner: whom `cairn chat` talks with: a model on this machine (chat_command.cc), or one that
// a server has (cli/serve/server_partner.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "infer/chat_session.h"

namespace cairn::cli {

class ChatPartner {
  public:
    virtual ~ChatPartner() = default;
    /// For the line of welcome: "8192 tokens of memory, turns as chatml".
    virtual std::string about() const = 0;
    /// How turns are written; "" where that is not known.
    virtual std::string format() const = 0;
    virtual std::string default_system() const = 0;
    /// Begins anew; nothing means the model's own system message.
    virtual void reset(std::optional<std::string> system) = 0;
    virtual const std::vector<text::ChatMessage>& messages() const = 0;
    /// As infer::ChatSession::answer: after an error the conversation is as it was before.
    virtual Result<infer::ChatAnswer> answer(const std::string& user,
                                             const infer::ChatHooks& hooks) = 0;
    /// Messages that the latest answer was given without, the oldest ones, since they no longer fit
    /// the model's memory.
    virtual std::size_t forgotten() const { return 0; }
    /// Which version of the model gave the latest answer, where that may change: "guild@1234".
    virtual std::string answered_by() const { return ""; }
};

}  // namespace cairn::cli
