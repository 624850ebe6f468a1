// Every way in which a library can be broken, one library for each case. The build and the tests read the cases from the lines below: a
// name and what the refusal says. C headers only, so that a case compiles in a moment.
#include <lamina/abi.h>
#include <sys/mman.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define AT_LOAD __attribute__((constructor)) static void at_load(void)
#define AT_END __attribute__((destructor)) static void at_end(void)
#define WRONG (volatile int*)8

// What a sound library says; cases put other things in place of these.
static lamina_status forward(const lamina_host*, lamina_scope*, const lamina_attribute*, uint32_t, const lamina_value*, uint32_t,
                             lamina_value*, uint32_t*);
static lamina_layer table = {sizeof table, forward};
static lamina_parameter parameters[2] = {
    {sizeof(lamina_parameter), 0, "[0, inf)", "slope", {"beta", LAMINA_REAL, 0, 0}, 0},
    {sizeof(lamina_parameter), 0, "[0, inf)", "offset", {"alpha", LAMINA_REAL, 0, 0}, 0},
};
static lamina_port input = {sizeof input, 0, "x", "any shape"}, result = {sizeof result, 0, "y", "as x"};
static lamina_plugin plugin = {sizeof plugin, LAMINA_MAJOR, LAMINA_MINOR, "layer",   CASE, "a layer", parameters, &input, &result, 2, 1, 1,
                               &table,        "1.0.0",      "{}",         "[[2, 3]]"};
static char endless[3 << 20];

#define PUBLIC extern "C" __attribute__((visibility("default")))
static const lamina_plugin* entry(void);

// The moment it is loaded.

// case crash_at_load: crashed with SIGSEGV (Segmentation fault)
#ifdef crash_at_load
AT_LOAD { *WRONG = 1; }
#endif
// case bus_error_at_load: crashed with SIGBUS (Bus error)
#ifdef bus_error_at_load
AT_LOAD {
  FILE* empty = tmpfile();
  *(volatile char*)mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(empty), 0) = 1;
}
#endif
// case divides_by_zero_at_load: crashed with SIGFPE (Floating point exception)
#ifdef divides_by_zero_at_load
AT_LOAD { raise(SIGFPE); }
#endif
// case illegal_instruction_at_load: crashed with SIGILL (Illegal instruction)
#ifdef illegal_instruction_at_load
AT_LOAD { __builtin_trap(); }
#endif
// case abort_at_load: crashed with SIGABRT (Aborted)
#ifdef abort_at_load
AT_LOAD { abort(); }
#endif
// case exit_0_at_load: ended the process with exit code 0
#ifdef exit_0_at_load
AT_LOAD { exit(0); }
#endif
// case exit_3_at_load: ended the process with exit code 3
#ifdef exit_3_at_load
AT_LOAD { exit(3); }
#endif
// case quick_exit_at_load: ended the process with exit code 0
#ifdef quick_exit_at_load
AT_LOAD { _exit(0); }
#endif
// case becomes_another_program_at_load: ended the process with exit code 0
#ifdef becomes_another_program_at_load
AT_LOAD { execl("/bin/true", "true", (char*)0); }
#endif
// case loops_at_load: was still running after
#ifdef loops_at_load
AT_LOAD {
  for (volatile int on = 1; on;) {
  }
}
#endif
// case ignores_signals_and_sleeps_at_load: was still running after
#ifdef ignores_signals_and_sleeps_at_load
AT_LOAD {
  for (int s = 1; s < 32; ++s) signal(s, SIG_IGN);
  for (;;) sleep(1000);
}
#endif
// case stops_at_load: was still running after
#ifdef stops_at_load
AT_LOAD { raise(SIGSTOP); }
#endif
// case leaves_a_process_at_load: ended the process with exit code 7
#ifdef leaves_a_process_at_load
AT_LOAD {
  if (fork() == 0)
    for (;;) sleep(1000);
  _exit(7);
}
#endif
// case kills_itself_at_load: was killed (SIGKILL; is memory short?)
#ifdef kills_itself_at_load
AT_LOAD { kill(getpid(), SIGKILL); }
#endif
// case takes_8_gb_at_load: 4.0 GiB of memory
#ifdef takes_8_gb_at_load
AT_LOAD {
  volatile char* all = (volatile char*)malloc((size_t)8 << 30);
  for (size_t i = 0; i < (size_t)8 << 30; i += 4096) all[i] = 1;
}
#endif
// case takes_memory_bit_by_bit_at_load: 4.0 GiB of memory
#ifdef takes_memory_bit_by_bit_at_load
AT_LOAD {
  while (mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) {
  }
  abort();
}
#endif
// case new_of_8_gb_at_load: its last words: "  what():  std::bad_alloc"
#ifdef new_of_8_gb_at_load
static volatile char* all;
AT_LOAD { (all = new char[(size_t)8 << 30])[0] = 1; }
#endif
// case overflows_the_stack_at_load: crashed with SIGSEGV
#ifdef overflows_the_stack_at_load
static int deep(volatile char* above) {
  volatile char block[4096];
  block[0] = above ? above[0] : 0;
  return deep(block) + block[0];
}
AT_LOAD { exit(deep(0)); }
#endif
// case throws_a_number_at_load: terminate called after throwing an instance of 'int'
#ifdef throws_a_number_at_load
AT_LOAD { throw 42; }
#endif
// case throws_a_foreign_type_at_load: terminate called after throwing an instance of 'Foreign'
#ifdef throws_a_foreign_type_at_load
struct Foreign {
  char text[1000];
};
AT_LOAD { throw Foreign(); }
#endif
// case terminates_at_load: its last words: "terminate called
#ifdef terminates_at_load
static void quiet(void) noexcept { throw 42; }
AT_LOAD { quiet(); }
#endif
// case closes_all_files_at_load: ended the process with exit code 1
#ifdef closes_all_files_at_load
AT_LOAD {
  for (int file = 0; file < 1024; ++file) close(file);
}
#endif
// case writes_to_all_files_at_load: wrote to a file descriptor that is not its own
#ifdef writes_to_all_files_at_load
AT_LOAD {
  for (int file = 3; file < 1024; ++file)
    if (write(file, "+good", 5) != 5) continue;
  exit(0);
}
#endif
// case prints_rubbish_and_aborts_at_load: its last words: "\u00ff\u0007 \u001b[31mno news"
#ifdef prints_rubbish_and_aborts_at_load
AT_LOAD {
  for (int i = 0; i < 100000; ++i) puts("good");
  puts("\xff\x07 \x1b[31mno news"), fflush(stdout), abort();
}
#endif

