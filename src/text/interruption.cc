#include "text/interruption.h"

namespace cairn::text {

namespace {

thread_local const std::atomic<bool>* raised_here = nullptr;

}  // namespace

Interruption::Interruption(const std::atomic<bool>& raised) : before_(raised_here) {
    raised_here = &raised;
}

Interruption::~Interruption() { raised_here = before_; }

bool GoesOn::interrupted() {
    return raised_here != nullptr && raised_here->load(std::memory_order_relaxed);
}

}  // namespace cairn::text
