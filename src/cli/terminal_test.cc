// Proves that a password is not shown and that the terminal shows what is typed again however the
// program ends while it asks for one.
#include "console/terminal.h"

#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

#include "cli/test_child.h"

namespace cairn::cli {
namespace {

int ask() {
    const auto word = console::read_hidden("Password: ");
    std::cout << (word.ok() ? "got " + *word : word.error().message) << std::endl;
    return word.ok() ? 0 : 3;
}

bool echoes(int descriptor) {
    termios state{};
    return ::tcgetattr(descriptor, &state) == 0 && (state.c_lflag & ECHO) != 0;
}

TEST(ReadHidden, ShowsNothingAndGivesTheLine) {
    Child child(ask, true);
    ASSERT_TRUE(child.reads("Password: "));
    ASSERT_TRUE(eventually([&] { return !child.terminal_is_plain(); }));
    child.type("secret\n");
    EXPECT_TRUE(child.reads("got secret"));
    EXPECT_EQ(child.end().code(), 0);
    EXPECT_EQ(child.output().find("secret"), child.output().rfind("secret"));
    EXPECT_TRUE(child.terminal_is_plain());
}

TEST(ReadHidden, EveryEndGivesTheTerminalBack) {
    for (const int signal :
         {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGPIPE, SIGALRM, SIGUSR1, SIGXCPU}) {
        Child child(ask, true);
        ASSERT_TRUE(child.reads("Password: "));
        ASSERT_TRUE(eventually([&] { return !child.terminal_is_plain(); }));
        child.signal(signal);
        const ChildEnd end = child.end();
        EXPECT_TRUE(WIFSIGNALED(end.status) && WTERMSIG(end.status) == signal) << signal;
        EXPECT_TRUE(child.terminal_is_plain()) << signal;
    }
    for (const char* key : {"\x03", "\x1c"}) {
        Child child(ask, true);
        ASSERT_TRUE(child.reads("Password: "));
        ASSERT_TRUE(eventually([&] { return !child.terminal_is_plain(); }));
        child.type(key);
        EXPECT_EQ(child.end().code(), -1);
        EXPECT_TRUE(child.terminal_is_plain());
    }
    Child child(
        [] {
            const console::ChangedTerminal changed;
            std::exit(ask());
            return 0;
        },
        true);
    ASSERT_TRUE(child.reads("Password: "));
    ASSERT_TRUE(eventually([&] { return !child.terminal_is_plain(); }));
    child.type("\x04");
    EXPECT_EQ(child.end().code(), 3);
    EXPECT_TRUE(child.terminal_is_plain());
}

// A shell that does no more than to start `ask` as a job and to bring it back when it was stopped.
int shell() {
    std::signal(SIGTTOU, SIG_IGN);
    const pid_t job = ::fork();
    if (job == 0) {
        ::setpgid(0, 0);
        ::tcsetpgrp(STDIN_FILENO, ::getpid());
        std::signal(SIGTTOU, SIG_DFL);
        ::_exit(ask());
    }
    ::setpgid(job, job);
    ::tcsetpgrp(STDIN_FILENO, job);
    int status = 0;
    while (::waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
        ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
        std::cout << (echoes(STDIN_FILENO) ? "stopped, shown" : "stopped, hidden") << std::endl;
        ::tcsetpgrp(STDIN_FILENO, job);
        ::kill(job, SIGCONT);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 9;
}

TEST(ReadHidden, CtrlZLeavesATerminalThatShowsAndComesBackToOneThatHides) {
    Child child(shell, true);
    ASSERT_TRUE(child.reads("Password: "));
    ASSERT_TRUE(eventually([&] { return !child.terminal_is_plain(); }));
    child.type("\x1a");
    ASSERT_TRUE(child.reads("stopped, shown")) << child.output();
    ASSERT_TRUE(child.reads("Password: ")) << child.output();
    ASSERT_TRUE(eventually([&] { return !child.terminal_is_plain(); }));
    child.type("secret\n");
    EXPECT_TRUE(child.reads("got secret")) << child.output();
    EXPECT_EQ(child.end().code(), 0);
    EXPECT_EQ(child.output().find("secret"), child.output().rfind("secret"));
    EXPECT_TRUE(child.terminal_is_plain());
}

}  // namespace
}  // namespace cairn::cli