// The moment it is asked what it is.

// case crash_when_asked: crashed with SIGSEGV (Segmentation fault)
#ifdef crash_when_asked
#define ENTRY *WRONG = 1;
#endif
// case abort_when_asked: crashed with SIGABRT (Aborted)
#ifdef abort_when_asked
#define ENTRY abort();
#endif
// case exit_0_when_asked: ended the process with exit code 0
#ifdef exit_0_when_asked
#define ENTRY exit(0);
#endif
// case loops_when_asked: was still running after
#ifdef loops_when_asked
#define ENTRY \
  for (;;) pause();
#endif
// case throws_a_number_when_asked: throws something that is no std::exception when it is asked what it is
#ifdef throws_a_number_when_asked
#define ENTRY throw 42;
#endif
// case gives_nothing: gives no description of itself
#ifdef gives_nothing
#define ENTRY return 0;
#endif
// case gives_a_wild_pointer: crashed with SIGSEGV
#ifdef gives_a_wild_pointer
#define ENTRY return (const lamina_plugin*)WRONG;
#endif
// case entry_is_a_number: crashed with SIGSEGV
#ifdef entry_is_a_number
#define NO_ENTRY
PUBLIC int lamina_plugin_v1;
int lamina_plugin_v1 = 1;
#endif
// case no_entry_at_all: is no Lamina plugin: it does not export lamina_plugin_v1
#ifdef no_entry_at_all
#define NO_ENTRY
PUBLIC int some_other_symbol(void) { return entry() != 0; }
#endif
// case entry_of_a_newer_major: is made for version 2 of the plugin interface, this program has version 1
#ifdef entry_of_a_newer_major
#define NO_ENTRY
AT_LOAD { abort(); }
PUBLIC const void* lamina_plugin_v2(void) { return entry(); }
#endif
// case wants_a_symbol_that_nobody_has: undefined symbol: lamina_nobody_has_this
#ifdef wants_a_symbol_that_nobody_has
extern "C" int lamina_nobody_has_this(void);
AT_LOAD { lamina_nobody_has_this(); }
#endif

