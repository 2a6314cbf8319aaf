// Whether the program was built with a sanitizer, for tests that take from it what it needs itself:
// its signal handlers, or the descriptors by which it looks at memory. GCC and Clang say it
// differently.
#pragma once

namespace cairn {

#ifdef __has_feature
#define CAIRN_HAS_FEATURE(feature) __has_feature(feature)
#else
#define CAIRN_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    CAIRN_HAS_FEATURE(address_sanitizer) || CAIRN_HAS_FEATURE(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

#undef CAIRN_HAS_FEATURE

}  // namespace cairn
