#include "base/json_depth.h"

namespace cairn {

Status check_json_depth(std::string_view text, const std::string& name) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string) {
            if (c == '\\')
                ++at;  // what follows ends no string
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if ((c == ']' || c == '}') && depth > 0) --depth;
        if ((c == '[' || c == '{') && ++depth > kMaxJsonDepth)
            return invalid(name + " nests its lists and objects more than " +
                           std::to_string(kMaxJsonDepth) + " deep");
    }
    return ok_status();
}

}  // namespace cairn
