// A conversation line by line with whoever answers: what is typed, shown and saved, and which lines
// are commands (chat_line.h).
#pragma once

#include "cli/write/chat_command.h"
#include "cli/write/chat_partner.h"

namespace cairn::cli {

/// See run_chat().
Result<int> talk(const ChatRequest& request, ChatPartner& partner, console::LineReader& in,
                 std::ostream& out);

}  // namespace cairn::cli
