// The chat page's parts: files of web/, made part of the program when it is built.
#pragma once

#include <string>

namespace cairn::openai {

const std::string& chat_html();
const std::string& chat_js();
const std::string& chat_css();

}  // namespace cairn::openai
