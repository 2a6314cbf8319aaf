// CHECK: an assertion about our own code that stays on in release builds. A failed CHECK is a
// programmer's error: it prints where and why, then aborts. Never use it on data from outside;
// that is what Result and Verdict are for.
#pragma once

namespace cairn {

[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace cairn

#define CHECK(condition)                                           \
    do {                                                           \
        if (!(condition)) [[unlikely]]                             \
            ::cairn::check_failed(__FILE__, __LINE__, #condition); \
    } while (false)
