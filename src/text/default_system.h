// The system message that a chat template writes where nobody gives one. Templates are programs
// and are not run here (chat.h), but such a message stands in them as one literal with its frame:
//
//   {{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM<|im_end|>\n' }}
#pragma once

#include <string>
#include <string_view>

namespace cairn::text {

/// The words between `before` and `after` in the template's first literal that has the whole frame
/// and words in it; empty if none has, or if no frame is asked for. Escapes of the literal are
/// undone.
std::string default_system_message(std::string_view chat_template, std::string_view before,
                                   std::string_view after);

}  // namespace cairn::text
