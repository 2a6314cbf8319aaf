// Proves that a mapped file that becomes shorter is named on a terminal, too, which is given back.
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/sanitizers.h"
#include "cli/test_child.h"
#include "console/terminal.h"
#include "formats/mapped_source.h"

namespace cairn::cli {
namespace {

TEST(ShrunkenFile, IsNamedOnATerminalWhichIsGivenBack) {
    if (kSanitized) GTEST_SKIP() << "sanitizers keep the signal for themselves";
    const std::string path = testing::TempDir() + "/cairn_shrunken_file";
    std::ofstream(path) << std::string(100'000, 'x');
    Child child(
        [&path] {
            const console::ChangedTerminal changed;
            termios hidden{};
            ::tcgetattr(STDIN_FILENO, &hidden);
            hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
            ::tcsetattr(STDIN_FILENO, TCSANOW, &hidden);
            const auto source = formats::open_source(path).value();
            std::filesystem::resize_file(path, 10);
            volatile std::uint8_t byte = source->mapped()[90'000];
            return byte == 'x' ? 3 : 4;
        },
        true);
    EXPECT_TRUE(child.reads("cairn_shrunken_file became shorter")) << child.output();
    const ChildEnd end = child.end();
    EXPECT_TRUE(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGBUS) << end.status;
    EXPECT_TRUE(child.terminal_is_plain());
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace cairn::cli
