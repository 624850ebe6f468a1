/// Whether this build is watched by AddressSanitizer or ThreadSanitizer, which reserve terabytes of addresses and tell crashes themselves.
#pragma once

namespace lamina {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

}  // namespace lamina
