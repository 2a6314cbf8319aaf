// The page at "/": web/index.html, made part of the program when it is built.
#pragma once

#include <string>

namespace cairn::api {

const std::string& page_html();

}  // namespace cairn::api
