#include "node/open_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/check.h"
#include "base/log.h"

namespace cairn::node {
namespace {

constexpr rlim_t kWanted = 4096;

}  // namespace

LinkBounds link_bounds(std::size_t files) {
    CHECK(files >= kLeastFiles);
    if (files >= kEnoughFiles) return {};
    // Half for peers, an eighth for connections without a hello in each direction; the rest is the
    // API's.
    const std::size_t free = files - kOwnFiles;
    LinkBounds bounds;
    bounds.peers = std::min(bounds.peers, std::max<std::size_t>(2, free / 2));
    bounds.inbound = std::min(bounds.inbound, bounds.peers - bounds.peers / 4);
    bounds.pending = std::min(bounds.pending, std::max<std::size_t>(2, free / 8));
    return bounds;
}

Result<std::size_t> provide_open_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return io_error("cannot ask how many files may be open: " +
                        std::generic_category().message(errno));
    const rlimit raised{std::max(limit.rlim_cur, std::min(limit.rlim_max, kWanted)),
                        limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    const auto files = static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1'000'000));
    const std::string allowed =
        "this shell allows " + std::to_string(files) + " open files and connections";
    const std::string advice = "raise that with `ulimit -n 1024` (or LimitNOFILE= of systemd)";
    if (files < kLeastFiles)
        return Error{ErrorCode::kFull, allowed + " and a node needs " +
                                           std::to_string(kLeastFiles) + " at least: " + advice};
    if (files < kEnoughFiles)
        log_warn("{}: this node links to {} others at most; {}", allowed, link_bounds(files).peers,
                 advice);
    return files;
}

}  // namespace cairn::node
