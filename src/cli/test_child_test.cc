// Defines what test_child.h declares, for this room's tests; proves nothing by itself.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <array>
#include <csignal>
#include <iostream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/test_child.h"
#include "console/interrupt.h"
#include "console/terminal.h"

namespace cairn::cli {

namespace {
constexpr int kTries = 6000;
constexpr useconds_t kPauseUs = 10'000;
}  // namespace

int ChildEnd::code() const { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

Child::Child(const std::function<int()>& body, bool on_terminal) {
    std::cout.flush();
    std::array<int, 2> ends{};
    if (on_terminal) {
        const winsize size{24, 80, 0, 0};
        EXPECT_EQ(::openpty(&ends[0], &ends[1], nullptr, nullptr, &size), 0);
    } else {
        EXPECT_EQ(::pipe(ends.data()), 0);
    }
    pid_ = ::fork();
    if (pid_ != 0) {
        ours_ = ends[0];
        if (on_terminal)
            terminal_ = ends[1];
        else
            ::close(ends[1]);
        return;
    }
    ::close(ends[0]);
    if (on_terminal) {
        ::setenv("TERM", "xterm", 1);
        ::login_tty(ends[1]);
    } else {
        ::dup2(ends[1], STDOUT_FILENO);
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[1]);
    }
    console::ignore_file_size_signal();
    console::keep_terminal();
    const int code = body();
    std::cout.flush();
    console::restore_terminal();
    ::_exit(code);
}

Child::~Child() {
    if (pid_ > 0) (void)end();
    if (ours_ >= 0) ::close(ours_);
    if (terminal_ >= 0) ::close(terminal_);
}

int Child::cairn(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "cairn");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    return run_command_line(static_cast<int>(argv.size()), argv.data(), std::cout, std::cerr);
}

void Child::signal(int number) const { ::kill(pid_, number); }

void Child::type(const std::string& keys) const {
    EXPECT_EQ(::write(ours_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

bool Child::read_some(int timeout_ms) {
    pollfd waiting{ours_, POLLIN, 0};
    if (ours_ < 0 || ::poll(&waiting, 1, timeout_ms) <= 0) return false;
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(ours_, buffer.data(), buffer.size());
    if (got > 0) output_.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
}

bool Child::reads(const std::string& text) {
    for (int i = 0; i < kTries; ++i) {
        const std::size_t at = output_.find(text, seen_);
        if (at != std::string::npos) {
            seen_ = at + text.size();
            return true;
        }
        read_some(10);
    }
    return false;
}

void Child::hang_up() {
    ::close(ours_);
    ours_ = -1;
}

bool Child::terminal_is_plain() const {
    termios state{};
    if (::tcgetattr(terminal_, &state) != 0) return false;
    constexpr tcflag_t kPlain = ECHO | ICANON | ISIG;
    return (state.c_lflag & kPlain) == kPlain;
}

ChildEnd Child::end() {
    ChildEnd end;
    pid_t ended = 0;
    for (int i = 0; i < kTries && ended == 0; ++i) {
        while (read_some(0)) {
        }
        ended = ::waitpid(pid_, &end.status, WNOHANG);
        if (ended == 0) ::usleep(kPauseUs);
    }
    if (ended == 0) {
        ADD_FAILURE() << "it did not end; it wrote: " << output_;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &end.status, 0);
    }
    while (read_some(0)) {
    }
    pid_ = -1;
    end.output = output_;
    return end;
}

std::unique_ptr<Child> start_layer_server(std::vector<std::string> words, nlohmann::json& ready) {
    words.insert(words.begin(), {"node", "--serve"});
    words.insert(words.end(), {"--listen", "127.0.0.1:0", "--map-port", "off", "--json"});
    auto child = std::make_unique<Child>([words] { return Child::cairn(words); }, false);
    EXPECT_TRUE(child->reads("parameters")) << child->output();
    EXPECT_TRUE(child->reads("}")) << child->output();
    const std::string& out = child->output();
    const std::size_t begin = out.find('{');
    ready = nlohmann::json::parse(out.substr(begin, out.find('\n', begin) - begin), nullptr, false);
    EXPECT_TRUE(ready.is_object()) << out;
    return child;
}

bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < kTries; ++i) {
        if (condition()) return true;
        ::usleep(kPauseUs);
    }
    return false;
}

}  // namespace cairn::cli