// What it says of itself.

// case another_major: is made for version 2 of the plugin interface
#ifdef another_major
#define ENTRY plugin.major = 2;
#endif
// case no_major: is made for version 0 of the plugin interface
#ifdef no_major
#define ENTRY plugin.major = 0;
#endif
// case no_size: describes itself in 0 bytes
#ifdef no_size
#define ENTRY plugin.size = 0;
#endif
// case short_size: describes itself in 16 bytes
#ifdef short_size
#define ENTRY plugin.size = 16;
#endif
// case no_kind: says that it is a ""; its folder is for the kind "layer"
#ifdef no_kind
#define ENTRY plugin.kind = 0;
#endif
// case another_kind: says that it is a "backend"; its folder is for the kind "layer"
#ifdef another_kind
#define ENTRY plugin.kind = "backend";
#endif
// case another_name: says that its name is "gated"
#ifdef another_name
#define ENTRY plugin.name = "gated";
#endif
// case no_name: has a wrong declaration: a layer
#ifdef no_name
#define ENTRY plugin.name = 0;
#endif
// case no_doc: has no documentation
#ifdef no_doc
#define ENTRY plugin.doc = 0;
#endif
// case doc_without_end: has a text without end
#ifdef doc_without_end
#define ENTRY memset(endless, 'x', sizeof endless), plugin.doc = endless;
#endif
// case doc_beyond_all_memory: crashed with SIGSEGV
#ifdef doc_beyond_all_memory
#define ENTRY                                                                                    \
  char* page = (char*)mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); \
  mprotect(page + 4096, 4096, PROT_NONE), memset(page, 'x', 4096), plugin.doc = page;
#endif
// case doc_is_no_utf8: has a text that is no UTF-8
#ifdef doc_is_no_utf8
#define ENTRY plugin.doc = "caf\xe9";
#endif
// case version_is_no_utf8: has a text that is no UTF-8
#ifdef version_is_no_utf8
#define ENTRY plugin.version = "\xc0\x80";
#endif
// case wild_version: crashed with SIGSEGV
#ifdef wild_version
#define ENTRY plugin.version = (const char*)WRONG;
#endif
// case no_table: has no functions
#ifdef no_table
#define ENTRY plugin.table = 0;
#endif
// case short_table: has no functions
#ifdef short_table
#define ENTRY table.size = 8;
#endif
// case table_without_function: has no functions
#ifdef table_without_function
#define ENTRY table.forward = 0;
#endif
// case wild_table: crashed with SIGSEGV
#ifdef wild_table
#define ENTRY plugin.table = (const void*)WRONG;
#endif
// case no_parameters_but_a_count: has parameters that cannot be read
#ifdef no_parameters_but_a_count
#define ENTRY plugin.parameters = 0;
#endif
// case far_too_many_parameters: has parameters that cannot be read
#ifdef far_too_many_parameters
#define ENTRY plugin.parameter_count = 1000000;
#endif
// case more_parameters_than_there_are: has a table whose entries are
#ifdef more_parameters_than_there_are
static lamina_parameter few[3] = {parameters[0], parameters[1]};
#define ENTRY plugin.parameters = few, plugin.parameter_count = 3;
#endif
// case parameters_without_size: has a table whose entries are 0 bytes long
#ifdef parameters_without_size
#define ENTRY parameters[0].size = 0;
#endif
// case nameless_parameter: has a parameter without name
#ifdef nameless_parameter
#define ENTRY parameters[1].initial.name = 0;
#endif
// case undocumented_parameter: has parameter "alpha" without documentation
#ifdef undocumented_parameter
#define ENTRY parameters[1].doc = "";
#endif
// case badly_named_parameter: names a parameter "Alpha Beta"; wanted lower case letters, digits and _
#ifdef badly_named_parameter
#define ENTRY parameters[1].initial.name = "Alpha Beta";
#endif
// case parameter_twice: declares parameter "beta" twice
#ifdef parameter_twice
#define ENTRY parameters[1].initial.name = "beta";
#endif
// case parameter_of_unknown_type: gives parameter "alpha" an unknown type
#ifdef parameter_of_unknown_type
#define ENTRY parameters[1].initial.type = 77;
#endif
// case default_that_is_not_there: gives parameter "alpha" a default that cannot be read
#ifdef default_that_is_not_there
#define ENTRY parameters[1].initial.count = 1;
#endif
// case no_inputs_but_a_count: has inputs that cannot be read
#ifdef no_inputs_but_a_count
#define ENTRY plugin.inputs = 0;
#endif
// case nameless_output: has an output without name
#ifdef nameless_output
#define ENTRY result.name = "";
#endif
// case undocumented_output: has output "y" without documentation
#ifdef undocumented_output
#define ENTRY result.doc = 0;
#endif

