/// A crash of the program is never without a word.
#pragma once

namespace lamina::cli {

/// From now on, a signal that ends the program for a fault in its code or a plugin's (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) is first
/// told on standard error in one sentence: the signal, the plugin whose call was running, and the library whose code failed. Then it ends
/// the program as it would have: exit status and core dump are what they were. Sanitizers do this themselves.
void tell_crashes();

}  // namespace lamina::cli
