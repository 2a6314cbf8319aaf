// Tells whether a line typed in a conversation is a message or a command. It is a command only if
// it begins with one, spelt exactly; a path, or a sentence with a slash in it, is a message.
#pragma once

#include <string>

namespace cairn::cli {

struct ChatLine {
    enum class Kind { kMessage, kCommand, kMistyped };
    Kind kind = Kind::kMessage;
    /// The command; for a mistyped one, the command that was probably meant, or empty.
    std::string name;
    std::string text;  ///< the message, or the text after the command
};

/// "//help" is the message "/help". A line that is nothing but a slash and letters ("/rest") and no
/// command is kMistyped, unless it is the path of something.
ChatLine read_chat_line(const std::string& line);

}  // namespace cairn::cli
