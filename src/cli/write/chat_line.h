// What a line that was typed in a conversation is: a message, or a command. Only the commands that
// there are, spelt exactly and at the very beginning, are commands; a path or a slash in a sentence
// is a message.
#pragma once

#include <string>

namespace cairn::cli {

struct ChatLine {
    enum class Kind { kMessage, kCommand, kMistyped };
    Kind kind = Kind::kMessage;
    std::string name;  ///< of the command; of a mistyped one, the one that was probably meant
    std::string text;  ///< the message; what stands behind a command
};

/// "//help" is the message "/help". A line that is nothing but one mistyped command ("/rest") is
/// kMistyped, unless it is the path of something.
ChatLine read_chat_line(const std::string& line);

}  // namespace cairn::cli
