// Proves that a stream which the process was started without stays one that fails, and that no file
// opened later takes its place.
#include "console/terminal.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace cairn::cli {
namespace {

// What went wrong, as a process's exit code; 0: nothing.
int look_without_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(stream);
    console::reserve_closed_streams();
    const int file = ::open("/dev/null", O_RDWR);
    char letter = 'x';
    if (file <= STDERR_FILENO) return 1;
    if (::read(STDIN_FILENO, &letter, 1) != -1) return 2;
    if (::write(STDOUT_FILENO, &letter, 1) != -1) return 3;
    return ::write(STDERR_FILENO, &letter, 1) != -1 ? 4 : 0;
}

TEST(Terminal, NoFileTakesTheNumberOfAClosedStream) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(look_without_streams());
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t whole = ::fork();
    if (whole == 0) {
        ::dup2(pipe[1], STDOUT_FILENO);
        console::reserve_closed_streams();
        ::_exit(::write(STDOUT_FILENO, "x", 1) == 1 ? 0 : 1);
    }
    ASSERT_EQ(::waitpid(whole, &status, 0), whole);
    EXPECT_EQ(WEXITSTATUS(status), 0) << "streams that are there stay as they are";
    ::close(pipe[0]);
    ::close(pipe[1]);
}

}  // namespace
}  // namespace cairn::cli
