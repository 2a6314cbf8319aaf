#include "cli/interrupt.h"

#include <csignal>

namespace cairn::cli {

namespace {

std::atomic<bool> raised_flag = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int signal) {
    raised_flag = true;
    std::signal(signal, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
    raised_flag = false;
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
}

Interrupt::~Interrupt() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

bool Interrupt::raised() const { return raised_flag; }

}  // namespace cairn::cli
