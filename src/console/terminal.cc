#include "console/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>

namespace cairn::console {

namespace {

// Every signal that ends a program which does not ask for it, but SIGKILL.
constexpr std::array kEnds = {SIGINT,    SIGTERM, SIGHUP,  SIGQUIT, SIGABRT, SIGSEGV,
                              SIGBUS,    SIGFPE,  SIGILL,  SIGPIPE, SIGXCPU, SIGALRM,
                              SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGSYS,  SIGTRAP};
constexpr char kMarkedPaste[] = "\x1b[?2004h";
constexpr char kPlainPaste[] = "\x1b[?2004l";

termios found{};
std::atomic<bool> is_known = false;
std::atomic<int> changes = 0;
std::atomic<int> marking = -1;  // the descriptor that was asked to mark what is pasted
static_assert(std::atomic<int>::is_always_lock_free);

void catch_signal(int signal, void (*handler)(int), int flags) {
    struct sigaction before {};
    if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) return;
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_NODEFER | flags;
    ::sigaction(signal, &action, nullptr);
}

termios hidden_state() {
    termios hidden = found;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    return hidden;
}

const std::string* asked = nullptr;  // while a password is read

// Ctrl-Z while a password is asked for: the shell gets a terminal that echoes; afterwards echo is
// turned off again and the question repeated.
void on_suspend(int) {
    restore_terminal();
    std::signal(SIGTSTP, SIG_DFL);
    ::raise(SIGTSTP);
    catch_signal(SIGTSTP, on_suspend, SA_RESTART);
    const termios hidden = hidden_state();
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    if (asked != nullptr) (void)!::write(STDERR_FILENO, asked->data(), asked->size());
}

}  // namespace

void keep_terminal() {
    if (is_known || ::tcgetattr(STDIN_FILENO, &found) != 0) return;
    is_known = true;
    std::atexit(restore_terminal);
    for (const int signal : kEnds) catch_signal(signal, end_by_signal, 0);
}

void reserve_closed_streams() {
    // In ascending order: open() takes the lowest free number. Each stream is opened the wrong way
    // round (input for writing, output for reading), so that using it fails as on a closed stream.
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) >= 0) continue;
        (void)!::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

void restore_terminal() {
    if (!is_known || changes == 0) return;
    // A process in the background would be stopped for touching the terminal.
    std::signal(SIGTTOU, SIG_IGN);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &found);
    const int marked = marking.exchange(-1);
    if (marked >= 0) (void)!::write(marked, kPlainPaste, sizeof kPlainPaste - 1);
}

void end_by_signal(int signal) {
    restore_terminal();
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

void mark_pastes(int descriptor, bool on) {
    const int before = marking.exchange(on ? descriptor : -1);
    if (on)
        (void)!::write(descriptor, kMarkedPaste, sizeof kMarkedPaste - 1);
    else if (before >= 0)
        (void)!::write(before, kPlainPaste, sizeof kPlainPaste - 1);
}

ChangedTerminal::ChangedTerminal() {
    keep_terminal();
    ++changes;
}

ChangedTerminal::~ChangedTerminal() {
    restore_terminal();
    --changes;
}

Result<std::string> read_hidden(const std::string& question) {
    if (!is_terminal(STDIN_FILENO))
        return Error{ErrorCode::kRefused, "there is no terminal to ask on"};
    const ChangedTerminal changed;
    std::cerr << question << std::flush;
    asked = &question;
    struct sigaction before {};
    ::sigaction(SIGTSTP, nullptr, &before);
    catch_signal(SIGTSTP, on_suspend, SA_RESTART);
    const termios hidden = hidden_state();
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    std::string line;
    const bool read = static_cast<bool>(std::getline(std::cin, line));
    ::sigaction(SIGTSTP, &before, nullptr);
    asked = nullptr;
    std::cerr << '\n';
    if (!read) return Error{ErrorCode::kCancelled, "nothing was typed"};
    return line;
}

bool wants_colour() {
    const char* const none = std::getenv("NO_COLOR");
    return none == nullptr || *none == '\0';
}

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

std::size_t terminal_columns(int descriptor) {
    winsize size{};
    return is_terminal(descriptor) && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace cairn::console
