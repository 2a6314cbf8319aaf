#include "picture/png_picture.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cairn::picture {

Status write_png(const std::string& from, const std::string& to) {
    // A name that begins with a minus must not be read as an option.
    const std::string source = from.starts_with('-') ? "./" + from : from;
    const std::string target = to.starts_with('-') ? "./" + to : to;
    const char* arguments[] = {"rsvg-convert", "--zoom",       "2",    "--output",
                               target.c_str(), source.c_str(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr,
                                    const_cast<char* const*>(arguments), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == ENOENT)
        return not_found("rsvg-convert is not installed; on Debian: apt install librsvg2-bin");
    if (failed != 0) return io_error(std::string("rsvg-convert: ") + std::strerror(failed));
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return io_error("rsvg-convert was lost");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return io_error("rsvg-convert could not draw " + from);
    return ok_status();
}

}  // namespace cairn::picture