// The moment the program ends.

// case crash_at_the_end: crashed with SIGSEGV (Segmentation fault) at its end, after all had gone well
#ifdef crash_at_the_end
AT_END { *WRONG = 1; }
#endif
// case loops_at_the_end: was still running after
#ifdef loops_at_the_end
AT_END {
  for (;;) pause();
}
#endif

// Libraries that load, and do harm later.

// sound appends_to_a_file: to the one that LAMINA_TEST_FILE names, when it is loaded
#ifdef appends_to_a_file
AT_LOAD {
  const char* name = getenv("LAMINA_TEST_FILE");
  FILE* file = name ? fopen(name, "a") : 0;
  if (file) fputc('\n', file), fclose(file);
}
#endif

// sound fails_in_forward: in the way that LAMINA_TEST_HOW names
#ifdef fails_in_forward
static void crash(const lamina_kernel_call*) { *WRONG = 1; }
static lamina_status pass_on(const lamina_host*, lamina_scope*, const lamina_value*, const lamina_value*, const lamina_value* upstream,
                             const double*, lamina_value* downstream) {
  return downstream[0] = upstream[0], 0;
}
static const lamina_kernel kernel = {sizeof kernel, "crash", crash, crash, 0, pass_on};
static int deep(volatile char* above) {
  volatile char block[4096];
  block[0] = above ? above[0] : 0;
  return deep(block) + block[0];
}
static void quiet(void) noexcept { throw 42; }
static lamina_status fail(const lamina_host* host, lamina_scope* scope, const lamina_value* in, lamina_value* out) {
  const char* how = getenv("LAMINA_TEST_HOW");
  if (!strcmp(how, "wrong memory")) *WRONG = 1;
  if (!strcmp(how, "abort")) abort();
  if (!strcmp(how, "terminate")) quiet();
  if (!strcmp(how, "stack")) return deep(0);
  if (!strcmp(how, "throw")) throw 42;
  if (!strcmp(how, "refuse")) return host->fail(scope, "the moon is wrong"), 1;
  if (!strcmp(how, "no reason")) return 1;
  if (!strcmp(how, "not at all")) return out[0] = in[0], 0;
  lamina_shape shape;  // crash in the step
  return host->shape(scope, in[0], &shape) || host->kernel(scope, &kernel, in, 1, 0, 0, &shape, out, 1, 1);
}
#define FORWARD(...) fail(__VA_ARGS__)
#else
#define FORWARD(...) 1
#endif

static lamina_status forward(const lamina_host* host, lamina_scope* scope, const lamina_attribute*, uint32_t, const lamina_value* in,
                             uint32_t, lamina_value* out, uint32_t* count) {
  (void)host, (void)scope, (void)in, (void)out;
  return *count = 1, FORWARD(host, scope, in, out);
}
#ifndef ENTRY
#define ENTRY
#endif
static const lamina_plugin* entry(void) {
  (void)endless;
  ENTRY
  return &plugin;
}
#ifndef NO_ENTRY
PUBLIC const lamina_plugin* lamina_plugin_v1(void) { return entry(); }
#endif
