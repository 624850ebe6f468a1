/// Work in shares, one per thread of the session.
#pragma once
#include <omp.h>

#include <cstdint>

namespace lamina::cpu {

/// Calls share(t) for every t < threads, on as many threads. Where OpenMP gives fewer (OMP_THREAD_LIMIT, OMP_DYNAMIC), some take several
/// shares: nothing is left out, and the shares, so the bits, stay the same.
template <class Share>
void on_threads(int threads, const Share& share) {
#pragma omp parallel num_threads(threads)
  for (int t = omp_get_thread_num(); t < threads; t += omp_get_num_threads()) share(t);
}

/// Calls part(t, begin, end) for every t < threads with the t-th of as many parts of [0, count).
template <class Part>
void in_parts(int64_t count, int threads, const Part& part) {
  if (threads == 1) return part(0, int64_t(0), count);
  on_threads(threads, [&](int t) { part(t, count * t / threads, count * (t + 1) / threads); });
}

}  // namespace lamina::cpu
