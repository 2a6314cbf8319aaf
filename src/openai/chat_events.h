// ChatEvents: a streamed answer of OpenAI's API (of a chat, or a text's continuation), as its bytes
// come, to text and facts.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace cairn::openai {

struct ChatFacts {
    std::string text;
    std::string model;          ///< as the answer calls it
    std::string finish_reason;  ///< empty: the stream is not at its end
    std::size_t prompt_tokens = 0;
    std::size_t cached_tokens = 0;
    std::size_t completion_tokens = 0;
    std::string problem;  ///< of the server, or that it speaks another language
};

class ChatEvents {
  public:
    /// `show` gets each piece of text as it comes.
    explicit ChatEvents(std::function<void(const std::string&)> show) : show_(std::move(show)) {}
    void take(std::string_view bytes);
    const ChatFacts& facts() const { return facts_; }

  private:
    void line(std::string_view text);
    void event(std::string_view data);

    std::function<void(const std::string&)> show_;
    std::string waiting_;  ///< of a line that has not ended
    std::string data_;     ///< of an event that has not ended
    ChatFacts facts_;
};

/// The JSON of an answer in one piece; discarded where it is none, or nests deeper than answers do:
/// who answers may be anybody, and copying what is nested by the million ends the program.
nlohmann::json read_answer(std::string_view text);
/// What the error of an answer says: {"error": {"message": ...}}; empty if it is none.
std::string error_message(std::string_view body);
/// Its {"error": {"code": ...}}; empty if there is none.
std::string error_code(std::string_view body);

}  // namespace cairn::openai
