#include "console/interrupt.h"

#include <atomic>

#include "console/terminal.h"

namespace cairn::console {

namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGUSR1, SIGUSR2};

std::atomic<bool> any_came = false;
std::atomic<bool> end_came = false;
std::atomic<bool> int_came = false;
std::atomic<bool> term_came = false;
std::atomic<bool> second_ends = true;
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int signal) {
    if (signal == SIGINT && int_came.exchange(true) && second_ends) end_by_signal(signal);
    if (signal == SIGTERM && term_came.exchange(true)) end_by_signal(signal);
    if (signal != SIGINT) end_came = true;
    any_came = true;
}

}  // namespace

void ignore_file_size_signal() { std::signal(SIGXFSZ, SIG_IGN); }

Interrupt::Interrupt(SecondCtrlC second) {
    second_ends = second == SecondCtrlC::kEnds;
    any_came = end_came = int_came = term_came = false;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        ::sigaction(kSignals[i], nullptr, &before_[i]);
        if (before_[i].sa_handler == SIG_IGN) continue;
        struct sigaction action {};
        action.sa_handler = on_signal;
        action.sa_flags = SA_RESTART | SA_NODEFER;
        ::sigaction(kSignals[i], &action, nullptr);
    }
}

Interrupt::~Interrupt() {
    for (std::size_t i = 0; i < kSignals.size(); ++i)
        ::sigaction(kSignals[i], &before_[i], nullptr);
}

bool Interrupt::raised() const { return any_came; }

void Interrupt::forget() { any_came = end_came.load(); }

bool Interrupt::must_end() const { return end_came; }

}  // namespace cairn::console
