#include "cli/chain/cache_folder.h"

#include <cstdlib>

namespace cairn::cli {

Result<std::string> cache_folder(const std::string& named, const std::string& part) {
    if (!named.empty()) return named;
    const std::string behind = part.empty() ? "" : "/" + part;
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0')
        return std::string(cache) + "/cairn" + behind;
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == '\0')
        return misused(
            "there is no folder for what is fetched: set HOME or XDG_CACHE_HOME, or name "
            "one");
    return std::string(home) + "/.cache/cairn" + behind;
}

}  // namespace cairn::cli
